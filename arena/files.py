"""Write files and folders atomically: beside their destination, then renamed.

A reader sees the old content, the new content or none, never a part, whenever the writer is killed.
The database has its own writer (db.session.backup): db imports no other package of ours.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

TEMPORARY_PREFIX = ".writing-"

# Far longer than a write takes, so that no running writer loses its file.
STALE_AFTER_S = 3600.0

OWNER_ALONE = 0o600  # the mode of files that hold a password

# A file system without hard links.
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)

MAX_WAITS = 16  # threads that wait for the disk side by side


def user_cache_folder() -> Path:
    """Return where this program keeps what it can make again.

    `$LEAGUE_CACHE_DIR`, else the user's cache folder.
    """
    explicit = os.environ.get("LEAGUE_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    if explicit:
        base = Path(explicit)
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path.home() / ".cache"
    return base / "territory-league"


def sync_folder(folder: Path) -> None:
    """Make renames in a folder survive a power cut, where the system supports it (not Windows)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(
    path: Path, raw: bytes, *, durable: bool = False, owner_alone: bool = False
) -> None:
    """Write a file atomically, replacing any old one; its folder must exist.

    Args:
        durable: return only when the file and its name are on disk, so that a database row may
            refer to it and a power cut loses neither. That waits for the disk twice. Without it a
            killed process does no harm, but after a power cut the file may be missing or empty
            (ext4) although a synced row refers to it.
        owner_alone: nobody but the owner may read or write the file, at any moment; otherwise the
            user's umask decides.

    Raises:
        OSError: a full disk (ENOSPC) or missing permissions; nothing is left behind.
    """
    temporary = _temporary(path)
    try:
        with temporary.open("xb") as file:
            if owner_alone:  # before it holds anything
                temporary.chmod(OWNER_ALONE)
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


def write_new(path: Path, raw: bytes) -> bool:
    """Write a file durably unless there is one of its name; return whether it was written.

    Of several writers the first wins, at any instant, also over a network file system. The folder
    must exist.

    Raises:
        OSError: the disk is full or not writable; nothing is left behind.
    """
    if path.exists():
        return False
    temporary = _temporary(path)
    try:
        with temporary.open("xb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)  # unlike a rename, it fails where the name is taken
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if path.exists():
                return False
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)
    return True


def write_together(files: Mapping[Path, bytes]) -> None:
    """Write several files durably, each atomically; their folders must exist.

    All bytes are handed to the system before the first wait for the disk, and the waits run side by
    side, so that the file system commits them together: on a busy disk eight small files took 30 ms
    so, and 64 ms when they waited one after the other.

    Raises:
        OSError: some files may have been written, each of them whole; no temporary one is left.
    """
    temporary = {path: _temporary(path) for path in files}
    try:
        for path, raw in files.items():
            temporary[path].write_bytes(raw)
        with ThreadPoolExecutor(MAX_WAITS) as threads:
            for _ in threads.map(_sync_file, temporary.values()):
                pass  # an exception of a thread is raised here
        for path, written in temporary.items():
            written.replace(path)
    except BaseException:
        for written in temporary.values():
            written.unlink(missing_ok=True)
        raise
    for folder in {path.parent for path in files}:
        sync_folder(folder)


@contextmanager
def whole_folder(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """Yield a new folder to fill, renamed to `path` when the block ends without an exception.

    After an exception nothing is left behind.

    Args:
        durable: return only when all files and their names are on disk. Without it files may be
            missing or empty after a power cut.

    Raises:
        OSError: `path` already exists, or cannot be made.
    """
    if path.exists():  # renaming would replace an empty folder
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    temporary = _temporary(path)
    temporary.mkdir()
    try:
        yield temporary
        if durable:
            _sync_tree(temporary)
        temporary.rename(path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    if durable:
        sync_folder(path.parent)


def sweep(folder: Path) -> int:
    """Remove the temporary files and folders of killed writers; return how many.

    Their names tell the writer. One that has exited leaves nothing to wait for; the number of one
    that seems to live may have been given to another process, so that an hour is enough for it.
    """
    removed = 0
    for leftover in folder.glob(f"{TEMPORARY_PREFIX}*"):
        pid = leftover.name.removeprefix(TEMPORARY_PREFIX).partition("-")[0]
        try:
            if not is_left_behind(leftover, pid, STALE_AFTER_S):
                continue
            if leftover.is_dir():
                shutil.rmtree(leftover)
            else:
                leftover.unlink()
            removed += 1
        except FileNotFoundError:
            continue  # its writer has just renamed it
    return removed


def is_left_behind(path: Path, writer: str, stale_after_s: float) -> bool:
    """Return whether nobody writes a file any more.

    Args:
        writer: the number of the process that began it, as its name tells; anything else is a
            writer unknown.
        stale_after_s: age from which the file of a living or unknown writer counts too.

    Raises:
        FileNotFoundError: the file is gone.
    """
    if path.stat().st_mtime <= time.time() - stale_after_s:
        return True
    if os.name == "nt" or not (writer.isascii() and writer.isdigit()) or int(writer) == 0:
        return False  # on Windows asking would end the process
    try:
        os.kill(int(writer), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


def _sync_tree(folder: Path) -> None:
    paths = list(folder.rglob("*"))
    with ThreadPoolExecutor(MAX_WAITS) as threads:
        for _ in threads.map(_sync_file, (path for path in paths if not path.is_dir())):
            pass  # an exception of a thread is raised here
    for inner in (*(path for path in paths if path.is_dir()), folder):
        sync_folder(inner)


def _sync_file(path: Path) -> None:
    # Windows syncs only what is opened to write; a file may be readable and not writable.
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _temporary(path: Path) -> Path:
    # In the same folder: such a rename is atomic on every file system.
    return path.with_name(f"{TEMPORARY_PREFIX}{os.getpid()}-{secrets.token_hex(8)}")
