"""What a report draws, of whole seasons: seats and matches as columns, updates in a sample.

Promises: no object for a row where there may be a million of them; one statement each.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.models import Event, LearnerUpdate, Match, Seat
from db.queries._shared import to_record
from db.queries.rating_columns import fetch_columns
from db.records import MatchMoment, UpdateRecord

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SEAT_COLUMNS = (
    *("match_id", "seat", "member_id", "placement", "tiles", "eliminated_tick"),
    *("illegal_actions", "rated"),
)


def seat_columns(session: Session, rules_sha256: str) -> NDArray[np.void]:
    """Return the seats of a season's finished rated matches, a structured array of SEAT_COLUMNS.

    int64 each, in the order of matches and seats; `eliminated_tick` is -1 for who lived to the end,
    `rated` 0 or 1.

    Raises:
        DatabaseError: a column holds something else than numbers.
    """
    query = (
        select(
            Seat.match_id,
            Seat.seat,
            Seat.member_id,
            Seat.placement,
            Seat.tiles,
            func.coalesce(Seat.eliminated_tick, -1),
            Seat.illegal_actions,
            Seat.rated,
        )
        .join(Match, Match.id == Seat.match_id)
        .where(
            Match.purpose == "rating",
            Match.status == "finished",
            Match.rules_sha256 == rules_sha256,
        )
        .order_by(Seat.match_id, Seat.seat)
    )
    return fetch_columns(session, query, [(name, "i8") for name in SEAT_COLUMNS])


def match_moments(session: Session, rules_sha256: str) -> list[MatchMoment]:
    """Return a season's finished rated matches by number: map, end, length, and their replays."""
    query = (
        select(Match.id, Match.map, Match.finished_at, Match.ticks, Match.replay_path)
        .where(
            Match.purpose == "rating",
            Match.status == "finished",
            Match.rules_sha256 == rules_sha256,
        )
        .order_by(Match.id)
    )
    return [
        MatchMoment(match_id, where, finished_at, ticks or 0, replay)
        for match_id, where, finished_at, ticks, replay in session.execute(query)
        if finished_at is not None  # a CHECK of the table: finished means complete
    ]


def sampled_updates(session: Session, learner_id: int, at_most: int) -> list[UpdateRecord]:
    """Return updates of a learner that are evenly spread over its life, the newest among them.

    Args:
        at_most: how many, roughly; a learner with fewer gives all of them.
    """
    of_learner = LearnerUpdate.learner_id == learner_id
    n, newest = session.execute(
        select(func.count(), func.coalesce(func.max(LearnerUpdate.number), 0)).where(of_learner)
    ).one()
    query = select(LearnerUpdate).where(of_learner).order_by(LearnerUpdate.number)
    step = -(-n // max(at_most, 1))
    if step > 1:
        # Where old rows were thinned their numbers are far apart: rows are counted, not numbers.
        counted = (
            select(
                LearnerUpdate.number.label("number"),
                func.row_number().over(order_by=LearnerUpdate.number).label("row"),
            )
            .where(of_learner)
            .subquery()
        )
        chosen = select(counted.c.number).where(
            (counted.c.row % step == 0) | (counted.c.number == newest)
        )
        query = query.where(LearnerUpdate.number.in_(chosen))
    return [to_record(row, UpdateRecord) for row in session.scalars(query)]


def event_counts(session: Session) -> Iterator[tuple[str, str, int]]:
    """Yield (level, kind, number) of the events of the journal."""
    query = (
        select(Event.level, Event.kind, func.count())
        .group_by(Event.level, Event.kind)
        .order_by(Event.level, Event.kind)
    )
    for level, kind, count in session.execute(query):
        yield level, kind, int(count)
