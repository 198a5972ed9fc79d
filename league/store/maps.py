"""The maps of a league in its store, for machines that have not got them."""

from __future__ import annotations

from pathlib import Path

from arena.files import write_whole
from league.store.names import without_digest
from league.store.store import Store

PREFIX = "maps/"


def bring_maps(store: Store, root: Path) -> int:
    """Put the store's maps into `maps/` of a folder, where they are missing; return how many files.

    Raises:
        StoreAwayError: the store does not answer.
        OSError: a file cannot be written.
    """
    n = 0
    for entry in store.list(PREFIX):
        path = root / without_digest(entry.key)
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, store.read(entry.key), durable=True)
        n += 1
    return n
