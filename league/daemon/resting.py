"""Matches that wait because the machine is in trouble: who waits, until when, on whose account.

Promises: nobody is blamed; a match is tried again after a pause that doubles from a second to a
minute, whatever happens to others; the journal says when trouble begins, each time the longest
pause grows, and when it is over.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from sqlalchemy import Engine

from arena.processes.jobs import Failed
from arena.processes.supervisor import Clock
from db import queries
from db.records import MatchRecord
from db.session import write_transaction

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0


def pause_after(n_in_a_row: int) -> float:
    """Return the pause in seconds after this many troubles in a row, 1 for the first."""
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(n_in_a_row - 1, 60))


@dataclass(frozen=True)
class _Rest:
    match: MatchRecord
    n_in_a_row: int
    due: float
    concerned: tuple[str, ...]


class RestingMatches:
    """The matches that wait for the machine.

    Args:
        engine: of the league's database, for the journal.
    """

    def __init__(self, engine: Engine, clock: Clock = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._resting: dict[int, _Rest] = {}
        self._tried: dict[int, _Rest] = {}  # handed out again, and not settled yet
        self._told_s = 0.0

    def __len__(self) -> int:
        return len(self._resting)

    @property
    def matches(self) -> list[MatchRecord]:
        """The matches that rest now."""
        return [rest.match for rest in self._resting.values()]

    @property
    def concerned(self) -> set[str]:
        """Specs of agents that could not be loaded: they are not drawn for new matches."""
        waiting = (*self._resting.values(), *self._tried.values())
        return {spec for rest in waiting for spec in rest.concerned}

    def add(self, match: MatchRecord, failed: Failed) -> None:
        """Plan a match again, without counting a failure, and let it rest."""
        before = self._tried.get(match.id)
        n_in_a_row = 1 if before is None else before.n_in_a_row + 1
        pause_s = pause_after(n_in_a_row)
        log.warning("match %d waits %g s for the machine: %s", match.id, pause_s, failed.error)
        with write_transaction(self._engine) as session:
            queries.plan_again(session, match.id)
            if pause_s > self._told_s:
                queries.add_event(
                    session,
                    "machine_trouble",
                    f"the machine, not a member, keeps a match from being played: {failed.error}; "
                    f"it is tried again in {pause_s:g} s; check permissions, disk, memory and open "
                    "files",
                    level="alarm",
                    match_id=match.id,
                )
        self._told_s = max(self._told_s, pause_s)
        self._tried.pop(match.id, None)
        due = self._clock() + pause_s
        self._resting[match.id] = _Rest(match, n_in_a_row, due, failed.blamed)

    def take_due(self) -> list[MatchRecord]:
        """Return the matches whose rest is over, oldest first."""
        now = self._clock()
        due = [rest for _, rest in sorted(self._resting.items()) if now >= rest.due]
        for rest in due:
            self._tried[rest.match.id] = self._resting.pop(rest.match.id)
        return [rest.match for rest in due]

    def settled(self, match_id: int) -> None:
        """Record that a match ended in another way; the journal says when it was the last one."""
        if self._tried.pop(match_id, None) is None or self._resting or self._tried:
            return
        self._told_s = 0.0
        with write_transaction(self._engine) as session:
            queries.add_event(
                session, "machine_recovered", "the machine is well again; all matches go on"
            )
