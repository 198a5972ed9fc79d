"""A paused league: what status, report, screen and doctor say of it, and what a full disk needs."""

from __future__ import annotations

import errno
import io
import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from db import queries
from db.errors import DatabaseBusyError
from db.session import open_writer, write_transaction
from league.daemon.lock import LeagueLock, add_to_note, hold_lock, is_locked, read_note, status
from league.daemon.trouble import Trouble, note_pause
from league.errors import LeagueError
from league.folder.doctor import Finding, examine
from league.folder.layout import LeagueFolder
from league.folder.room import find_shortage
from league.folder.running import find_pause
from league.report.document import report_document
from league.report.screen import report_screen, summary_line
from league.report.state import ReportState, StateReader
from league.screen.head import head_lines
from league.screen.reading import ScreenReader
from league.screen.state import ScreenState
from tests.league.hand_made import NOON

FULL = Trouble("disk_full", "no space")
LOCKED = Trouble("database", "the database is busy (database is locked)")
LATER = NOON + timedelta(hours=1)


class Disk:
    """Free bytes that a test sets."""

    free = 3_500_000


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk()
    monkeypatch.setattr("shutil.disk_usage", lambda path: made)
    return made


@pytest.fixture
def running(hand_made_league: LeagueFolder) -> Iterator[LeagueFolder]:
    with hold_lock(hand_made_league):
        yield hand_made_league


def state_of(folder: LeagueFolder) -> ReportState:
    with StateReader(folder) as reader:
        return reader.read(at=NOON)


def screen_of(state: ReportState) -> str:
    console = Console(width=112, file=io.StringIO(), color_system=None, record=True)
    console.print(report_screen(state))
    return console.export_text()


def test_report_and_screen_show_a_pause_with_its_reason_and_what_a_full_disk_needs(
    running: LeagueFolder, disk: Disk
) -> None:
    assert state_of(running).pause is None and "paused" not in screen_of(state_of(running))
    note_pause(running, FULL)
    state = state_of(running)
    # 16 MB for what is written in one go, 1 MB for temporary files, on one disk here; 3.5 are free
    said = f"paused, disk full, needs 14 MB on {running.root}"
    assert "".join(said.split()) in "".join(screen_of(state).split())  # a long path is folded
    assert said in summary_line(state)
    document = json.loads(json.dumps(report_document(state)))
    assert document["pause"]["needs_mb"] == 14 and document["pause"]["kind"] == "disk_full"
    note_pause(running, LOCKED)
    assert "paused, the database is busy (database is locked)" in screen_of(state_of(running))
    note_pause(running, None)
    assert report_document(state_of(running))["pause"] is None


def test_a_pause_that_changes_its_reason_keeps_its_beginning(running: LeagueFolder) -> None:
    note_pause(running, FULL)
    began = read_note(running)["paused_since"]
    add_to_note(running, paused_since="2026-11-25T12:00:00+00:00")
    note_pause(running, LOCKED)
    assert read_note(running)["paused_since"] == "2026-11-25T12:00:00+00:00" != began


def test_a_daemon_that_was_killed_while_it_was_paused_is_not_said_to_be_paused(
    hand_made_league: LeagueFolder,
) -> None:
    lock = LeagueLock(hand_made_league)
    note_pause(hand_made_league, FULL)
    os.close(lock._file)  # as the kernel does; the note stays
    assert lock._directory is not None
    os.close(lock._directory)
    assert read_note(hand_made_league)["paused_kind"] == "disk_full"
    assert find_pause(hand_made_league) is None


def test_learners_and_workers_that_wait_are_shown_with_what_for(running: LeagueFolder) -> None:
    engine = open_writer(running.sqlite)
    waiting = {"attention": "cannot write a checkpoint: disk full, needs 2 MB on /other"}
    with write_transaction(engine) as session:
        queries.set_league_value(session, "daemon", {"waiting": waiting})
    engine.dispose()
    with StateReader(running) as reader:
        state = reader.read(at=NOON + timedelta(minutes=5))
    by_name = {row.name: row for row in state.learners}
    assert by_name["attention"].waits_for is not None and not by_name["attention"].is_silent
    assert f"attention waits: {waiting['attention']}" in screen_of(state)
    assert report_document(state)["waiting"] == waiting


