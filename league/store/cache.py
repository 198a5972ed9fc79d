"""Owns the copies that a machine keeps of a store's files: bounded in size, checked at every load.

Promises: bytes are handed out only if they have the hash in their name, a damaged copy is removed;
the copies used least recently go first when the limit is passed, but none that was handed out
within the last minute. Several processes of a machine share a folder. It may be removed at any
time, even while a league runs.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from arena.files import TEMPORARY_PREFIX, sweep, write_whole
from league.store.names import fits

log = logging.getLogger(__name__)

IN_USE_S = 60.0  # from handing a path out to its being opened; an open file outlives its name
_LOOK_EVERY = 0.05  # of the limit: so much may be added before the folder is measured again


class Cache:
    """The copies in one folder.

    Args:
        folder: made when the first copy is written.
        limit_bytes: what all copies together may take.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self._unmeasured: float = limit_bytes  # the first copy measures
        self._lock = threading.Lock()

    def read(self, key: str) -> bytes | None:
        """Return the bytes of a copy; None if there is no whole one. A damaged one is removed."""
        path = self.folder / key
        try:
            raw = path.read_bytes()
        except OSError:
            return None
        if not fits(key, raw):
            log.warning("%s: the copy is damaged and fetched again", path)
            self.drop(key)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return raw

    def path(self, key: str) -> Path | None:
        """Return the path of a whole copy, or None; it stays for IN_USE_S at least."""
        return None if self.read(key) is None else self.folder / key

    def add(self, key: str, raw: bytes) -> Path:
        """Keep a copy, and make room for it.

        Raises:
            OSError: it cannot be written.
        """
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, raw)
        self._added(len(raw))
        return path

    def take(self, key: str, file: Path) -> None:
        """Make a file of this machine a copy: it is moved, and may go from then on."""
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            n_bytes = file.stat().st_size
            file.replace(path)
            os.utime(path)
        except OSError:  # another disk: the store has it, so that no copy is needed
            file.unlink(missing_ok=True)
            return
        self._added(n_bytes)

    def drop(self, key: str) -> None:
        """Remove a copy, if there is one."""
        with contextlib.suppress(OSError):
            (self.folder / key).unlink()

    @property
    def n_bytes(self) -> int:
        """What all copies take together."""
        return sum(size for _, size, _ in self._copies())

    def _copies(self) -> Iterator[tuple[float, int, Path]]:
        for base, _, names in os.walk(self.folder):
            for name in names:
                if not name.startswith(TEMPORARY_PREFIX):
                    path = Path(base) / name
                    with contextlib.suppress(OSError):
                        found = path.stat()
                        yield found.st_mtime, found.st_size, path

    def _added(self, n_bytes: int) -> None:
        with self._lock:
            self._unmeasured += n_bytes
            if self._unmeasured < _LOOK_EVERY * self.limit_bytes:
                return
            self._unmeasured = 0.0
            self._make_room()

    def _make_room(self) -> None:
        sweep(self.folder)
        copies = sorted(self._copies())
        total = sum(size for _, size, _ in copies)
        in_use = time.time() - IN_USE_S
        for used_at, size, path in copies:
            if total <= self.limit_bytes or used_at > in_use:
                return
            with contextlib.suppress(OSError):
                path.unlink()
                total -= size
