"""What anybody can tell of a running league from its folder: whether it runs, and why it pauses.

Promises: whoever asks needs only to read, and changes nothing; what the daemon noted counts only
while somebody holds its lock; a damaged note hides no league. The daemon's side is
league.daemon.lock.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from league.errors import LeagueError
from league.folder.layout import LeagueFolder
from league.folder.room import describe_disk_full, find_shortage

NOTE_BYTES = 4_096  # a note is shorter: more is not one


@dataclass(frozen=True)
class Pause:
    """What a league that runs waits for.

    Attributes:
        kind: "disk_full", "database" or "machine".
        error: what was raised, one line.
        reason: the same for a person; of a full disk, how much room is needed now.
        since: when the pause began, or None.
        needs_mb: megabytes to be freed, for a full disk where that can be told.
    """

    kind: str
    error: str
    reason: str
    since: datetime | None = None
    needs_mb: int | None = None

    def __str__(self) -> str:
        return f"paused, {self.reason}"

    def to_json(self) -> dict[str, Any]:
        """Return it for a `--json` document."""
        since = None if self.since is None else self.since.isoformat()
        return {
            "kind": self.kind,
            "reason": self.reason,
            "since": since,
            "needs_mb": self.needs_mb,
        }


def find_pause(folder: LeagueFolder) -> Pause | None:
    """Return what the running league waits for; None when it does not, or does not run."""
    error = read_note(folder).get("paused")
    if not isinstance(error, str):
        return None
    try:
        if not is_locked(folder):
            return None  # the note of a daemon that was killed
    except LeagueError:
        return None
    return pause_of(folder, read_note(folder))


def pause_of(folder: LeagueFolder, note: dict[str, Any]) -> Pause | None:
    """Return the pause that a note of a running daemon tells of, with the room needed now."""
    error, kind = note.get("paused"), note.get("paused_kind")
    if not isinstance(error, str):
        return None
    since = time_of(note.get("paused_since"))
    if kind != "disk_full":
        return Pause(kind if isinstance(kind, str) else "machine", error, error, since)
    shortage = find_shortage(folder)
    needs_mb = None if shortage is None else shortage.missing_mb
    return Pause("disk_full", error, describe_disk_full(folder, shortage), since, needs_mb)


def read_note(folder: LeagueFolder) -> dict[str, Any]:
    """Return what the lock's holder wrote about itself; nothing if that cannot be read."""
    try:
        with folder.lock.open("rb") as stream:
            values = json.loads(stream.read(NOTE_BYTES) or b"{}")
    except (OSError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def is_locked(folder: LeagueFolder) -> bool:
    """Return whether a daemon holds the league.

    Raises:
        LeagueError: neither the lock nor the folder may be read.
    """
    answers = [_is_path_locked(path) for path in (folder.lock, folder.root)]
    if any(answers):
        return True
    if None in answers and False not in answers:
        raise LeagueError(
            f"{folder.root}: cannot tell whether this league is running: its folder and lock may "
            "not be read; ask as the user who runs it"
        )
    return False


def time_of(written: object) -> datetime | None:
    """Return a noted time, or None if it is none."""
    with suppress(ValueError):
        return datetime.fromisoformat(written) if isinstance(written, str) else None
    return None


def _is_path_locked(path: Path) -> bool | None:
    """Return whether somebody holds a lock on the path; None if that cannot be asked."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        return False if error.errno == errno.ENOENT else None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return False
