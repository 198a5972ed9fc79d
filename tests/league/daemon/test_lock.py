"""One daemon per league, and who it is."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from db import queries
from db.hold import DatabaseHold
from db.session import read_transaction
from league.cli.main import main
from league.daemon import holder, lock, process
from league.daemon.guard import Guard
from league.daemon.lock import add_to_note, hold_lock, is_locked, read_note, sign_path, status
from league.errors import LeagueError
from league.folder.layout import LeagueFolder
from tests.league.daemon.scripted import new_league

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LeagueFolder:
    monkeypatch.setattr(lock, "BETWEEN_TRIES_S", 0.0)
    league = LeagueFolder.at(tmp_path / "league")
    league.make_folders()
    return league


@contextmanager
def another_daemon(folder: LeagueFolder) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the league until it is killed."""
    program = (
        "import sys; from pathlib import Path\n"
        "from league.daemon.lock import hold_lock\n"
        "from league.folder.layout import LeagueFolder\n"
        "with hold_lock(LeagueFolder.at(sys.argv[1])):\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(folder.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        assert child.stdout is not None and child.stdout.readline() == "held\n"
        yield child
    finally:
        child.kill()
        child.communicate()


@dataclass(frozen=True)
class Held:
    """A league that another process holds, and what that wrote about itself."""

    folder: LeagueFolder
    pid: int
    note: bytes


@pytest.fixture(scope="module")
def held_by_another(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    folder = LeagueFolder.at(tmp_path_factory.mktemp("held") / "league")
    folder.make_folders()
    with another_daemon(folder) as child:
        yield Held(folder, child.pid, folder.lock.read_bytes())


@pytest.fixture
def other(held_by_another: Held) -> Held:
    """The same, with the note as it was written."""
    held_by_another.folder.lock.write_bytes(held_by_another.note)
    return held_by_another


def test_two_daemons_on_one_league_are_impossible(folder: LeagueFolder) -> None:
    with hold_lock(folder):
        assert is_locked(folder)
        with pytest.raises(LeagueError, match="is already running, PID"), hold_lock(folder):
            pass
        assert status(folder.root).state == "running"
    assert not is_locked(folder)
    assert status(folder.root).state == "stopped"


def test_a_removed_lock_file_lets_no_second_daemon_start(folder: LeagueFolder) -> None:
    with hold_lock(folder):
        sign_path(folder).touch()
        folder.lock.unlink()
        assert status(folder.root).state == "running"
        with pytest.raises(LeagueError, match="is already running"), hold_lock(folder):
            pass
    assert not is_locked(folder)


def test_a_removed_lock_file_is_made_again_with_an_alarm(tmp_path: Path) -> None:
    with new_league(tmp_path / "league") as league, hold_lock(league.folder) as held:
        guard = Guard(held, DatabaseHold(league.engine), league.engine)
        guard.check()
        league.folder.lock.unlink()
        guard.check()
        guard.check()
        assert read_note(league.folder)["pid"] == os.getpid()
        with read_transaction(league.engine) as session:
            (event,) = queries.list_events(session, kind="lock_removed")
        assert event.level == "alarm"
        # and it is locked: the folder alone would not say so to an older release
        with league.folder.lock.open() as stream, pytest.raises(BlockingIOError):
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_replaced_folder_stops_the_league(folder: LeagueFolder, tmp_path: Path) -> None:
    with hold_lock(folder) as held:
        folder.root.rename(tmp_path / "elsewhere")
        folder.make_folders()
        with pytest.raises(LeagueError, match="was removed or replaced"):
            held.check()


def test_whoever_asks_needs_only_to_read(
    folder: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def read_only(path: object, flags: int, *more: int) -> int:
        if flags & (os.O_RDWR | os.O_WRONLY | os.O_CREAT):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, flags, *more)  # type: ignore[call-overload]

    with hold_lock(folder):
        monkeypatch.setattr("league.daemon.lock.os.open", read_only)
        assert status(folder.root).state == "running"
    assert status(folder.root).state == "stopped"


def test_a_league_that_may_not_be_read_is_not_said_to_be_stopped(
    folder: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: object, *_: int) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("league.daemon.lock.os.open", refuse)
    with pytest.raises(LeagueError, match="cannot tell whether this league is running"):
        status(folder.root)


def test_a_lock_without_a_sign_of_life_is_stale(
    folder: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hold_lock(folder):
        monkeypatch.setattr("league.daemon.lock._last_sign", lambda _: 0.0)
        assert status(folder.root).state == "stale"


def test_status_says_what_a_paused_league_waits_for(
    other: Held, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["--league", str(other.folder.root)]
    other.folder.toml.touch()
    full = "the disk is full (No space left)"
    add_to_note(
        other.folder, paused=full, paused_kind="disk_full", paused_since="2026-11-25T12:00Z"
    )
    usage = type("usage", (), {"free": 1_500_000})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    assert main(["status", *arguments]) == 0
    # 16 MB for the database, replays and logs, 1 MB of temporary files: one disk holds both here
    said = f"paused, disk full, needs 16 MB on {other.folder.root}"
    assert said in capsys.readouterr().out
    assert main(["status", "--json", *arguments]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["paused"] == full
    assert document["pause"] == {
        "kind": "disk_full",
        "reason": said.removeprefix("paused, "),
        "since": "2026-11-25T12:00:00+00:00",
        "needs_mb": 16,
    }
    usage.free = 10**10  # a quota, say: no number is made up
    assert main(["status", *arguments]) == 0
    assert "paused, disk full, and how much it needs cannot be told" in capsys.readouterr().out
    add_to_note(other.folder, paused="the database is busy", paused_kind="database")
    assert main(["status", *arguments]) == 0
    assert "paused, the database is busy; it goes on by itself" in capsys.readouterr().out
    add_to_note(other.folder, paused=None)
    assert status(other.folder.root).paused is None


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[1]",
        b'{"pid": "x", "since": 7}',
        b'{"pid": 1e999, "since": "yesterday"}',
        b'{"pid": -1}',
        b'{"pid": true}',
        b'{"pid": 1}',
    ],
)
def test_a_damaged_note_hides_no_league(other: Held, note: bytes) -> None:
    other.folder.lock.write_bytes(note)
    found = status(other.folder.root)
    assert (found.state, found.since) == ("running", None)
    assert found.pid in (other.pid, None) and (found.pid is not None or not holder.LOCKS.exists())


def test_stop_signals_the_holder_and_nobody_whom_the_note_names(
    folder: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    signalled: list[tuple[int, int]] = []
    real = os.kill

    def kill(pid: int, number: int) -> None:
        signalled.append((pid, number))
        if pid != os.getpid():
            real(pid, number)

    with another_daemon(folder) as child:
        folder.lock.write_text(json.dumps({"pid": os.getpid(), "since": None, "started": "12"}))
        monkeypatch.setattr("league.daemon.process.os.kill", kill)
        assert process.stop(folder.root, 5.0) == 0
        assert signalled == [(child.pid, signal.SIGTERM)]


def test_without_the_kernels_table_the_start_of_the_process_must_be_the_noted_one(
    other: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("league.daemon.holder._holders", lambda _: [])
    assert status(other.folder.root).pid == other.pid
    note = {**json.loads(other.note), "started": "another"}
    other.folder.lock.write_text(json.dumps(note))
    assert status(other.folder.root).pid is None
    with pytest.raises(LeagueError, match="cannot be told from here"):
        process.stop(other.folder.root, 1.0)


def test_the_league_of_another_user_is_not_stopped_but_named(
    other: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(pid: int, number: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patch:
        patch.setattr("league.daemon.process.os.kill", refuse)
        with pytest.raises(LeagueError, match=f"process {other.pid} of another user"):
            process.stop(other.folder.root, 1.0)
