"""Owns temporary folders that outlive no owner by long: the next one sweeps those of killed ones.

Promises: a folder whose owner lives, in whichever container, is never touched. The owner holds a
lock on a file in its folder, which the kernel releases when it exits, however that happens.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

_OWNER = ".owner-of-league-scratch"
_NEW = ".new-owner"


class ScratchFolder:
    """A temporary folder, removed by `close`, by the end of the process or by the next owner.

    Args:
        prefix: of its name, in the system's folder for temporary files; folders of the same prefix
            are swept.
    """

    def __init__(self, prefix: str) -> None:
        sweep_scratch(prefix)
        self._folder = tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True)
        self.path = Path(self._folder.name)
        self._lock = os.open(self.path / _NEW, os.O_RDWR | os.O_CREAT, 0o600)
        _try_lock(self._lock)
        # It takes its name when it is locked: nobody takes a folder that is being made for a
        # leftover.
        (self.path / _NEW).rename(self.path / _OWNER)

    def close(self) -> None:
        """Remove the folder with all that it holds."""
        self._folder.cleanup()
        with suppress(OSError):  # closed before
            os.close(self._lock)


def sweep_scratch(prefix: str) -> int:
    """Remove the folders whose owners have been killed; return how many."""
    if sys.platform == "win32":
        return 0
    removed = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with suppress(OSError):  # of somebody else, or removed meanwhile
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            handle = os.open(folder / _OWNER, os.O_RDWR | os.O_NOFOLLOW)
            try:
                if _try_lock(handle):
                    shutil.rmtree(folder, ignore_errors=True)
                    removed += 1
            finally:
                os.close(handle)
    return removed


def _try_lock(handle: int) -> bool:
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
