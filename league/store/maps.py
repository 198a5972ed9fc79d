"""The maps of a league in its store, for machines that have not got them.

Promises: what is brought has the hash in its name in the store. The maps of a league that has just
begun are on their way into the store: a machine that asks for one too early is told that it waits.
"""

from __future__ import annotations

from pathlib import Path

from arena.files import write_whole
from league.errors import StoreAwayError
from league.store.names import fits, without_digest
from league.store.store import Store, StorePlace

PREFIX = "maps/"


def bring_maps(store: Store, root: Path, *, checked: bool = False) -> int:
    """Put the store's maps into `maps/` of a folder, where they are missing; return how many files.

    Args:
        checked: also in place of files that are not those of the store.

    Raises:
        StoreAwayError: the store does not answer.
        OSError: a file cannot be written.
    """
    n = 0
    for entry in store.list(PREFIX):
        path = root / without_digest(entry.key)
        if path.exists() and not (checked and not fits(entry.key, path.read_bytes())):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, store.read(entry.key), durable=True)
        n += 1
    return n


class MapsHere:
    """The maps of a league on a machine that may not have its folder.

    Args:
        root: a folder of this machine; its `maps/` are brought from the store.
    """

    def __init__(self, place: StorePlace, root: Path) -> None:
        self._place, self._root = place, root
        self._is_brought = False

    def bring(self, reference: str) -> None:
        """See that the map of a reference is here, if it is one of the league's own.

        Raises:
            StoreAwayError: the store does not answer, or has not got it yet.
            OSError: a file cannot be written.
        """
        if not reference.startswith(PREFIX):
            return  # generated, or a path that is looked for as it is
        if not self._is_brought or not (self._root / reference).exists():
            bring_maps(self._place.open(), self._root, checked=True)
            self._is_brought = (self._root / reference).exists()
        if not self._is_brought:
            raise StoreAwayError(
                f"{self._place}/{reference}: the map is not in the store yet; it is on its way "
                "from the machine where `league start` runs"
            )
