"""The daemon's pruning: small pieces, again after a while, and no trouble from a stubborn file."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from league.daemon import budget
from league.daemon.budget import DiskBudget
from league.daemon.manager import Manager
from league.pruning import prune
from league.pruning.record import Budgets
from tests.league.daemon.scripted import Clock, ScriptedArena, ScriptedProcess, new_league
from tests.league.pruning.pruned_league import Pruned, nobody


@pytest.fixture
def pruned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pruned]:
    """A league that keeps the replays of 3 matches and prunes 2 at a time, in 10 matches."""
    monkeypatch.setattr(prune, "KEEP_LATEST", 3)
    monkeypatch.setattr(prune, "CHUNK", 2)
    with new_league(tmp_path / "league", "keep.replays=1") as made:
        found = Pruned(made)
        found.start()
        found.play(10)
        yield found


def keeper(pruned: Pruned, clock: Clock, budgets: Budgets | None = None) -> DiskBudget:
    return DiskBudget(
        pruned.folder,
        pruned.engine,
        budgets or Budgets(replays=1.0),
        pruned.season.rules_sha256,
        nobody,
        clock=clock,
    )


class Hurried(Clock):
    """A clock on which every look takes a second."""

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def test_a_turn_does_one_piece_and_the_turns_do_it_all(pruned: Pruned) -> None:
    keeping = keeper(pruned, Hurried())
    left = []
    for _ in range(4):
        keeping.turn()
        left.append(len(pruned.kept()))
    assert left == [8, 6, 4, 3]


def test_it_looks_again_after_a_minute_and_not_before(pruned: Pruned) -> None:
    clock = Clock()
    keeping = keeper(pruned, clock)
    keeping.turn()
    assert pruned.kept() == [8, 9, 10]
    pruned.play(2)
    clock.now += 59.0
    keeping.turn()
    assert pruned.kept() == [8, 9, 10, 11, 12]
    clock.now += 1.0
    keeping.turn()
    assert pruned.kept() == [10, 11, 12]


def test_without_a_budget_nothing_goes_and_nothing_is_written(pruned: Pruned) -> None:
    before = pruned.folder.sqlite.with_name("league.db-wal").stat().st_mtime_ns
    keeper(pruned, Clock(), Budgets()).turn()
    assert len(pruned.kept()) == 10
    assert pruned.folder.sqlite.with_name("league.db-wal").stat().st_mtime_ns == before


def test_a_file_that_cannot_be_removed_ends_nothing_and_is_tried_again(
    pruned: Pruned, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    keeping = keeper(pruned, clock)

    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        keeping.turn()
        clock.now += budget.AFTER_TROUBLE_S
        keeping.turn()
    (event,) = pruned.events("prune_failed")  # not one for every attempt
    assert "Permission denied" in event.message
    clock.now += budget.AFTER_TROUBLE_S
    keeping.turn()
    assert pruned.kept() == pruned.named() == [8, 9, 10]


def test_more_than_the_budget_that_must_stay_is_said_once(pruned: Pruned) -> None:
    clock = Clock()
    keeping = keeper(pruned, clock)
    for _ in range(3):
        keeping.turn()
        clock.now += 600.0
    (event,) = pruned.events("over_budget")
    assert "nothing more may go" in event.message and "league prune --dry-run" in event.message


def test_a_running_league_keeps_its_budget(pruned: Pruned) -> None:
    big = pruned.replay(1)
    big.write_bytes(b"r" * 1_000_001)  # keep.replays is 1 MB
    league = pruned.league
    manager = Manager(
        league.folder,
        league.config,
        league.engine,
        arena=ScriptedArena(),
        launch=lambda name, orders: ScriptedProcess(),
    )
    manager.turn(0.0)
    assert 1 not in pruned.kept() and len(pruned.kept()) >= 8
    manager.kill()


def test_a_start_removes_what_was_pruned_before_any_learner_runs(
    pruned: Pruned, monkeypatch: pytest.MonkeyPatch
) -> None:
    pruned.add("old", 1.0)
    pruned.add("champion", 2.0)
    budgets = Budgets(snapshots=1_500.0)
    keeper(pruned, Clock(), budgets).turn()
    assert "old" in pruned.snapshots() and pruned.members()["old"].status == "retired"
    at_start: list[set[str]] = []

    def launch(name: str, orders: object) -> ScriptedProcess:
        at_start.append(pruned.snapshots())
        return ScriptedProcess()

    league = pruned.league
    manager = Manager(
        league.folder, league.config, league.engine, arena=ScriptedArena(), launch=launch
    )
    manager.turn(0.0)
    assert at_start == [{"champion"}, {"champion"}]
    manager.kill()
