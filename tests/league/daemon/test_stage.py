"""What a start is doing is noted beside the lock, with the time it takes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from league.daemon.lock import hold_lock
from league.daemon.stage import COMPILING_S, compiling, note_stage, read_stage
from league.folder.layout import LeagueFolder


@pytest.fixture
def folder(tmp_path: Path) -> LeagueFolder:
    found = LeagueFolder(tmp_path / "league")
    found.make_folders()
    return found


def later(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def test_a_stage_is_shown_until_it_is_over(folder: LeagueFolder) -> None:
    assert read_stage(folder, later(0)) == ""
    with hold_lock(folder):
        note_stage(folder, "opening the database")
        assert read_stage(folder, later(0)) == "opening the database"
        assert read_stage(folder, later(12.5)).startswith("opening the database, 1")
        note_stage(folder, None)
        assert read_stage(folder, later(0)) == ""
        note_stage(folder, "loading the league")
    assert read_stage(folder, later(0)) == ""  # the lock's note is gone


def test_compiling_says_how_long_it_takes_and_is_measured_for_the_next_time(
    folder: LeagueFolder, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    with hold_lock(folder):
        with compiling(folder, cache):
            # whole seconds are noted: a second may have begun
            assert read_stage(folder, later(COMPILING_S - 12.9)).endswith("about 12 s left") or (
                read_stage(folder, later(COMPILING_S - 12.9)).endswith("about 13 s left")
            )
            assert "s so far" in read_stage(folder, later(COMPILING_S + 20))
        (cache / "compile-seconds").write_text("100.0")
        with compiling(folder, cache):
            assert "about 9" in read_stage(folder, later(5)) or "about 10" in read_stage(
                folder, later(0)
            )
        assert float((cache / "compile-seconds").read_text()) < 100.0


@pytest.mark.parametrize("damage", ["", "a lot", "nan", "-3", "1e9"])
def test_a_damaged_measurement_is_not_believed(
    folder: LeagueFolder, tmp_path: Path, damage: str
) -> None:
    (tmp_path / "compile-seconds").write_text(damage)
    with hold_lock(folder), compiling(folder, tmp_path):
        left = read_stage(folder, later(0)).rpartition("about ")[2].split()[0]
        assert abs(float(left) - COMPILING_S) <= 2.0


def test_a_note_that_cannot_be_written_prevents_nothing(folder: LeagueFolder) -> None:
    note_stage(folder, "no lock file is there")
