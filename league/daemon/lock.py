"""The lock of a league, what its holder wrote about itself, and the holder's sign of life.

Promises: two daemons on one league are impossible (`flock` on the folder's `lock`, which the kernel
releases when the process exits).
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
from typing import Any, Literal

from league.errors import LeagueError
from league.folder.layout import LeagueFolder

STALE_AFTER_S = 180.0  # a first start compiles for up to two minutes on a busy machine

State = Literal["running", "stopped", "stale"]


@dataclass(frozen=True)
class StatusReport:
    """Whether a league is running; "stale": its daemon has shown no sign of life for a while."""

    state: State
    pid: int | None = None
    since: datetime | None = None


def read_note(folder: LeagueFolder) -> dict[str, Any]:
    """Return what the lock's holder wrote about itself; for messages only."""
    try:
        values = json.loads(folder.lock.read_text() or "{}")
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def add_to_note(folder: LeagueFolder, **values: object) -> None:
    """Add to the note of the lock that this process holds, in place: the lock is on this file."""
    note = {k: v for k, v in {**read_note(folder), **values}.items() if v is not None}
    with folder.lock.open("r+b") as stream:
        stream.write(json.dumps(note).encode())
        stream.truncate()


@contextmanager
def hold_lock(folder: LeagueFolder) -> Iterator[None]:
    """Hold the lock that makes this process the league's only daemon.

    Raises:
        LeagueError: another process holds it.
    """
    descriptor = os.open(folder.lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        pid = read_note(folder).get("pid", "unknown")
        raise LeagueError(
            f"{folder.root}: this league is already running, PID {pid}; stop it with `league stop "
            f"--league {folder.root}`, or watch it with `league report --live --league "
            f"{folder.root}`"
        ) from error
    try:
        note = {"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps(note).encode())
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def is_locked(folder: LeagueFolder) -> bool:
    """Return whether a daemon holds the league."""
    try:
        descriptor = os.open(folder.lock, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def status(root: Path) -> StatusReport:
    """Return whether the league in `root` is running."""
    folder = LeagueFolder.at(root)
    if not is_locked(folder):
        return StatusReport("stopped")
    note = read_note(folder)
    since = note.get("since")
    age = time.time() - _last_sign(folder)
    return StatusReport(
        "stale" if age > STALE_AFTER_S else "running",
        note.get("pid"),
        datetime.fromisoformat(since) if since else None,
    )


def sign_path(folder: LeagueFolder) -> Path:
    """Return the file that the daemon touches after every round of work."""
    return folder.logs / "alive"


def _last_sign(folder: LeagueFolder) -> float:
    """Return the time of the daemon's last round (it touches a file), or of its start."""
    for path in (sign_path(folder), folder.lock):
        with suppress(OSError):
            return path.stat().st_mtime
    return 0.0
