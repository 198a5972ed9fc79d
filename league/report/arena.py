"""What the arena has done, as a row of the report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from db import queries

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

THROUGHPUT_WINDOW_S = 60.0


@dataclass(frozen=True)
class ArenaRow:
    """What the arena has done: matches by status, and throughput in the last minute."""

    finished: int
    planned: int
    running: int
    failed: int
    window_s: float
    matches_per_s: float
    ticks_per_s: float


def read_arena(session: Session, now: datetime) -> ArenaRow:
    """Return what the arena has done until now."""
    by_status = queries.matches_by_status(session, "rating")
    recent = queries.throughput(session, THROUGHPUT_WINDOW_S, purpose="rating", now=now)
    return ArenaRow(
        finished=by_status.get("finished", 0),
        planned=by_status.get("planned", 0),
        running=by_status.get("running", 0),
        failed=by_status.get("failed", 0),
        window_s=recent.window_s,
        matches_per_s=recent.matches_per_s,
        ticks_per_s=recent.ticks / recent.window_s,
    )
