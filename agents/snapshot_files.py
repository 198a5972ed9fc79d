"""Files of snapshots: their names, and reading them with a check of the hash."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from agents.description import unreadable
from agents.errors import SnapshotCorruptError, SnapshotPathError
from arena.foreign import ForeignFileError, read_foreign

MAX_SNAPSHOT_BYTES = 2**30  # far above any network of ours
HASH = re.compile(r"[0-9a-f]{64}")


def with_hash(path: Path, sha256: str) -> bytes:
    """Return the bytes of a file that is named by its hash.

    Raises:
        SnapshotCorruptError: they have another hash.
        SnapshotError: as `read_whole`.
    """
    raw = read_whole(path)
    found = hashlib.sha256(raw).hexdigest()
    if found != sha256:
        raise SnapshotCorruptError(
            f"{path} has {len(raw)} bytes with the hash {found[:16]}..., not the hash that it "
            "is named by: it was changed after it was saved; restore it from a backup"
        )
    return raw


def full_hash(sha256: str) -> str:
    """Return it if it is a full hash.

    Raises:
        SnapshotPathError: not 64 hexadecimal digits.
    """
    if not HASH.fullmatch(sha256):
        raise SnapshotPathError(
            f"expected a hash of 64 lower-case hexadecimal digits, found {sha256!r}"
        )
    return sha256


def read_whole(path: Path) -> bytes:
    """Return the bytes of a file of a sane size.

    Raises:
        SnapshotError: it is missing, too large or cannot be read.
    """
    try:
        return read_foreign(path, MAX_SNAPSHOT_BYTES)
    except ForeignFileError as error:
        raise unreadable(error) from error
