"""How long a league has run in all its starts together, kept in its database.

Promises: the seconds never shrink and leave out the time between two starts; an end without a word
loses those since the last heartbeat. Comparisons at equal minutes count in them (league.compare).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from db import queries
from db.session import read_transaction
from league.folder.memory import RUNNING_TIME_KEY, running_time_s

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from arena.processes.supervisor import Clock


class RunningTime:
    """The running time of a league; this start counts from the object's creation.

    Pauses by trouble of the machine count: learners go on training through most of them.
    """

    def __init__(self, engine: Engine, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        with read_transaction(engine) as session:
            self._before_s = running_time_s(session) or 0.0

    @property
    def seconds(self) -> float:
        """Seconds of all starts up to now."""
        return self._before_s + self._clock() - self._began

    def store(self, session: Session) -> None:
        """Store the seconds, inside the caller's transaction."""
        queries.set_league_value(session, RUNNING_TIME_KEY, {"seconds": round(self.seconds, 1)})
