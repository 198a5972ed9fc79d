"""What `league doctor` finds: bytes of snapshots, gaps and differences of the rating log."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from db import queries
from db.records import MatchPlan
from db.session import open_writer, write_transaction
from league.folder.doctor import examine
from league.folder.layout import LeagueFolder
from tests.league.hand_made import MAP_SHA, RULES_SHA, make_league

WEIGHTS = b"any bytes will do: the doctor compares them with the hash in the database"


@pytest.fixture
def healthy(tmp_path: Path) -> LeagueFolder:
    """A league whose only snapshot is where the database says."""
    return make_league(tmp_path / "league", weights=WEIGHTS)


def _bad(folder: LeagueFolder) -> list[str]:
    return [finding.text for finding in examine(folder) if not finding.ok]


def _change(folder: LeagueFolder, statement: str) -> None:
    """What a careless hand does to the database."""
    with sqlite3.connect(folder.sqlite) as connection:
        connection.execute(statement)
    connection.close()


def _snapshot(folder: LeagueFolder) -> Path:
    (path,) = folder.snapshots.glob("*.safetensors")
    return path


def test_a_healthy_league_has_nothing_bad_and_everything_named(healthy: LeagueFolder) -> None:
    findings = examine(healthy)
    assert all(finding.ok for finding in findings)
    texts = [finding.text for finding in findings]
    for expected in (
        "rating log: without a gap",
        "ratings: equal to their replay",
        "snapshots: 1 of 1 good",
        "matches: 0 failed",
    ):
        assert expected in texts
    assert any(text.startswith("database: revision ") for text in texts)


def test_one_changed_bit_of_a_snapshot_is_found(healthy: LeagueFolder) -> None:
    path = _snapshot(healthy)
    path.write_bytes(WEIGHTS[:-1] + bytes([WEIGHTS[-1] ^ 1]))
    assert _bad(healthy) == [
        f"{path}: the bytes have changed since it was saved; restore it from a backup",
        "snapshots: 0 of 1 good",
    ]


def test_a_cut_snapshot_and_a_missing_one_are_found(healthy: LeagueFolder) -> None:
    path = _snapshot(healthy)
    path.write_bytes(WEIGHTS[:10])
    assert "the bytes have changed" in _bad(healthy)[0]
    path.unlink()
    assert _bad(healthy)[0].startswith(f"{path}: expected a snapshot file")


def test_a_removed_row_of_the_rating_log_is_found(healthy: LeagueFolder) -> None:
    # The third match has the rows 13 to 16 (4 admissions, 3 matches of 4 seats).
    _change(healthy, "DELETE FROM ratings WHERE seq = 15")
    assert "rating log: rows are missing; restore a backup" in _bad(healthy)


def test_a_removed_admission_does_not_keep_the_doctor_from_the_rest(
    healthy: LeagueFolder,
) -> None:
    _change(healthy, "DELETE FROM ratings WHERE seq = 2")
    _snapshot(healthy).unlink()
    gap, replay, snapshot, count = _bad(healthy)
    assert gap == "rating log: rows are missing; restore a backup"
    assert replay.startswith("ratings: cannot be replayed: member 2 plays match 1 at seq 6 before")
    assert "expected a snapshot file" in snapshot and count == "snapshots: 0 of 1 good"


def test_a_changed_rating_is_found_with_its_place(healthy: LeagueFolder) -> None:
    _change(healthy, "UPDATE ratings SET sigma = sigma * 0.999 WHERE seq = 9")
    assert _bad(healthy) == ["ratings: differ from their replay at seq 9"]


def test_failed_matches_are_counted_and_are_not_a_finding(healthy: LeagueFolder) -> None:
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
    findings = examine(healthy)
    assert findings[-1].ok and findings[-1].text == "matches: 1 failed"


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
