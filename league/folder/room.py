"""How much room a league needs on its disks, and how trouble of the machine is told to a user.

Owns what "disk full, needs N MB" means: N is what is missing until everything that a league writes
in one go fits: a new checkpoint of each learner beside the old ones, one offered snapshot of each,
and MARGIN_BYTES for the database and its write-ahead log, replays and logs. It is an upper bound:
the league goes on as soon as what it was about to write fits.
"""

from __future__ import annotations

import errno
import math
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from db.errors import DatabaseError
from league.errors import LeagueError
from league.folder.layout import LeagueFolder

DISK_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT})
MARGIN_BYTES = 16_000_000  # SQLite empties its log at 4 MB, and writes those 4 MB a second time
TEMPORARY_BYTES = 1_000_000  # where processes keep their output


@dataclass(frozen=True)
class Shortage:
    """A disk that has too little room for a league.

    Attributes:
        place: a folder of the league on that disk.
        missing_mb: megabytes (10^6 bytes) to be freed there; at least 1.
    """

    place: Path
    missing_mb: int


def find_shortage(folder: LeagueFolder) -> Shortage | None:
    """Return the disk on which most room is missing; None where each seems to have enough."""
    needed: dict[int, int] = {}
    first: dict[int, Path] = {}
    for place, n_bytes in _needs(folder).items():
        with suppress(OSError):
            device = place.stat().st_dev
            needed[device] = needed.get(device, 0) + n_bytes
            first.setdefault(device, place)
    worst: Shortage | None = None
    for device, n_bytes in needed.items():
        with suppress(OSError):
            missing = n_bytes - shutil.disk_usage(first[device]).free
            if missing > 0:
                found = Shortage(first[device], max(1, math.ceil(missing / 1e6)))
                if worst is None or found.missing_mb > worst.missing_mb:
                    worst = found
    return worst


def describe_disk_full(folder: LeagueFolder, shortage: Shortage | None) -> str:
    """Return what a league whose disk is full needs, as one phrase."""
    if shortage is not None:
        return f"disk full, needs {shortage.missing_mb} MB on {shortage.place}"
    why = "a quota, or the disk of the database server"
    with suppress(OSError, AttributeError):  # Windows has no statvfs
        if os.statvfs(folder.root).f_favail == 0:
            why = "no more files can be made, see `df -i`"
    return f"disk full, and how much it needs cannot be told from here: {why}"


def describe_trouble(error: BaseException, root: Path) -> str:
    """Return an error of the machine as one phrase; a full disk with what it needs."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in DISK_FULL_ERRNOS:
            folder = LeagueFolder(root)
            return describe_disk_full(folder, find_shortage(folder))
        cause = cause.__cause__ or cause.__context__
    return " ".join(f"{error}".split()) or type(error).__name__


def _needs(folder: LeagueFolder) -> dict[Path, int]:
    """Return the bytes that may be written in one go, by folder."""
    checkpoints = [_newest_bytes(place, "checkpoint-*") for place in _folders(folder.checkpoints)]
    snapshot = _newest_bytes(folder.snapshots, "*.safetensors")
    needs = {
        folder.root: MARGIN_BYTES,
        folder.checkpoints: sum(checkpoints),
        folder.snapshots / "offered": snapshot * len(checkpoints),
        folder.replays: 0,
        folder.logs: 0,
        Path(tempfile.gettempdir()): TEMPORARY_BYTES,
    }
    with suppress(LeagueError, DatabaseError, OSError):
        path = folder.database().path
        if path is not None and path.parent.resolve() != folder.root:
            needs[path.parent] = MARGIN_BYTES
    return needs


def _folders(place: Path) -> list[Path]:
    try:
        return sorted(path for path in place.iterdir() if path.is_dir())
    except OSError:
        return []


def _newest_bytes(place: Path, pattern: str) -> int:
    """Return the size of the file that was written last, 0 where there is none."""
    sizes = []
    with suppress(OSError):
        for path in place.glob(pattern):
            with suppress(OSError):
                found = path.stat()
                sizes.append((found.st_mtime, found.st_size))
    return max(sizes)[1] if sizes else 0
