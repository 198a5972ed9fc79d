"""A learner's checkpoints in the league's store, so that it can go on from another machine.

Promises: training never waits for the store; a checkpoint is on this machine's disk first, and in
the store as soon as that answers; a learner that begins goes on from the newest whole checkpoint of
both places.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path

from arena.files import write_whole
from league.errors import StoreAwayError, StoreError
from league.folder.layout import LeagueFolder
from league.learner.messages import LearnerOrders
from league.store.courier import Courier
from league.store.names import fits, without_digest
from league.store.store import StorePlace

log = logging.getLogger(__name__)

_NAME = re.compile(r"checkpoint-(\d{8,})-[0-9a-f]{16}\.safetensors")


CLOSE_S = 2.0


class CheckpointMirror:
    """The checkpoints of one learner in a store.

    Args:
        name: of the lineage.
        keep: how many are kept there.
    """

    def __init__(self, place: StorePlace, name: str, keep: int) -> None:
        self._store = place.open()
        self._courier = Courier(self._store, n_threads=1)
        self._prefix = f"checkpoints/{name}/"
        self._keep = keep

    @property
    def trouble(self) -> str | None:
        """Why a checkpoint waits here, or None."""
        return self._courier.trouble

    def saved(self, path: Path) -> None:
        """Bring a checkpoint into the store, in the background; older ones go there then."""
        self._courier.send(self._prefix + path.name, path, keep=True, then=self._drop_old)

    def fetch(self, folder: Path) -> None:
        """Put the store's newest checkpoint into the folder, if it is newer than those there.

        Raises:
            StoreAwayError: the store does not answer, and the folder holds none either.
        """
        here = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
        whole = [path for path in here if fits(path.name, path.read_bytes())]
        newest = max(map(_number, (path.name for path in whole)), default=0)
        try:
            for key in sorted(self._keys(), key=_number, reverse=True):
                name = key.removeprefix(self._prefix)
                if _number(name) <= newest:
                    return
                try:
                    write_whole(folder / name, self._store.read(key), durable=True)
                except StoreAwayError:
                    raise
                except StoreError as error:  # damaged there, or just dropped
                    log.warning("%s; the checkpoint before it is taken", error)
                    continue
                self._store.cache.drop(key)  # the folder has it
                log.info("took the checkpoint %s from the store", name)
                return
        except StoreAwayError:
            if not whole:
                raise
            log.warning("%s: going on from the checkpoint of this machine", self._store.trouble)

    def keep_beside(self, path: Path) -> None:
        """Bring a file that lies beside the checkpoints into the store, in the background."""
        self._courier.send(self._prefix + path.name, path, keep=True)

    def fetch_beside(self, path: Path) -> None:
        """Put the store's newest file of that name there, if it holds one.

        Raises:
            StoreAwayError: the store does not answer.
        """
        wanted = self._prefix + path.name
        found = [e for e in self._store.list(self._prefix) if without_digest(e.key) == wanted]
        if found:
            newest = max(found, key=lambda entry: entry.modified or 0.0)
            write_whole(path, self._store.read(newest.key), durable=True)

    def close(self) -> None:
        """Bring what can be brought within CLOSE_S; the rest stays on this machine."""
        self._courier.close(CLOSE_S)

    def _keys(self) -> list[str]:
        keys = (entry.key for entry in self._store.list(self._prefix))
        return [key for key in keys if _NAME.fullmatch(key.removeprefix(self._prefix))]

    def _drop_old(self) -> None:
        old = sorted(self._keys(), key=_number)[: -self._keep]
        if old:
            self._store.delete(old)


def open_mirror(orders: LearnerOrders, folder: LeagueFolder, keep: int) -> CheckpointMirror | None:
    """Return the mirror of a learner's checkpoints; None in a league without a store."""
    place = orders.store or folder.store()
    return None if place is None else CheckpointMirror(place, orders.name, keep)


def _number(name: str) -> int:
    found = _NAME.fullmatch(name.rpartition("/")[2])
    return int(found.group(1)) if found else 0
