"""Who holds a league: the lock, what its holder wrote about itself, and its sign of life.

Promises: two daemons on one league are impossible (`flock` on the folder's `lock`, which the kernel
drops with the process).
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
    """Whether a league runs; "stale" is a daemon that holds the lock without a sign of life."""

    state: State
    pid: int | None = None
    since: datetime | None = None


def read_note(folder: LeagueFolder) -> dict[str, Any]:
    """What the lock's holder wrote about itself; for messages only."""
    try:
        values = json.loads(folder.lock.read_text() or "{}")
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


@contextmanager
def hold_lock(folder: LeagueFolder) -> Iterator[None]:
    """Be the league's only daemon.

    Raises:
        LeagueError: another one is.
    """
    descriptor = os.open(folder.lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        pid = read_note(folder).get("pid", "unknown")
        raise LeagueError(
            f"{folder.root}: this league runs already, PID {pid}; `league stop --league "
            f"{folder.root}` stops it, `league report --live` watches it"
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
    """Whether a daemon holds the league."""
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
    """Whether the league in `root` runs."""
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
    """The file that the daemon touches with every turn."""
    return folder.logs / "alive"


def _last_sign(folder: LeagueFolder) -> float:
    """Time of the daemon's last turn (it touches a file), or of its start."""
    for path in (sign_path(folder), folder.lock):
        with suppress(OSError):
            return path.stat().st_mtime
    return 0.0
