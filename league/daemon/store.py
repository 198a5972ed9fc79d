"""The store of a running league: whose it is, what waits for it, and what the journal says.

Promises: a store holds the files of one league; what an earlier run left on this machine's disk is
brought there; the journal says when the store stops answering and when it is back, once each, and
nothing else of the league waits for it.
"""

from __future__ import annotations

import logging

from sqlalchemy import Engine

from league.daemon.waits import Waits
from league.folder.in_store import claim, left_here
from league.folder.layout import LeagueFolder
from league.store.courier import Courier

log = logging.getLogger(__name__)


class StoreHome:
    """The store of a running league; without `store.url` it does nothing.

    Args:
        engine: of the league's database, for writing.
        waits: told while files wait for the store.

    Raises:
        StoreError: it cannot be used as it is set up, or is another league's.
        StoreAwayError: it does not answer.
    """

    def __init__(self, folder: LeagueFolder, engine: Engine, waits: Waits) -> None:
        self._waits = waits
        place = folder.store()
        self.courier: Courier | None = None
        if place is None:
            return
        store = place.open()
        store.ask_again()
        claim(store, place, engine)
        self.courier = Courier(store)
        held = {entry.key: entry.n_bytes for entry in store.list("checkpoints/")}
        for key, path, keep in left_here(folder):
            if held.get(key) != path.stat().st_size:
                self.courier.send(key, path, keep=keep)

    def turn(self) -> None:
        """Tell the journal when the store stops answering, and when it is back."""
        if self.courier is not None:
            self._waits.take_store(self.courier.trouble, self.courier.n_waiting)

    def close(self, grace_s: float) -> None:
        """Bring what can be brought within the time; the next start brings the rest."""
        if self.courier is not None and not self.courier.close(grace_s):
            log.warning(
                "%d files are not in the store yet; the next start brings them there",
                self.courier.n_waiting,
            )
