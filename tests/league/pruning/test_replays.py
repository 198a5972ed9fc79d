"""Replays under a budget: the oldest go, rows first, and the journal has the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from db import queries
from db.errors import DatabaseFullError
from db.session import read_transaction, write_transaction
from league.errors import FolderError
from league.folder.doctor import examine
from league.inspect.look import find_replay
from league.pruning import prune
from league.pruning.prune import KEEP_LATEST, Pruning
from league.pruning.record import Budgets, read_record
from tests.league.pruning.pruned_league import REPLAY_BYTES, Pruned, nobody


def run(pruned: Pruned, budget: float, *, dry_run: bool = False) -> Pruning:
    """One whole pass with a budget for replays, in bytes."""
    found = Pruning(
        pruned.folder,
        pruned.engine,
        Budgets(replays=budget),
        pruned.season.rules_sha256,
        nobody,
        dry_run=dry_run,
    )
    for _ in found.steps():
        pass
    return found


@pytest.fixture
def latest_3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prune, "KEEP_LATEST", 3)


def test_the_replays_of_the_latest_thousand_matches_stay(pruned: Pruned) -> None:
    pruned.play(1_005)
    run(pruned, 1.0)  # a budget that nothing fits
    assert KEEP_LATEST == 1_000
    assert pruned.kept() == pruned.named() == list(range(6, 1_006))
    run(pruned, 1.0)
    assert len(pruned.kept()) == 1_000


@pytest.mark.usefixtures("latest_3")
def test_the_oldest_go_until_there_is_some_room(pruned: Pruned) -> None:
    pruned.play(10)
    # 10 replays of 100 bytes against 800: down to 95 % of it, 760, which takes 3.
    done = run(pruned, 8 * REPLAY_BYTES).done
    assert pruned.kept() == pruned.named() == [4, 5, 6, 7, 8, 9, 10]
    assert (done.replay_bytes, done.n_replays, done.pruned_replay_bytes) == (1_000, 3, 300)
    assert run(pruned, 8 * REPLAY_BYTES).done.n_replays == 0


@pytest.mark.usefixtures("latest_3")
def test_the_replay_of_a_match_that_an_event_names_stays(pruned: Pruned) -> None:
    pruned.play(10)
    with write_transaction(pruned.engine) as session:
        queries.add_event(session, "match_failed", "a story", match_id=2)
    run(pruned, 1.0)
    assert pruned.kept() == [2, 8, 9, 10]


@pytest.mark.usefixtures("latest_3")
def test_the_latest_are_the_latest_to_finish_too(pruned: Pruned) -> None:
    pruned.play(5)
    with write_transaction(pruned.engine) as session:  # match 1 was played last, after a rest
        session.connection().exec_driver_sql(
            "UPDATE matches SET finished_at = '2027-01-01 00:00:00.000000' WHERE id = 1"
        )
    run(pruned, 1.0)
    assert pruned.kept() == [1, 3, 4, 5]


@pytest.mark.usefixtures("latest_3")
def test_the_journal_has_one_event_for_a_pass_with_matches_and_reason(
    pruned: Pruned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prune, "CHUNK", 2)
    pruned.play(10)
    with write_transaction(pruned.engine) as session:
        queries.add_event(session, "match_failed", "a story", match_id=3)
    run(pruned, 1.0)
    (event,) = pruned.events("pruned")
    assert event.details["matches"] == [[1, 2], [4, 7]]
    assert (event.details["n"], event.details["bytes"]) == (6, 600)
    assert "keep.replays" in event.message and "matches that an event names stay" in event.message
    with read_transaction(pruned.engine) as session:
        total = read_record(session).replays
    assert (total.n, total.n_bytes, total.measured) == (6, 600, 400)


@pytest.mark.usefixtures("latest_3")
def test_the_replays_of_head_to_heads_count_and_go_too(pruned: Pruned) -> None:
    pruned.play(2, purpose="pit")
    pruned.play(4)
    run(pruned, 1.0)
    assert pruned.kept() == [4, 5, 6]


@pytest.mark.usefixtures("latest_3")
def test_no_file_goes_before_its_row(pruned: Pruned, monkeypatch: pytest.MonkeyPatch) -> None:
    pruned.play(10)

    def full(*_: object, **__: object) -> None:
        raise DatabaseFullError("the disk is full")

    monkeypatch.setattr(prune, "write_record", full)  # inside the transaction
    with pytest.raises(DatabaseFullError):
        run(pruned, 1.0)
    assert pruned.kept() == pruned.named() == list(range(1, 11))


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.usefixtures("latest_3")
def test_a_kill_before_the_files_go_leaves_them_to_the_next_pass(
    pruned: Pruned, monkeypatch: pytest.MonkeyPatch
) -> None:
    pruned.play(10)

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("league.pruning.files._unlink", die)
        with pytest.raises(Killed):
            run(pruned, 1.0)
    assert pruned.named() == [8, 9, 10] and len(pruned.kept()) == 10
    found = {finding.text.partition(":")[0]: finding for finding in examine(pruned.folder)}
    assert found["files that nothing names"].ok  # they are known, and the next pass removes them
    run(pruned, 1e9)
    assert pruned.kept() == [8, 9, 10]


@pytest.mark.usefixtures("latest_3")
def test_the_doctor_calls_no_pruned_replay_missing(pruned: Pruned) -> None:
    pruned.play(10)
    run(pruned, 1.0)
    texts = [f.text for f in examine(pruned.folder) if f.text.startswith("replays:")]
    assert "3 present, 7 pruned" in texts[0] and "keep none" not in texts[0]
    assert "lost" not in texts[0]


@pytest.mark.usefixtures("latest_3")
def test_who_asks_for_a_pruned_replay_is_told_why_it_is_gone(pruned: Pruned) -> None:
    pruned.play(10)
    run(pruned, 1.0)
    with pytest.raises(FolderError, match=r"match 4, finished, without one: it was pruned on .*MB"):
        find_replay("4", pruned.folder)


@pytest.mark.usefixtures("latest_3")
def test_nothing_outside_the_replays_is_ever_removed(pruned: Pruned, tmp_path: Path) -> None:
    pruned.play(7)
    mine = tmp_path / "mine"
    mine.write_text("mine")
    with write_transaction(pruned.engine) as session:  # a damaged or hostile database
        for match_id, path in (
            (1, "../mine"),
            (2, "league.toml"),
            (3, "replays/../league.db"),
            (4, "/"),
        ):
            session.connection().exec_driver_sql(
                f"UPDATE matches SET replay_path = '{path}' WHERE id = {match_id}"
            )
    run(pruned, 1.0)
    assert mine.exists() and pruned.folder.toml.exists() and pruned.folder.sqlite.exists()


@pytest.mark.usefixtures("latest_3")
def test_a_dry_run_says_the_same_and_changes_nothing(pruned: Pruned) -> None:
    pruned.play(10)
    said = run(pruned, 1.0, dry_run=True).done
    assert pruned.kept() == pruned.named() == list(range(1, 11)) and not pruned.events("pruned")
    assert run(pruned, 1.0).done == said and said.n_replays == 7
