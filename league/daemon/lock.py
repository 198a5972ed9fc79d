"""The lock of a league, what its holder wrote about itself, and the holder's sign of life.

Promises: two daemons on one league folder are impossible. The kernel keeps two locks (`flock`),
which it releases when the process exits: on the file `lock`, and on the folder itself, which cannot
be removed from under a league as a file can. A removed lock file is noticed and made again. Whoever
asks needs only to read. A PID from the note is used only if that process holds the lock
(league.daemon.holder). A league on a server is held there as well (db.hold).
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from league.daemon.holder import find_holder, start_mark
from league.errors import LeagueError
from league.folder.layout import LeagueFolder
from league.folder.running import NOTE_BYTES, Pause, is_locked, pause_of, read_note, time_of

__all__ = [
    "LeagueLock",
    "StatusReport",
    "add_to_note",
    "hold_lock",
    "is_locked",
    "read_note",
    "sign_path",
    "status",
]

STALE_AFTER_S = 180.0  # a first start compiles for up to two minutes on a busy machine
# Somebody who asks whether a league runs holds its lock for an instant.
TRIES, BETWEEN_TRIES_S = 10, 0.02
_TEXT_CHARACTERS = 300  # of a value in the note: each may take 12 bytes

State = Literal["running", "stopped", "stale"]


@dataclass(frozen=True)
class StatusReport:
    """Whether a league is running; "stale": its daemon has shown no sign of life for a while.

    Attributes:
        pid: of the daemon; None when it cannot be told, or in another container.
        paused: the trouble of the machine that it waits for, or None.
        pause: the same with what is needed, or None.
    """

    state: State
    pid: int | None = None
    since: datetime | None = None
    paused: str | None = None
    pause: Pause | None = None


class LeagueLock:
    """The lock of a league, held by this process until `close`.

    Raises:
        LeagueError: another process holds it.
    """

    def __init__(self, folder: LeagueFolder) -> None:
        self._folder = folder
        self._since = datetime.now(UTC).isoformat(timespec="seconds")
        self._directory: int | None = None
        self._file = -1
        try:
            self._directory = _open_directory(folder.root)
            if self._directory is not None and not _try_lock(self._directory):
                raise _is_running(folder)
            self._lock_file()
        except BaseException:
            self.close()
            raise

    def check(self) -> bool:
        """Return whether the lock file had been removed or replaced; it is then made again.

        Raises:
            LeagueError: the folder was removed or replaced, or another process holds the new file.
        """
        if self._directory is not None and not _is_at(self._directory, self._folder.root):
            raise LeagueError(
                f"{self._folder.root}: the folder of this running league was removed or replaced; "
                "the league stops"
            )
        if _is_at(self._file, self._folder.lock):
            return False
        os.close(self._file)
        self._file = -1
        self._lock_file()
        add_to_note(self._folder, turning=True)
        return True

    def close(self) -> None:
        """Empty the note, and let go of the league."""
        if self._file >= 0:
            with suppress(OSError):
                _write_note(self._file, None)
            os.close(self._file)
            self._file = -1
        if self._directory is not None:
            os.close(self._directory)
            self._directory = None

    def _lock_file(self) -> None:
        descriptor = os.open(self._folder.lock, os.O_RDWR | os.O_CREAT, 0o644)
        if not _try_lock(descriptor):
            os.close(descriptor)
            raise _is_running(self._folder)
        self._file = descriptor
        pid = os.getpid()
        note = {"pid": pid, "since": self._since, "started": start_mark(pid)}
        with suppress(OSError):  # on a full disk: the lock holds without its note
            _write_note(descriptor, note)


@contextmanager
def hold_lock(folder: LeagueFolder) -> Iterator[LeagueLock]:
    """Hold the lock that makes this process the league's only daemon; raises like LeagueLock."""
    lock = LeagueLock(folder)
    try:
        yield lock
    finally:
        lock.close()


def add_to_note(folder: LeagueFolder, **values: object) -> None:
    """Add to the note of the lock that this process holds, in place: the lock is on this file."""
    note = {k: v for k, v in {**read_note(folder), **values}.items() if v is not None}
    with folder.lock.open("r+b") as stream:
        _write_note(stream.fileno(), note)


def status(root: Path) -> StatusReport:
    """Return whether the league in `root` is running; raises like `is_locked`."""
    folder = LeagueFolder.at(root)
    if not is_locked(folder):
        return StatusReport("stopped")
    note = read_note(folder)
    age = time.time() - _last_sign(folder)
    pause = pause_of(folder, note)
    return StatusReport(
        "stale" if age > STALE_AFTER_S else "running",
        find_holder([folder.lock, folder.root], note),
        time_of(note.get("since")),
        None if pause is None else pause.error,
        pause,
    )


def sign_path(folder: LeagueFolder) -> Path:
    """Return the file that the daemon touches after every round of work."""
    return folder.logs / "alive"


def _is_running(folder: LeagueFolder) -> LeagueError:
    pid = find_holder([folder.lock, folder.root], read_note(folder)) or "unknown"
    return LeagueError(
        f"{folder.root}: this league is already running, PID {pid}; stop it with `league stop "
        f"--league {folder.root}`, or watch it with `league report --live --league {folder.root}`"
    )


def _open_directory(path: Path) -> int | None:
    """Open a folder for locking it; None where its file system cannot lock folders (NFS)."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return descriptor
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _try_lock(descriptor: int) -> bool:
    for n in range(TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if n + 1 < TRIES:
                time.sleep(BETWEEN_TRIES_S)
        else:
            return True
    return False


def _write_note(descriptor: int, note: dict[str, object] | None) -> None:
    """Write the note in place, filled up with spaces: later ones need no room on a full disk."""
    values = {} if note is None else note
    short = {k: v[:_TEXT_CHARACTERS] if isinstance(v, str) else v for k, v in values.items()}
    text = "" if note is None else json.dumps(short)
    os.pwrite(descriptor, text.encode().ljust(NOTE_BYTES), 0)


def _is_at(descriptor: int, path: Path) -> bool:
    """Return whether the open file is still the one at `path`."""
    held = os.fstat(descriptor)
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    return (held.st_dev, held.st_ino) == (found.st_dev, found.st_ino)


def _last_sign(folder: LeagueFolder) -> float:
    """Return the time of the daemon's last round (it touches a file), or of its start."""
    for path in (sign_path(folder), folder.lock):
        with suppress(OSError):
            return path.stat().st_mtime
    return 0.0
