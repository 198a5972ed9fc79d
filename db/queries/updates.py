"""The updates of learners: one row each, thinned where they are old and many.

Promises: adding a row takes the same time whatever their number; a learner keeps its newest 20,000
updates and, evenly spread over its whole life, up to 80,000 older ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from db.models import LearnerUpdate
from db.queries._shared import change, to_record, utc_now
from db.records import UpdateRecord

MOST_ROWS = 100_000  # of a learner: 60 MB; reached after 400 million decisions by default settings
NEWEST_ROWS = 20_000  # of them that are never thinned
THIN_EVERY = 100  # updates between two looks for rows to thin
MOST_AT_ONCE = 2_000  # rows removed by one look: some milliseconds
SIGNIFICANT_DIGITS = 6  # of a stored number: pictures need no more, and rows take half the room


def add_update(
    session: Session,
    learner_id: int,
    trained_decisions: int,
    numbers: Mapping[str, float],
    opponents: Mapping[int, tuple[int, float]] | None = None,
    *,
    at: datetime | None = None,
) -> int:
    """Append an update of a learner, and thin its old ones now and then; return its number.

    Numbers that are not finite are left out: JSON has none, and PostgreSQL refuses them.
    """
    newest = session.scalar(
        select(func.max(LearnerUpdate.number)).where(LearnerUpdate.learner_id == learner_id)
    )
    number = (newest or 0) + 1
    session.execute(
        insert(LearnerUpdate).values(
            learner_id=learner_id,
            number=number,
            trained_decisions=trained_decisions,
            at=at or utc_now(),
            numbers={key: _short(value) for key, value in numbers.items() if math.isfinite(value)},
            opponents={
                str(member_id): [games, _short(beats)]
                for member_id, (games, beats) in sorted((opponents or {}).items())
            },
        )
    )
    if number % THIN_EVERY == 0:
        thin_updates(session, learner_id, number)
    return number


def _short(value: float) -> float:
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def stride(newest: int, most: int = MOST_ROWS, kept: int = NEWEST_ROWS) -> int:
    """Return the distance of the old updates that stay: a power of two, 1 while all of them do.

    Args:
        newest: number of the newest update.
        most: rows that may stay, of which the newest `kept` all do.
    """
    distance = 1
    while newest > most and (newest - kept) // distance > most - kept:
        distance *= 2
    return distance


def thin_updates(
    session: Session,
    learner_id: int,
    newest: int,
    *,
    most: int = MOST_ROWS,
    kept: int = NEWEST_ROWS,
    at_once: int = MOST_AT_ONCE,
) -> int:
    """Remove old updates of a learner that has too many, the oldest first; return how many went."""
    distance = stride(newest, most, kept)
    if distance == 1:
        return 0
    of_learner = LearnerUpdate.learner_id == learner_id
    surplus = (
        select(LearnerUpdate.number)
        .where(of_learner, LearnerUpdate.number <= newest - kept)
        .where(LearnerUpdate.number % distance != 0)
        .order_by(LearnerUpdate.number)
        .limit(at_once)
    )
    gone = delete(LearnerUpdate).where(of_learner, LearnerUpdate.number.in_(surplus))
    return change(session, gone.execution_options(synchronize_session=False))


def list_updates(
    session: Session, learner_id: int, *, after: int = 0, limit: int | None = None
) -> list[UpdateRecord]:
    """Return a learner's updates with numbers above `after`, oldest first.

    Args:
        limit: return the newest so many; None returns all of them.
    """
    query = select(LearnerUpdate).where(
        LearnerUpdate.learner_id == learner_id, LearnerUpdate.number > after
    )
    query = query.order_by(LearnerUpdate.number.desc()).limit(limit)
    return [to_record(row, UpdateRecord) for row in session.scalars(query)][::-1]


def lasting_updates(updates: Iterable[UpdateRecord]) -> list[UpdateRecord]:
    """Return the updates that the present weights descend from, of those in the order of time.

    A learner that was killed goes on from its checkpoint: what it had trained since is lost, and
    the updates after it count those decisions again.
    """
    lasting: list[UpdateRecord] = []
    for update in updates:
        while lasting and lasting[-1].trained_decisions >= update.trained_decisions:
            lasting.pop()
        lasting.append(update)
    return lasting