def about(folder: LeagueFolder, name: str) -> Finding:
    found = examine(folder, running_since=NOON, now=LATER)
    (one,) = [finding for finding in found if finding.text.startswith(f"{name}:")]
    return one


def test_the_doctor_takes_a_paused_league_neither_for_dead_nor_for_idle(
    running: LeagueFolder,
) -> None:
    assert about(running, "play").is_wrong  # no sign of life for an hour
    note_pause(running, LOCKED)
    play = about(running, "play")
    assert play.level == "note" and "paused, the database is busy" in play.text
    assert not about(running, "learners").is_wrong
    note_pause(running, None)
    assert about(running, "play").is_wrong


def test_a_league_starts_and_says_so_on_a_disk_without_room_for_its_note(
    hand_made_league: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("league.daemon.lock.os.pwrite", refuse)
        lock = LeagueLock(hand_made_league)
    assert is_locked(hand_made_league) and status(hand_made_league.root).state != "stopped"
    with pytest.raises(LeagueError, match="already running"):
        LeagueLock(hand_made_league)
    lock.close()


def test_a_note_never_grows_and_is_rewritten_in_its_place(running: LeagueFolder) -> None:
    before = running.lock.stat()
    note_pause(running, Trouble("machine", "\U0001f4be" * 5_000))  # 12 bytes each in JSON
    after = running.lock.stat()
    assert (after.st_ino, after.st_size) == (before.st_ino, before.st_size)
    assert len(read_note(running)["paused"]) == 300


def test_every_disk_of_a_league_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = LeagueFolder(tmp_path)
    for name, size in (("a", 5_000_000), ("b", 7_000_000)):
        place = folder.checkpoints / name
        place.mkdir(parents=True)
        old = place / "checkpoint-00000001-x.safetensors"
        old.write_bytes(b"0" * 100)
        os.utime(old, (1.0, 1.0))
        (place / "checkpoint-00000002-x.safetensors").write_bytes(b"0" * size)
    folder.snapshots.mkdir()
    (folder.snapshots / f"{'a' * 64}.safetensors").write_bytes(b"0" * 3_000_000)
    free = {folder.root: 0}
    usage = lambda path: type("usage", (), {"free": free.get(path, 10**12)})  # noqa: E731
    monkeypatch.setattr("shutil.disk_usage", usage)
    shortage = find_shortage(folder)
    assert shortage is not None
    # newest checkpoints 5 + 7, margin 16, temporary files 1; where a snapshot of each learner goes,
    # 2 x 3, is missing and does not count
    assert (shortage.place, shortage.missing_mb) == (folder.root, 5 + 7 + 16 + 1)
    (folder.snapshots / "offered").mkdir()
    shortage = find_shortage(folder)
    assert shortage is not None and shortage.missing_mb == 5 + 7 + 6 + 16 + 1
    free[folder.root] = 10**9
    assert find_shortage(folder) is None


def test_the_screen_shows_a_pause_without_reading_the_database(
    running: LeagueFolder, monkeypatch: pytest.MonkeyPatch, disk: Disk
) -> None:
    with ScreenReader(running) as reader:
        assert "paused" not in head(reader.read())
        note_pause(running, LOCKED)

        def refuse(*_: object, **__: object) -> None:
            raise DatabaseBusyError("the database is busy")

        monkeypatch.setattr("league.screen.reading.read_transaction", refuse)
        monkeypatch.setattr("league.screen.pace.Pace.is_due", True)
        assert "paused, the database is busy" in head(reader.read())


def head(state: ScreenState) -> str:
    """The head of the live screen on a wide terminal."""
    return "\n".join(line.plain for line in head_lines(state, 200))
