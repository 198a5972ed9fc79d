"""Damage that a league can heal by itself: results of matches that are not finished.

Two daemons on one PostgreSQL database (impossible now: db.hold) could put a finished match back to
planned, with its seats and ratings in place; it was played again, and its result contradicted the
stored one. Promises: no row of the rating log is ever changed or removed, since its `seq` has no
gap and every later rating rests on it; what cannot be healed without that is left as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from db.models import Match, Rating, Seat
from db.queries.matches import MAX_FAILURES

Cure = Literal["finish", "clear", "none"]


@dataclass(frozen=True)
class UnfinishedResult:
    """A match that is not finished, and of which seats or ratings are stored.

    Attributes:
        cure: "finish": the result is whole, and the match is finished; "clear": nobody was rated,
            so the result is removed and the match is played again; "none": ratings rest on a
            result that is not whole: only a backup helps.
    """

    match_id: int
    status: str
    n_seats: int
    n_ratings: int
    cure: Cure

    def __str__(self) -> str:
        what = {
            "finish": "its result is whole: it counts as finished",
            "clear": "nobody was rated by it: it is played again",
            "none": "its result is not whole: restore a backup",
        }[self.cure]
        return (
            f"match {self.match_id} is {self.status} and has {self.n_seats} seats and "
            f"{self.n_ratings} ratings; {what}"
        )


def find_unfinished_results(session: Session) -> list[UnfinishedResult]:
    """Return the matches that are not finished and have seats or ratings, in the order of ids."""
    return [found for _, found in _find(session)]


def heal_unfinished_results(session: Session) -> list[UnfinishedResult]:
    """Heal what `find_unfinished_results` finds, and return all of it as it was before.

    Call it in a write transaction.
    """
    found = _find(session)
    for match, result in found:
        if result.cure == "finish":
            match.status = "finished"
            match.error = None
        elif result.cure == "clear":
            session.execute(delete(Seat).where(Seat.match_id == match.id))
            match.ticks = match.wall_s = match.finished_at = None
            match.final_state_sha256 = match.replay_path = None
            if match.failures < MAX_FAILURES:
                match.status, match.error = "planned", None
    session.flush()
    return [result for _, result in found]


def _find(session: Session) -> list[tuple[Match, UnfinishedResult]]:
    n_seats = select(func.count()).where(Seat.match_id == Match.id).scalar_subquery()
    n_ratings = select(func.count()).where(Rating.match_id == Match.id).scalar_subquery()
    rows = session.execute(
        select(Match, n_seats, n_ratings)
        .where(
            Match.status != "finished",
            or_(
                select(Seat.seat).where(Seat.match_id == Match.id).exists(),
                select(Rating.seq).where(Rating.match_id == Match.id).exists(),
            ),
        )
        .order_by(Match.id)
    ).all()
    return [
        (
            match,
            UnfinishedResult(match.id, match.status, seats, ratings, _cure(match, seats, ratings)),
        )
        for match, seats, ratings in rows
    ]


def _cure(match: Match, n_seats: int, n_ratings: int) -> Cure:
    result = (match.ticks, match.wall_s, match.finished_at, match.final_state_sha256)
    n_rated = sum(bool(is_rated) for _, is_rated in match.line_up)
    n_to_rate = n_rated if n_rated >= 2 else 0
    if None not in result and n_seats == len(match.line_up) and n_ratings == n_to_rate:
        return "finish"
    return "clear" if n_ratings == 0 else "none"
