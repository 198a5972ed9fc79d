"""The seal of an exported snapshot: the hash of its bytes inside the file itself.

A snapshot in a store is named by its hash; a file that travels has any name. So an export inserts
88 bytes at the beginning of the header, `"file_sha256":"..."` and spaces, which every reader of
safetensors skips, and an import takes them out again: the bytes, and so the snapshot, are the old
ones, or the file is refused.
"""

from __future__ import annotations

import hashlib
import re

from agents.errors import SnapshotCorruptError

_START = b'{"__metadata__":{'
_OLD_START = _START + b'"description":'
_KEY = b"file_sha256"
_FILLER = b" " * 7  # the length of a header is a multiple of 8
_SEAL = re.compile(rb'"file_sha256":"([0-9a-f]{64})", {7}')
_LENGTH = 88


def sealed(raw: bytes) -> bytes:
    """Return the bytes of a snapshot with their hash inserted.

    Raises:
        SnapshotCorruptError: the bytes do not begin as a snapshot does.
    """
    header = raw[8 : 8 + _header_length(raw)]
    if not header.startswith(_START) or _KEY in header:
        raise SnapshotCorruptError("expected a snapshot without a seal, found other bytes")
    digits = hashlib.sha256(raw).hexdigest().encode()
    seal = b'"file_sha256":"' + digits + b'",' + _FILLER
    at = 8 + len(_START)
    length = (len(header) + _LENGTH).to_bytes(8, "little")
    return length + raw[8:at] + seal + raw[at:]


def is_ours(raw: bytes) -> bool:
    """Return whether the header names a description or a seal: damaged or not, it is a snapshot."""
    header = raw[8 : 8 + _header_length(raw)]
    return b"description" in header or _KEY in header


def unsealed(raw: bytes, name: str) -> tuple[bytes, bool]:
    """Return the bytes of a snapshot without the seal, and whether there was one.

    A file that was exported before there were seals is returned as it is.

    Args:
        raw: the whole file.
        name: what to call it in a message.

    Raises:
        SnapshotCorruptError: the seal is broken, or the bytes have changed since it was made.
    """
    at = 8 + len(_START)
    found = _SEAL.match(raw, at)
    length = _header_length(raw)
    if found is None:
        # A damaged key is an unknown one: our unsealed headers begin with the description.
        header = raw[8 : 8 + length]
        if header.startswith(_OLD_START) and _KEY not in header:
            return raw, False
        raise SnapshotCorruptError(
            f"{name} does not begin as a snapshot does: it was changed after it was exported; "
            "export it again"
        )
    whole = (length - _LENGTH).to_bytes(8, "little", signed=True) + raw[8:at] + raw[found.end() :]
    if hashlib.sha256(whole).hexdigest().encode() != found[1]:
        raise SnapshotCorruptError(
            f"{name} does not have the hash that it carries: it was changed after it was exported; "
            "export it again"
        )
    return whole, True


def _header_length(raw: bytes) -> int:
    length = int.from_bytes(raw[:8], "little")
    return length if length <= len(raw) else 0
