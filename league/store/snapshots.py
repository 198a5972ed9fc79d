"""Snapshots in a store: the place that is handed to workers and learners, on any machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.errors import SnapshotCorruptError, SnapshotMissingError
from league.errors import StoreCorruptError, StoreMissingError
from league.store.store import Store, StorePlace

PREFIX = "snapshots/"


@dataclass(frozen=True)
class PlaceOfSnapshots:
    """A folder of this machine and a store; plain values (agents.snapshots.SnapshotPlace).

    Attributes:
        folder: what is on its way into the store.
        store: where snapshots lie.
        is_far: whether the manager runs on another machine: offers then go through the store.
    """

    folder: Path
    store: StorePlace
    is_far: bool = False

    def source(self) -> SnapshotSource:
        """Return the snapshots of the store, opened in this process; raises StoreError."""
        return SnapshotSource(self.store.open())


Snapshots = Path | PlaceOfSnapshots
"""What a SnapshotStore of a league is opened with: a folder, or a store."""


class SnapshotSource:
    """The snapshots of a league in its store (agents.snapshots.Source)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, name: str) -> bytes:
        """Return the bytes of a file, which have the hash in its name.

        Raises:
            SnapshotMissingError, SnapshotCorruptError: there is no such file, or it is damaged.
            StoreAwayError: the store does not answer, and there is no copy.
        """
        try:
            return self._store.read(PREFIX + name)
        except StoreMissingError as error:
            raise SnapshotMissingError(f"there is no snapshot {name} in the store") from error
        except StoreCorruptError as error:
            raise SnapshotCorruptError(str(error)) from error

    def file(self, name: str) -> Path:
        """Return a file of this machine with those bytes, to be opened soon; raises as `read`."""
        try:
            return self._store.path(PREFIX + name)
        except StoreMissingError as error:
            raise SnapshotMissingError(f"there is no snapshot {name} in the store") from error
        except StoreCorruptError as error:
            raise SnapshotCorruptError(str(error)) from error

    def save(self, name: str, raw: bytes) -> None:
        """Put a file into the store; raises StoreAwayError."""
        self._store.put_new(PREFIX + name, raw)

    def has(self, name: str) -> bool:
        """Return whether there is such a file: a whole copy of this machine says so too."""
        key = PREFIX + name
        return self._store.cache.read(key) is not None or self._store.has(key)

    def names(self, folder: str = "") -> list[str]:
        """Return the names of the files in a folder of the snapshots, without the folder."""
        prefix = f"{PREFIX}{folder}/" if folder else PREFIX
        names = [entry.key.removeprefix(prefix) for entry in self._store.list(prefix)]
        return [name for name in names if "/" not in name]

    def remove(self, names: Sequence[str]) -> None:
        """Remove files from the store; a missing one is not an error."""
        self._store.delete([PREFIX + name for name in names])
