"""Where a machine that plays or trains for a league, and may not have its folder, keeps copies.

Promises: nothing that lies there is needed again: the store has it, or training goes on from what
the store has. Two leagues never share such a folder.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from league.errors import StoreError
from league.store.store import StorePlace


def folder_here(root: Path) -> Path:
    """Return this machine's folder for the files of a league, made if it is missing.

    It lies in the league's own folder where that is there or can be made, so that a volume can be
    mounted for it, else among the caches of the user.

    Args:
        root: path of the league's folder on the manager's machine.

    Raises:
        StoreError: neither can be written.
    """
    reasons = []
    for folder in _candidates(root):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reasons.append(f"{folder} ({error.strerror or error})")
            continue
        if os.access(folder, os.W_OK | os.X_OK):
            return folder
        reasons.append(f"{folder} (not writable)")
    raise StoreError(
        "expected a folder on this node for copies of the league's files, found that neither can "
        f"be made: {', '.join(reasons)}; make one of them writable for the user that Ray runs as"
    )


def _candidates(root: Path) -> Iterator[Path]:
    yield root / "cache" / "nodes"
    with_root = hashlib.sha256(str(root).encode()).hexdigest()[:8]
    try:
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # a user without a home
        return
    yield caches / "territory-league" / f"{root.name}-{with_root}"


def place_here(place: StorePlace, root: Path) -> StorePlace:
    """Return a store with its copies in this machine's folder; raises StoreError."""
    return replace(place, cache=str(folder_here(root) / "store"))
