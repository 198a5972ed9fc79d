"""Files and folders that are whole or absent: made beside their place, then renamed.

Whoever reads one sees the old content, the new one or none, never a part of it, whenever the writer
is killed. The database has a writer of its own (db.session.backup): db imports nothing of ours.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TEMPORARY_PREFIX = ".writing-"

# Far longer than a write takes, so that no running writer loses its file.
STALE_AFTER_S = 3600.0


def sync_folder(folder: Path) -> None:
    """Make renames in a folder survive a power cut, where the system can (not on Windows)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(path: Path, raw: bytes, *, durable: bool = False) -> None:
    """Write a file, replacing what is there; its folder must exist.

    Args:
        durable: return only when file and name are on the disk, so that a database row may name
            the file: a power cut then loses neither. It costs two waits for the disk. Without it
            the file is safe from any death of a process, but after a power cut it may be missing,
            or be there with no content (ext4), although a row that was synced names it.

    Raises:
        OSError: a full disk (ENOSPC) or missing rights; nothing is left behind.
    """
    temporary = _temporary(path)
    try:
        with temporary.open("xb") as file:
            file.write(raw)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield a new folder to fill, which takes the name `path` when the block ends without error.

    Whatever is raised, nothing is left behind. Not durable: after a power cut its files may be
    missing or empty.

    Raises:
        OSError: `path` exists, or cannot be made.
    """
    if path.exists():  # renaming would replace an empty folder
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    temporary = _temporary(path)
    temporary.mkdir()
    try:
        yield temporary
        temporary.rename(path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def sweep(folder: Path) -> int:
    """Remove the temporary files and folders of writers killed long ago; returns how many."""
    oldest = time.time() - STALE_AFTER_S
    removed = 0
    for leftover in folder.glob(f"{TEMPORARY_PREFIX}*"):
        try:
            if leftover.stat().st_mtime > oldest:
                continue
            if leftover.is_dir():
                shutil.rmtree(leftover)
            else:
                leftover.unlink()
            removed += 1
        except FileNotFoundError:
            continue  # its writer has just renamed it
    return removed


def _temporary(path: Path) -> Path:
    # Beside its place: a rename within one folder is one step on every file system.
    return path.with_name(f"{TEMPORARY_PREFIX}{os.getpid()}-{secrets.token_hex(8)}")
