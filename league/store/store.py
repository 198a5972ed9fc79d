"""Store: the files of a league behind `store.url`, with this machine's copies before them.

Promises: what is read has the hash in its name, whether it comes from a copy or from the store, at
every load; what was put is whole in the store when `put_new` returns, and a second writer of the
same name finds the same bytes. A store that does not answer is asked again after pauses that grow
to half a minute; until then every call fails at once, so that nobody waits in a row.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TypeVar

from arena.machine import growing_pause_s
from league.errors import StoreAwayError, StoreCorruptError, StoreMissingError
from league.store.address import StoreAddress
from league.store.cache import Cache
from league.store.files import Entry, Files, open_files
from league.store.names import digest_of, fits, without_digest

log = logging.getLogger(__name__)

LONGEST_PAUSE_S = 30.0
N_READS = 2  # of a file whose bytes are wrong: the way may have damaged them

Result = TypeVar("Result")


@dataclass(frozen=True)
class StorePlace:
    """Where a store is, and where this machine keeps its copies; plain values that can be sent.

    Attributes:
        url: as `store.url` (league.store.address); a folder's path is absolute.
        cache: folder of this machine's copies.
        cache_bytes: what they may take.
    """

    url: str
    cache: str
    cache_bytes: int

    def open(self) -> Store:
        """Return the store; one object for all that ask in a process.

        Raises:
            StoreError: a package that the URL needs is not installed.
        """
        return _opened(self)

    def __str__(self) -> str:
        return str(StoreAddress.of(self.url))


@lru_cache(maxsize=8)
def _opened(place: StorePlace) -> Store:
    address = StoreAddress.of(place.url)
    return Store(str(address), open_files(address), Cache(Path(place.cache), place.cache_bytes))


class Store:
    """The files of a league in a store.

    Args:
        name: how it is shown.
        files: where the truth lies.
        cache: this machine's copies.
    """

    def __init__(
        self,
        name: str,
        files: Files,
        cache: Cache,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.files = files
        self.cache = cache
        self._clock = clock
        self._lock = threading.Lock()
        self._n_failures = 0
        self._silent_until = 0.0
        self._trouble: str | None = None

    @property
    def trouble(self) -> str | None:
        """Why the store did not answer when it was asked last; None when it did."""
        return self._trouble

    @property
    def pause_s(self) -> float:
        """Seconds until it is asked again; 0 when it answers."""
        return max(0.0, self._silent_until - self._clock()) if self._trouble else 0.0

    def put_new(self, key: str, raw: bytes, *, keep: bool = True) -> bool:
        """Put a file under a name that holds its hash; return whether it was not there before.

        Args:
            keep: keep a copy on this machine.

        Raises:
            ValueError: the bytes do not have the hash in the name.
            StoreAwayError: the store does not answer; nothing is known about the file.
            StoreError: it cannot be written at all.
        """
        if not fits(key, raw):
            raise ValueError(f"{key}: the bytes do not have the hash in the name")
        is_new = self._ask(lambda: self.files.put_new(key, raw))
        if not is_new and not self._is_whole(key, raw):
            log.warning("%s/%s was damaged in the store and is written anew", self.name, key)
            self._ask(lambda: self.files.put(key, raw))
        if keep:
            with contextlib.suppress(OSError):  # a copy is for speed alone
                self.cache.add(key, raw)
        return is_new

    def _is_whole(self, key: str, raw: bytes) -> bool:
        """Return whether the store's file is the one that was to be put."""
        found = self._ask(lambda: self.files.size(key))
        return found == len(raw) and self._ask(lambda: self.files.get(key)) == raw

    def read(self, key: str) -> bytes:
        """Return the bytes of a file, whose hash was checked.

        Raises:
            StoreMissingError: the store does not hold it.
            StoreCorruptError: its bytes in the store are wrong.
            StoreAwayError: there is no copy, and the store does not answer.
        """
        copy = self.cache.read(key)
        if copy is not None:
            return copy
        raw = self._fetch(key)
        with contextlib.suppress(OSError):
            self.cache.add(key, raw)
        return raw

    def path(self, key: str) -> Path:
        """Return a file of this machine with the bytes of a file of the store, checked now.

        It stays for a minute at least (league.store.cache): open it soon.

        Raises:
            OSError: as `read`, or the copy cannot be written.
        """
        return self.cache.path(key) or self.cache.add(key, self._fetch(key))

    def _fetch(self, key: str) -> bytes:
        for _ in range(N_READS):
            raw = self._ask(lambda: self.files.get(key))
            if fits(key, raw):
                return raw
        raise StoreCorruptError(
            f"{self.name}/{key}: expected the bytes that its name has the hash of, found "
            f"{len(raw):,} others: it was changed after it was saved; put a good copy there "
            "(`league backup`, `league doctor`)"
        )

    def find(self, key: str) -> str:
        """Return the name of a file whose name in the database may lack the hash.

        Replays of the time before a league had its store are named without one.

        Raises:
            StoreMissingError: there is no such file.
            StoreAwayError: the store does not answer.
        """
        if digest_of(key) is not None:
            return key
        stem = PurePosixPath(key)
        prefix = str(stem.with_name(f"{stem.stem}-"))
        for entry in self.list(prefix):
            if without_digest(entry.key) == key:
                return entry.key
        raise StoreMissingError(f"{self.name}/{key}: no such file")

    def has(self, key: str) -> bool:
        """Return whether the store holds a file; raises StoreAwayError."""
        return self._ask(lambda: self.files.size(key)) is not None

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """Yield the files whose names begin with `prefix`; raises StoreAwayError."""
        yield from self._ask(lambda: list(self.files.list(prefix)))

    def delete(self, keys: Sequence[str]) -> None:
        """Remove files from the store, and this machine's copies; raises StoreAwayError."""
        self._ask(lambda: self.files.delete(keys))
        for key in keys:
            self.cache.drop(key)

    def ask_again(self) -> None:
        """Let the next call ask the store, however lately it did not answer."""
        self._silent_until = 0.0

    def _ask(self, call: Callable[[], Result]) -> Result:
        trouble = self._trouble
        if trouble is not None and self._clock() < self._silent_until:
            raise StoreAwayError(trouble)
        try:
            result = call()
        except StoreAwayError as error:
            with self._lock:
                self._n_failures += 1
                self._trouble = str(error)
                pause_s = growing_pause_s(self._n_failures, LONGEST_PAUSE_S)
                self._silent_until = self._clock() + pause_s
            raise
        except Exception:  # it answered: there is no such file
            self._answered()
            raise
        self._answered()
        return result

    def _answered(self) -> None:
        if self._trouble is not None:
            with self._lock:
                self._n_failures = 0
                self._trouble = None
