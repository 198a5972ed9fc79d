"""The daemon's heartbeat: the row that says that a league is running, how, and until when.

Promises: written every two seconds, durably, and with it all that was committed before: a power cut
costs a few seconds at most.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from db import queries
from db.session import write_transaction

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from league.daemon.running_time import RunningTime

HEARTBEAT_EVERY_S = 2.0


class Heartbeat:
    """Writes the `daemon` row.

    Args:
        ends: monotonic time at which the league stops, or None.
        usage: returns what the league uses (league.daemon.usage), as JSON values.
    """

    def __init__(
        self,
        engine: Engine,
        ends: float | None,
        usage: Callable[[], Mapping[str, Any]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._ends, self._usage, self._clock = ends, usage, clock
        self._began_at = datetime.now(UTC)
        self._due = -HEARTBEAT_EVERY_S

    def is_due(self) -> bool:
        """Return whether it is time; the next one is due two seconds from now."""
        now = self._clock()
        if now < self._due:
            return False
        self._due = now + HEARTBEAT_EVERY_S
        return True

    def beat(self, values: Mapping[str, Any], running_time: RunningTime) -> None:
        """Write the row with these values, and the running time; raises DatabaseError."""
        with write_transaction(self._engine) as session:
            queries.set_league_value(
                session,
                "daemon",
                {
                    "pid": os.getpid(),
                    "began_at": _text(self._began_at),
                    "ends_at": self._ends_at(),
                    "usage": dict(self._usage()),
                    **values,
                },
            )
            running_time.store(session)

    def _ends_at(self) -> str | None:
        """Return the end of a timed run, by today's clock; None for one without an end."""
        if self._ends is None:
            return None
        return _text(datetime.now(UTC) + timedelta(seconds=self._ends - self._clock()))


def _text(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
