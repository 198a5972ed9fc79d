"""Write files atomically: beside their destination, synced, then renamed."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

_PREFIX = ".writing-"

# Far longer than a write takes, so that no running writer loses its file.
STALE_AFTER_S = 3600.0


def sync_folder(folder: Path) -> None:
    """Make renames in a folder survive a power cut, where the system supports it (not Windows)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(path: Path, raw: bytes) -> None:
    """Write a file so that any crash leaves the old file, the new one or none, never a part.

    Raises:
        OSError: a full disk (ENOSPC) or missing permissions; nothing is left behind.
    """
    handle, name = tempfile.mkstemp(prefix=_PREFIX, dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files for their owner alone; a report may run as another user.
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sweep(folder: Path) -> int:
    """Remove the temporary files of writers that were killed long ago; return how many."""
    oldest = time.time() - STALE_AFTER_S
    removed = 0
    for leftover in folder.glob(f"{_PREFIX}*"):
        try:
            if leftover.stat().st_mtime <= oldest:
                leftover.unlink()
                removed += 1
        except FileNotFoundError:
            continue  # its writer has just renamed it
    return removed
