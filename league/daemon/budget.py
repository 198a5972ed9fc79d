"""The daemon's pruning: a pass every few minutes, in pieces between its rounds of work.

Promises: a round is held up by some tens of milliseconds; a file that cannot be removed ends no
league and is tried again later, with one event that says so; trouble of the database is the
daemon's (league.daemon.trouble).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

from sqlalchemy import Engine

from arena.processes.supervisor import Clock
from db import queries
from db.session import write_transaction
from league.folder.layout import LeagueFolder
from league.pruning.files import finish_pending
from league.pruning.prune import Pruning
from league.pruning.record import Budgets
from league.pruning.text import over_budget
from league.rating.payoff import Payoff

log = logging.getLogger(__name__)

PIECE_S = 0.03  # of a round
LEAST_PAUSE_S = 60.0
PAUSE_SHARE = 100.0  # a pass that took a second is followed by 100 s without one
AFTER_TROUBLE_S = 600.0
# A learner loads only what its rollout has drawn, and draws from the newest roster.
GRACE_S = 3600.0


class DiskBudget:
    """Keeps replays and snapshots of a running league within their budgets.

    Args:
        payoff: returns that of the present season.
    """

    def __init__(
        self,
        folder: LeagueFolder,
        engine: Engine,
        budgets: Budgets,
        rules_sha256: str,
        payoff: Callable[[], Payoff],
        *,
        clock: Clock = time.monotonic,
    ) -> None:
        self._folder, self._engine, self._budgets = folder, engine, budgets
        self._rules_sha256, self._payoff, self._clock = rules_sha256, payoff, clock
        self._pass: Iterator[None] | None = None
        self._pruning: Pruning | None = None
        self._due = clock()
        self._took_s = 0.0
        self._after_match = 0
        self._said: set[str] = set()

    def start(self) -> None:
        """Unlink what an earlier run left to be unlinked; before any learner runs."""
        try:
            for _ in finish_pending(self._folder, self._engine, nobody_runs=True):
                pass
        except OSError as error:
            self._put_off(error)

    def turn(self) -> None:
        """Do a piece of work, if any is due; raises DatabaseError."""
        if self._clock() < self._due:
            return
        if self._pass is None:
            self._begin()
        began = self._clock()
        try:
            for _ in self._pass or ():
                if self._clock() - began >= PIECE_S:
                    self._took_s += self._clock() - began
                    return
        except OSError as error:
            self._put_off(error)
            return
        except BaseException:
            self._pass = None  # a generator that raised is at its end
            raise
        self._took_s += self._clock() - began
        self._end()

    def _begin(self) -> None:
        self._took_s = 0.0
        self._pruning = Pruning(
            self._folder,
            self._engine,
            self._budgets,
            self._rules_sha256,
            self._payoff,
            grace_s=GRACE_S,
        )
        self._pass = self._pruning.steps(self._after_match)

    def _end(self) -> None:
        assert self._pruning is not None
        self._after_match = max(self._after_match, self._pruning.last_match)
        over = over_budget(self._pruning.done, self._budgets)
        if over is not None:
            self._say("over_budget", over)
        self._pass = None
        self._due = self._clock() + max(LEAST_PAUSE_S, PAUSE_SHARE * self._took_s)

    def _put_off(self, error: OSError) -> None:
        self._pass = None
        self._due = self._clock() + AFTER_TROUBLE_S
        log.warning("pruning is put off for %g s: %s", AFTER_TROUBLE_S, error)
        self._say("prune_failed", f"a file could not be removed and is tried again: {error}")

    def _say(self, kind: str, text: str) -> None:
        """Write one event of a kind per run: the numbers in it change with every pass."""
        if kind not in self._said:
            with write_transaction(self._engine) as session:
                queries.add_event(session, kind, text, level="warning")
            self._said.add(kind)
