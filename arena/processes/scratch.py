"""Owns temporary folders that outlive no owner by long: the next one sweeps those of killed ones.

Promises: a folder whose owner lives, in whichever container, is never touched. The owner holds a
lock on a file in its folder, which the kernel releases when it exits, however that happens. So the
folders of other programs, which hold no such file, are never touched either.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

OWNER_FILE = ".owner-of-league-scratch"
_NEW = ".new-owner"
# Of all places where our folders may lie: those of ScratchFolder, and multiprocessing's.
_PATTERNS = ("league-*", "pymp-*")


class ScratchFolder:
    """A temporary folder, removed by `close`, by the end of the process or by the next owner.

    In a `with` statement it is a path. Temporary folders of killed owners are swept, of whatever
    prefix.

    Args:
        prefix: of its name, in the system's folder for temporary files; it begins with `league-`.
    """

    def __init__(self, prefix: str) -> None:
        sweep_scratch()
        self._folder = tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True)
        self.path = Path(self._folder.name)
        self._lock = _mark(self.path)

    def __enter__(self) -> Path:
        return self.path

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the folder with all that it holds."""
        self._folder.cleanup()
        with suppress(OSError):  # closed before
            os.close(self._lock)


def own_folder(path: Path) -> None:
    """Mark an existing temporary folder as this process's, until it ends.

    For a folder that somebody else's code makes and removes (multiprocessing's, for one): a killed
    process does not remove it, and then it is swept like a ScratchFolder. Twice does no harm.

    Raises:
        OSError: the folder is gone, or cannot be written.
    """
    if not (path / OWNER_FILE).exists():
        _mark(path)


def sweep_scratch() -> int:
    """Remove the folders whose owners have been killed; return how many."""
    return len(remove_scratch(0.0))


def remove_scratch(older_than_s: float) -> list[Path]:
    """Remove the folders of killed owners that nothing has changed for so long; return them."""
    removed = []
    for folder in _candidates(older_than_s):
        with _ownerless(folder) as is_left:
            if is_left:
                shutil.rmtree(folder, ignore_errors=True)
                removed.append(folder)
    return removed


def left_scratch(older_than_s: float) -> list[Path]:
    """Return what `remove_scratch` would remove."""
    left = []
    for folder in _candidates(older_than_s):
        with _ownerless(folder) as is_left:
            if is_left:
                left.append(folder)
    return left


def _candidates(older_than_s: float) -> list[Path]:
    """Return this user's folders with an owner's file that have been unchanged for so long."""
    if sys.platform == "win32":
        return []
    found = []
    latest = time.time() - older_than_s
    place = Path(tempfile.gettempdir())
    for folder in sorted(path for pattern in _PATTERNS for path in place.glob(pattern)):
        with suppress(OSError):  # removed meanwhile
            status = folder.lstat()
            if status.st_uid == os.getuid() and status.st_mtime <= latest and folder.is_dir():
                found += [folder] * (not folder.is_symlink() and (folder / OWNER_FILE).is_file())
    return found


@contextmanager
def _ownerless(folder: Path) -> Iterator[bool]:
    """Yield whether no running process owns the folder; meanwhile nobody else can take it."""
    try:
        handle = os.open(folder / OWNER_FILE, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:  # somebody else's, or removed meanwhile
        yield False
        return
    try:
        yield _try_lock(handle)
    finally:
        os.close(handle)


def _mark(folder: Path) -> int:
    """Put the owner's file into a folder; return the handle that holds the lock."""
    handle = os.open(folder / _NEW, os.O_RDWR | os.O_CREAT, 0o600)
    _try_lock(handle)
    # It takes its name when it is locked: nobody takes a folder that is being made for a leftover.
    (folder / _NEW).rename(folder / OWNER_FILE)
    return handle


def _try_lock(handle: int) -> bool:
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
