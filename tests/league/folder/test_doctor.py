"""What `league doctor` finds: each kind of damage that was ever seen, one finding per check."""

from __future__ import annotations

import dataclasses
import json
import os
import sqlite3
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import pytest

from agents.registry import make_loader
from arena.match import MatchResult, MatchSpec, play_matches
from arena.processes.scratch import OWNER_FILE, own_folder
from arena.replay import write_replay
from arena.territory.engine.rules import MatchRules
from arena.territory.maps import load_map
from db import queries
from db.records import MatchPlan
from db.session import open_writer, write_transaction
from league.config.whole import LAST_LINE, MARK
from league.folder.doctor import Finding, books, examine, repair
from league.folder.layout import LeagueFolder
from tests.league.hand_made import MAP_SHA, NOON, RULES_SHA, make_league

WEIGHTS = b"any bytes will do: the doctor compares them with the hash in the database"
LATER = NOON + timedelta(hours=1)


@pytest.fixture
def healthy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LeagueFolder:
    """A league whose only snapshot is where the database says; temporary files lie beside it."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    return make_league(tmp_path / "league", weights=WEIGHTS)


@pytest.fixture(scope="module")
def match() -> MatchResult:
    """A match of 20 ticks that can be played back."""
    spec = MatchSpec(
        seed=1,
        map="generated:plains:64x64:1",
        agents=("scripted:random", "scripted:idle"),
        rules=MatchRules(n_seats=2, max_ticks=20),
    )
    (result,) = play_matches([spec], make_loader(), load_map)
    assert isinstance(result, MatchResult)
    return result


def _wrong(folder: LeagueFolder) -> list[str]:
    return [finding.text for finding in examine(folder) if finding.is_wrong]


def _about(folder: LeagueFolder, name: str, **arguments: object) -> Finding:
    (found,) = [f for f in examine(folder, **arguments) if f.text.startswith(f"{name}:")]  # type: ignore[arg-type]
    return found


def _change(folder: LeagueFolder, *statements: str) -> None:
    """What a careless hand does to the database."""
    with sqlite3.connect(folder.sqlite) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def _snapshot(folder: LeagueFolder) -> Path:
    (path,) = folder.snapshots.glob("*.safetensors")
    return path


def _with_replays(folder: LeagueFolder, match: MatchResult) -> list[Path]:
    """The three matches of the league get the replay of another one, which verifies."""
    paths = [folder.replays / f"{number}.replay" for number in (1, 2, 3)]
    for number, path in enumerate(paths, 1):
        write_replay(match, path)
        _change(
            folder,
            f"UPDATE matches SET replay_path = 'replays/{path.name}', "
            f"final_state_sha256 = '{match.final_state_sha256}' WHERE id = {number}",
        )
    return paths


def test_a_healthy_league_has_nothing_wrong_and_every_check_says_so(healthy: LeagueFolder) -> None:
    findings = examine(healthy)
    assert not any(finding.is_wrong for finding in findings)
    texts = [finding.text for finding in findings]
    for expected in (
        "rating log: without a gap",
        "matches and ratings: agree",
        "ratings: equal to their replay",
        "matches: 0 failed",
        "snapshots: 1 of 1 good",
        "replays: 0 present, 3 finished matches keep none, 0 of them played back",
        "files that nothing names: none",
        "league.toml: whole and equal to the frozen settings",
        "permissions: no password in league.toml",
        "alarms: none in the last day",
        "play: the league is not running",
        "clock: nothing is dated in the future",
    ):
        assert expected in texts
    assert len({text.partition(":")[0] for text in texts}) == len(texts)  # one line per check


def test_a_note_is_neither_ok_nor_wrong() -> None:
    note = Finding("note", "matches: 1 failed")
    assert not note.ok and not note.is_wrong
    assert [f.ok for f in (Finding("ok", ""), Finding("WRONG", ""))] == [True, False]


def test_one_changed_bit_of_a_snapshot_is_found(healthy: LeagueFolder) -> None:
    path = _snapshot(healthy)
    path.write_bytes(WEIGHTS[:-1] + bytes([WEIGHTS[-1] ^ 1]))
    assert _wrong(healthy) == [
        f"snapshots: 0 of 1 good: {path}: the bytes have changed since it was saved; restore it "
        "from a backup"
    ]


def test_a_cut_snapshot_and_a_missing_one_are_found(healthy: LeagueFolder) -> None:
    path = _snapshot(healthy)
    path.write_bytes(WEIGHTS[:10])
    assert "the bytes have changed" in _wrong(healthy)[0]
    path.unlink()
    assert f"{path}: expected a snapshot file" in _wrong(healthy)[0]


def test_a_removed_row_of_the_rating_log_is_found(healthy: LeagueFolder) -> None:
    # The third match has the rows 13 to 16 (4 admissions, 3 matches of 4 seats).
    _change(healthy, "DELETE FROM ratings WHERE seq = 15")
    assert "rating log: rows are missing; restore a backup" in _wrong(healthy)


def test_a_removed_admission_does_not_keep_the_doctor_from_the_rest(
    healthy: LeagueFolder,
) -> None:
    _change(healthy, "DELETE FROM ratings WHERE seq = 2")
    _snapshot(healthy).unlink()
    gap, replay, snapshot = _wrong(healthy)
    assert gap == "rating log: rows are missing; restore a backup"
    assert replay.startswith("ratings: cannot be replayed: member 2 plays match 1 at seq 6 before")
    assert snapshot.startswith("snapshots: 0 of 1 good: ")


def test_a_changed_rating_is_found_with_its_place(healthy: LeagueFolder) -> None:
    _change(healthy, "UPDATE ratings SET sigma = sigma * 0.999 WHERE seq = 9")
    assert _wrong(healthy) == ["ratings: differ from their replay at seq 9"]


def test_a_long_log_is_replayed_only_when_asked_for(
    healthy: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 16 rows: 4 + 3 * 4
    monkeypatch.setitem(books.SHORT_LOG, "compiled", 15)
    _change(healthy, "UPDATE ratings SET sigma = sigma * 0.999 WHERE seq = 9")
    assert _about(healthy, "ratings").level == "note"
    assert _about(healthy, "ratings", thorough=True).level == "WRONG"


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        # What two daemons on one database left: a finished match planned again.
        (
            "UPDATE matches SET status = 'planned' WHERE id = 2",
            ("1 seats of matches that are not finished (match 2)", "1 ratings of matches that are"),
        ),
        ("DELETE FROM ratings WHERE match_id = 3", ("1 finished matches without a rating for",)),
        ("DELETE FROM seats WHERE match_id = 3 AND seat = 0", ("1 ratings without a rated seat",)),
        ("DELETE FROM seats WHERE match_id = 1", ("1 finished matches with more or fewer seats",)),
    ],
)
def test_status_seats_and_ratings_that_contradict_each_other_are_found(
    healthy: LeagueFolder, statement: str, expected: tuple[str, ...]
) -> None:
    _change(healthy, statement)
    found = _about(healthy, "matches and ratings")
    assert found.level == "WRONG"
    for words in expected:
        assert any(words in detail for detail in found.details), found.details


def test_failed_matches_are_a_note(healthy: LeagueFolder) -> None:
    engine = open_writer(healthy.sqlite)
    with write_transaction(engine) as session:
        plan = MatchPlan(
            purpose="rating",
            seed=9,
            map="generated:lakes:64x64:1",
            map_sha256=MAP_SHA,
            rules_sha256=RULES_SHA,
            spec={},
            line_up=((1, True), (2, True)),
        )
        match_id = queries.plan_match(session, plan)
        queries.record_failed(session, match_id, "crash", max_failures=1)
    engine.dispose()
    assert _about(healthy, "matches") == Finding("note", "matches: 1 failed")
    assert _wrong(healthy) == []


def test_a_damaged_page_and_a_broken_foreign_key_are_found(healthy: LeagueFolder) -> None:
    # Ratings of a member that is not there; then an index that lacks a row of its table.
    _change(healthy, "PRAGMA foreign_keys = OFF", "UPDATE events SET member_id = 77 WHERE id = 1")
    found = _about(healthy, "database pages")
    assert found.details == ("row 1 of events names a row of members that is not there",)
    _change(
        healthy,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET sql = sql || ' WHERE id > 99' "
        "WHERE name = 'ix_matches_finished_at'",
    )
    assert any(
        "ix_matches_finished_at" in text for text in _about(healthy, "database pages").details
    )


def test_a_database_that_cannot_be_read_is_a_finding_and_not_the_end(healthy: LeagueFolder) -> None:
    healthy.sqlite.write_bytes(b"not a database at all" * 1000)
    first, settings, rest = examine(healthy)
    assert first.is_wrong and first.text.startswith("database: ")
    assert settings == Finding("ok", "league.toml: a whole file")
    assert rest.level == "note"


def test_a_check_that_fails_is_a_finding_and_the_others_go_on(
    healthy: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: object) -> None:
        raise RuntimeError("what nobody thought of")

    monkeypatch.setattr(queries, "contradictory_matches", stumble)
    assert _wrong(healthy) == [
        "rows: the check could not be made: RuntimeError: what nobody thought of"
    ]
    assert len(examine(healthy)) == 19


def test_replays_are_counted_and_a_sample_is_played_back(
    healthy: LeagueFolder, match: MatchResult
) -> None:
    _with_replays(healthy, match)
    assert _about(healthy, "replays") == Finding("ok", "replays: 3 present, 3 of them played back")


def test_empty_and_missing_replays_are_found(healthy: LeagueFolder, match: MatchResult) -> None:
    first, second, _ = _with_replays(healthy, match)
    first.write_bytes(b"")  # what a power cut leaves of a file that was not synced
    second.unlink()
    assert _about(healthy, "replays") == Finding(
        "WRONG",
        "replays: 2 lost: match 1: replays/1.replay has 0 bytes; match 2: replays/2.replay is "
        "missing",
        ("match 1: replays/1.replay has 0 bytes", "match 2: replays/2.replay is missing"),
    )


def test_a_replay_that_leads_elsewhere_is_found(healthy: LeagueFolder, match: MatchResult) -> None:
    paths = _with_replays(healthy, match)
    write_replay(dataclasses.replace(match, final_state_sha256="0" * 64), paths[1])
    found = _about(healthy, "replays")
    assert found.text.startswith("replays: 3 present, 3 of them played back, 1 do not verify")
    assert found.details[0].startswith("match 2: the replay ends differently")


def test_the_replay_of_another_match_is_found(healthy: LeagueFolder, match: MatchResult) -> None:
    _with_replays(healthy, match)
    _change(healthy, f"UPDATE matches SET final_state_sha256 = '{'0' * 64}' WHERE id = 3")
    assert _about(healthy, "replays").details == (
        "match 3: replays/3.replay is the replay of another match",
    )


def test_a_replay_path_that_points_outside_the_folder_is_not_followed(
    healthy: LeagueFolder,
) -> None:
    _change(healthy, "UPDATE matches SET replay_path = '../../etc/passwd' WHERE id = 1")
    assert "expected a path inside the league folder" in _about(healthy, "replays").details[0]


def test_files_that_nothing_names_are_a_note(healthy: LeagueFolder) -> None:
    part = healthy.replays / ".writing-999999999-00ff"  # no process has such a number
    part.write_bytes(b"half")
    stray = healthy.snapshots / f"{'e' * 64}.safetensors"
    stray.write_bytes(b"nobody's")
    assert _about(healthy, "files that nothing names") == Finding(
        "note",
        f"files that nothing names: 2: {part}; {stray}",
        (str(part), str(stray)),
    )


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 1.0])
def test_a_cut_league_toml_is_found(healthy: LeagueFolder, share: float) -> None:
    whole = healthy.toml.read_text()
    # Up to the head of the last section, which was the latest cut that is found in files of 0.1.0.
    latest = whole.index("[database]\n") + len("[database]\n")
    healthy.toml.write_text(whole[: int(share * latest)])
    (wrong,) = _wrong(healthy)
    assert "league.toml: expected" in wrong and "--repair" in wrong


def test_the_league_toml_of_an_older_version_has_fewer_sections_and_is_whole(
    healthy: LeagueFolder,
) -> None:
    text = healthy.toml.read_text()
    begins = text.index("[database]\n")
    ends = text.find("\n[", begins + 1)  # what later versions added behind it
    old = text[: ends if ends > 0 else None].replace(LAST_LINE, "").replace(f"{MARK}\n", "")
    healthy.toml.write_text(old)
    assert _wrong(healthy) == []
    healthy.toml.write_text(old[:begins])
    (wrong,) = _wrong(healthy)
    assert "expected a last section [database]" in wrong


def test_a_frozen_setting_that_was_edited_is_found(healthy: LeagueFolder) -> None:
    text = healthy.toml.read_text()
    assert "n_seats = 4\n" in text
    healthy.toml.write_text(text.replace("n_seats = 4\n", "n_seats = 5\n"))
    (wrong,) = _wrong(healthy)
    assert "rules.n_seats was frozen at the league's first start" in wrong


def test_learners_and_play_are_looked_at_while_the_daemon_runs(healthy: LeagueFolder) -> None:
    # Heartbeats, and the newest match, are of noon; at one o'clock that is an hour ago.
    found = _about(healthy, "learners", running_since=NOON, now=LATER)
    assert found.details == (
        "attention has not reported for 60 minutes",
        "baseline has not reported for 60 minutes",
    )
    _change(healthy, "UPDATE learners SET status = 'stopped' WHERE name = 'baseline'")
    found = _about(healthy, "learners", running_since=NOON, now=NOON)
    assert found.is_wrong and found.details[0].startswith("baseline was given up")
    sign = json.dumps({"n_playing": 0})
    _change(
        healthy,
        f"INSERT INTO league VALUES ('daemon', '{sign}', '{LATER:%Y-%m-%d %H:%M:%S}.000000')",
    )
    found = _about(healthy, "play", running_since=NOON, now=LATER)
    assert found.is_wrong and "nothing is playing" in found.text
    found = _about(healthy, "play", running_since=NOON, now=LATER + timedelta(hours=1))
    assert found.is_wrong and "no sign of life since 2026-03-01 13:00" in found.text


def test_temporary_folders_of_killed_processes_are_a_note_when_they_are_a_day_old(
    healthy: LeagueFolder,
) -> None:
    names = ("league-arena-old", "pymp-old", "league-arena-young", "league-arena-owned")
    folders = [Path(tempfile.gettempdir()) / name for name in names]
    for folder in folders:
        folder.mkdir()
        (folder / OWNER_FILE).touch()
    folders[3].joinpath(OWNER_FILE).unlink()
    own_folder(folders[3])  # by this process
    for folder in (folders[0], folders[1], folders[3]):
        os.utime(folder, (time.time() - 86_410.0,) * 2)
    os.utime(folders[2], (time.time() - 86_300.0,) * 2)
    found = _about(healthy, "temporary folders")
    assert found.level == "note" and found.details == (str(folders[0]), str(folders[1]))
    assert "2 left of killed processes" in found.text
    assert repair(healthy) == [
        f"removed {folder}, which a killed process left" for folder in folders[:2]
    ]
    assert [folder.exists() for folder in folders] == [False, False, True, True]
    assert _about(healthy, "temporary folders").ok


def test_alarms_and_members_out_of_play_are_a_note(healthy: LeagueFolder) -> None:
    _change(healthy, "UPDATE members SET status = 'quarantined' WHERE name = 'tribe'")
    found = _about(healthy, "alarms", now=LATER)
    assert found == Finding(
        "note",
        "alarms: 2 open: tribe is quarantined; random beats tribe",
        ("tribe is quarantined", "random beats tribe"),
    )


def test_rows_of_the_future_are_found(healthy: LeagueFolder) -> None:
    found = _about(healthy, "clock", now=NOON - timedelta(minutes=30))
    assert found.is_wrong and "the newest finished match by 30 minutes" in found.details


def test_a_disk_that_is_nearly_full_is_found(
    healthy: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def usage(_: Path) -> object:
        return type("usage", (), {"free": 90_000_000})

    monkeypatch.setattr("league.folder.doctor.health.shutil.disk_usage", usage)
    found = _about(healthy, "disk")
    assert found.is_wrong and found.text.startswith("disk: 0.1 GB free")


def test_an_examination_changes_nothing(healthy: LeagueFolder) -> None:
    def files() -> dict[Path, bytes]:
        # SQLite makes and removes its -wal and -shm files for readers too.
        return {
            path: path.read_bytes()
            for path in healthy.root.rglob("*")
            if path.is_file() and not path.name.startswith("league.db-")
        }

    before = files()
    examine(healthy)
    assert files() == before
