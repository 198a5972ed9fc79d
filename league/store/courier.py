"""Brings files of this machine into the store, in the background, for as long as that takes.

Promises: a file stays on this machine's disk until the store holds it whole, so that a process that
is killed leaves it for the next one to bring; a store that does not answer is tried again after
pauses that grow to half a minute, without an end and without anybody waiting for it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from league.errors import StoreAwayError, StoreError
from league.store.names import with_digest
from league.store.store import Store

log = logging.getLogger(__name__)

N_THREADS = 8
AFTER_TROUBLE_S = 5.0  # of this machine's disk


@dataclass(frozen=True)
class _Parcel:
    key: str
    path: Path
    keep: bool
    then: Callable[[], None] | None


class Courier:
    """Files on their way into a store.

    Args:
        store: where they go.
    """

    def __init__(self, store: Store, *, n_threads: int = N_THREADS) -> None:
        self.store = store
        self._changed = threading.Condition()
        self._waiting: deque[_Parcel] = deque()
        self._known: set[Path] = set()
        self._n_moving = 0
        self._closed = False
        self._refused: str | None = None
        self._n_threads = n_threads
        self._threads: list[threading.Thread] = []

    @property
    def n_waiting(self) -> int:
        """Number of files that the store does not hold yet."""
        with self._changed:
            return len(self._waiting) + self._n_moving

    @property
    def trouble(self) -> str | None:
        """Why files wait; None while the store takes them."""
        return (self._refused or self.store.trouble) if self.n_waiting else None

    def send(
        self,
        key: str,
        path: Path,
        *,
        keep: bool = False,
        then: Callable[[], None] | None = None,
    ) -> None:
        """Bring a file into the store.

        Args:
            key: its name there; one without a hash gets that of the bytes.
            keep: leave the file where it is; otherwise it becomes a copy that may go.
            then: called in the courier's thread once the store holds it; may raise StoreError.
        """
        with self._changed:
            if path in self._known:
                return
            self._known.add(path)
            self._waiting.append(_Parcel(key, path, keep, then))
            if len(self._threads) < min(self._n_threads, len(self._waiting)):
                thread = threading.Thread(target=self._work, name="courier", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._changed.notify_all()

    def wait(self, timeout_s: float) -> bool:
        """Wait until all files are in the store, it stops answering, or the time is up.

        Returns:
            Whether all are there.
        """
        ends = time.monotonic() + timeout_s
        with self._changed:
            while self._waiting or self._n_moving:
                left_s = ends - time.monotonic()
                if left_s <= 0.0 or (self.store.pause_s > 0.0 and not self._n_moving):
                    return False
                self._changed.wait(min(left_s, 0.5))
        return True

    def close(self, grace_s: float) -> bool:
        """Bring what can be brought within the time; return whether nothing is left."""
        done = self.wait(grace_s)
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        return done

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                parcel = self._waiting.popleft()
                self._n_moving += 1
            pause_s = self._bring(parcel)
            with self._changed:
                self._n_moving -= 1
                if pause_s is None:
                    self._known.discard(parcel.path)
                else:
                    self._waiting.appendleft(parcel)
                self._changed.notify_all()
                ends = time.monotonic() + (pause_s or 0.0)
                while not self._closed and (left_s := ends - time.monotonic()) > 0.0:
                    self._changed.wait(left_s)

    def _bring(self, parcel: _Parcel) -> float | None:
        """Bring one file; return None when it is done, or the seconds to pause before trying on."""
        try:
            bring(self.store, parcel.key, parcel.path, keep=parcel.keep)
            if parcel.then is not None:
                parcel.then()
        except FileNotFoundError:
            return None  # it was pruned, or replaced by a newer one, before it was brought
        except StoreAwayError:
            return max(0.1, self.store.pause_s)
        except (StoreError, OSError) as error:
            if self._refused is None:
                log.error("%s cannot be brought into the store: %s", parcel.path, error)
            self._refused = str(error)
            return AFTER_TROUBLE_S
        self._refused = None
        return None


def bring(store: Store, key: str, path: Path, *, keep: bool = False) -> str:
    """Put a file of this machine into the store; return its name there.

    Args:
        keep: leave it; otherwise it becomes this machine's copy.

    Raises:
        FileNotFoundError: there is no such file (any more).
        StoreAwayError, StoreError, OSError: as `Store.put_new`; the file stays.
    """
    raw = path.read_bytes()
    name = with_digest(key, raw)
    try:
        store.put_new(name, raw, keep=False)
    except ValueError:
        # Damaged on this disk: it must neither be spread nor hide a good file of the store.
        damaged = path.with_name(f"damaged-{path.name}")
        log.error("%s: its bytes do not have the hash in its name; kept as %s", path, damaged.name)
        path.replace(damaged)
        raise FileNotFoundError(str(path)) from None
    if not keep:
        store.cache.take(name, path)
    return name
