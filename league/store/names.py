"""Owns the names of files in a store: the same as in a league's folder, with a hash in each.

`snapshots/<sha256>.safetensors`, `replays/<match>-<16 digits>.replay`,
`checkpoints/<learner>/checkpoint-<number>-<16 digits>.safetensors`: 64 or 16 digits of the SHA-256
of the bytes. Promises: whoever reads a file can tell from its name whether its bytes are right, and
two writers of one name write the same bytes. The descriptions of offers
(`snapshots/offered/<sha256>.json`) are named by their weights and are the only files that are not
checked so.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath

N_DIGITS = 16
_DIGEST = re.compile(r"(?:^|/|-)([0-9a-f]{64}|(?<=-)[0-9a-f]{16})\.[a-z]+$")
_KEY = re.compile(r"[^/\\\0]+(/[^/\\\0]+)*")


def digest_of(key: str) -> str | None:
    """Return the first digits of the hash that the bytes of a file must have; None if unknown."""
    if key.endswith(".json"):
        return None
    found = _DIGEST.search(key)
    return None if found is None else found.group(1)


def fits(key: str, raw: bytes) -> bool:
    """Return whether bytes have the hash that a name tells."""
    digest = digest_of(key)
    return digest is None or hashlib.sha256(raw).hexdigest().startswith(digest)


def with_digest(key: str, raw: bytes) -> str:
    """Return the name under which bytes lie in a store: with their hash, if it is not in it yet."""
    if digest_of(key) is not None or key.endswith(".json"):
        return key
    path = PurePosixPath(key)
    digest = hashlib.sha256(raw).hexdigest()[:N_DIGITS]
    return str(path.with_name(f"{path.stem}-{digest}{path.suffix}"))


def without_digest(key: str) -> str:
    """Return a name without the 16 digits that `with_digest` put into it."""
    digest = digest_of(key)
    if digest is None or len(digest) != N_DIGITS:
        return key
    path = PurePosixPath(key)
    return str(path.with_name(f"{path.stem[: -N_DIGITS - 1]}{path.suffix}"))


def is_key(text: str) -> bool:
    """Return whether a text names a file inside a store, and nothing outside of it."""
    return bool(_KEY.fullmatch(text)) and not {"", ".", ".."} & set(text.split("/"))
