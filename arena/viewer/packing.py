"""Owns how numbers of a film are packed into bytes, so that a page can unpack them.

Promises: `page/decode.js` reads what is written here. Whole numbers are varints: seven bits a byte,
the lowest first, the high bit set where more follow; signed ones are zigzag (0, -1, 1, -2, ...).
All sections of a film are compressed together (zlib) and written as base64.
"""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]


def varints(values: NDArray[Any]) -> bytes:
    """Pack whole numbers of 0 to 2^63 - 1."""
    left = np.asarray(values, np.uint64).ravel()
    sizes = np.ones(len(left), np.int64)
    for bits in range(7, 63, 7):
        sizes += left >= np.uint64(1 << bits)
    ends = np.cumsum(sizes)
    packed = np.zeros(int(ends[-1]) if len(ends) else 0, np.uint8)
    starts = ends - sizes
    for byte in range(int(sizes.max(initial=0))):
        rest = sizes > byte
        more = (sizes[rest] > byte + 1).astype(np.uint8) << 7
        packed[starts[rest] + byte] = (left[rest] & np.uint64(127)).astype(np.uint8) | more
        left = left >> np.uint64(7)
    return packed.tobytes()


def from_varints(packed: bytes) -> IntArray:
    """Return the numbers of `varints`, int64[n]."""
    raw = np.frombuffer(packed, np.uint8)
    ends = np.flatnonzero(raw < 128)
    starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
    values = np.zeros(len(ends), np.int64)
    for byte in range(int((ends - starts).max(initial=-1)) + 1):
        rest = starts + byte <= ends
        values[rest] |= (raw[starts[rest] + byte].astype(np.int64) & 127) << (7 * byte)
    return values


def signed(values: NDArray[Any]) -> bytes:
    """Pack whole numbers of either sign."""
    whole = np.asarray(values, np.int64).ravel()
    return varints((whole << 1) ^ (whole >> 63))


def from_signed(packed: bytes) -> IntArray:
    """Return the numbers of `signed`, int64[n]."""
    folded = from_varints(packed)
    return (folded >> 1) ^ -(folded & 1)


def steps(values: NDArray[Any]) -> bytes:
    """Pack a table [rows, columns] of whole numbers: the first row, then differences of rows."""
    table = np.asarray(values, np.int64)
    return signed(np.diff(table, axis=0, prepend=np.zeros((1, *table.shape[1:]), np.int64)))


def pack(sections: dict[str, bytes]) -> dict[str, Any]:
    """Return sections as JSON: their names with their sizes in order, and all bytes as base64."""
    joined = b"".join(sections.values())
    return {
        "sections": [[name, len(content)] for name, content in sections.items()],
        "bytes": base64.b64encode(zlib.compress(joined, 9)).decode(),
    }


def unpack(packed: dict[str, Any]) -> dict[str, bytes]:
    """Return the sections of `pack`, for tests and tools."""
    joined = zlib.decompress(base64.b64decode(packed["bytes"]))
    found, at = {}, 0
    for name, size in packed["sections"]:
        found[name] = joined[at : at + size]
        at += size
    return found
