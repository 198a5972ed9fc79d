"""What a snapshot store asks of the place behind it, where that is not a folder (league.store).

Names are those of the store's folder: `<sha256>.safetensors`, `offered/<sha256>.json`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class Source(Protocol):
    """Where a league's snapshots lie when that is not its folder.

    Every method raises OSError when the source does not answer, which is trouble of the machine.
    """

    def read(self, name: str) -> bytes:
        """Return the bytes of a file, which have the hash in its name.

        Raises:
            SnapshotMissingError, SnapshotCorruptError: there is no such file, or it is damaged.
        """

    def file(self, name: str) -> Path:
        """Return a file of this machine with those bytes, to be opened soon; raises as `read`."""

    def save(self, name: str, raw: bytes) -> None:
        """Keep a file; it is whole and there when this returns. Saving it again changes nothing."""

    def has(self, name: str) -> bool:
        """Return whether there is such a file."""

    def names(self, folder: str = "") -> list[str]:
        """Return the names of the files in the source, or in a folder of it, without the folder."""

    def remove(self, names: Sequence[str]) -> None:
        """Remove files; a missing one is not an error."""


class SnapshotPlace(Protocol):
    """A folder and a source, as plain values that can be sent to another process or machine.

    Attributes:
        folder: of this machine.
        is_far: whether the manager runs on another machine, so that offers must go to the source.
    """

    @property
    def folder(self) -> Path: ...

    @property
    def is_far(self) -> bool: ...

    def source(self) -> Source:
        """Return the source, opened in this process."""
