"""Offers on their way to the manager: told when the manager can read them.

A manager that shares this machine's folder can read them at once. From another machine they go
through the league's store; while that is away they wait here, and training goes on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from agents.snapshots import SnapshotStore
from arena.machine import growing_pause_s, is_machine_trouble
from league.folder.layout import LeagueFolder
from league.learner.messages import LearnerOrders, Offered
from league.store.snapshots import PlaceOfSnapshots, Snapshots

log = logging.getLogger(__name__)

LONGEST_PAUSE_S = 60.0


def snapshot_place(orders: LearnerOrders, folder: LeagueFolder) -> Snapshots:
    """Return where a learner's snapshots lie: in its folder, or in the league's store."""
    if orders.store is None:
        return folder.snapshot_place()
    return PlaceOfSnapshots(folder.snapshots, orders.store, is_far=True)


class OutgoingOffers:
    """Offers that the manager has not heard of yet."""

    def __init__(
        self, store: SnapshotStore, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._clock = clock
        self._waiting: list[Offered] = []
        self._n_failures = 0
        self._due = 0.0
        self._is_first = True  # an earlier process may have left offers

    def add(self, offered: Offered) -> None:
        """Take an offer whose file lies in the folder."""
        self._waiting.append(offered)
        self._due = 0.0

    def take(self) -> list[Offered]:
        """Return the offers that the manager can read now, in order; each is returned once."""
        if not (self._waiting or self._is_first) or self._clock() < self._due:
            return []
        try:
            sent = self._store.send_offers()
        except OSError as error:
            if not is_machine_trouble(error):
                raise
            self._n_failures += 1
            pause_s = growing_pause_s(self._n_failures, LONGEST_PAUSE_S)
            self._due = self._clock() + pause_s
            log.warning("offers wait for the store, tried again in %g s: %s", pause_s, error)
            return []
        known = {offered.sha256 for offered in self._waiting}
        found = [Offered(sha, 0, "offered before a restart") for sha in sent if sha not in known]
        found += self._waiting
        self._waiting, self._n_failures, self._is_first = [], 0, False
        return found
