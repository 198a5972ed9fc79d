"""What tells the course of a lineage: its snapshots' places beside members that it never met."""

from __future__ import annotations

from collections.abc import Collection
from itertools import groupby

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, aliased

from db.models import Match, Rating, Seat
from db.records import HeldOutScore, PlacesBeside


def last_rating_seq(session: Session) -> int:
    """Return the number of the newest change of the rating log, 0 before the first."""
    return session.scalar(select(func.max(Rating.seq))) or 0


def places_beside(
    session: Session,
    reference_id: int,
    others: Collection[int],
    rules_sha256: str,
    *,
    after_seq: int,
) -> list[PlacesBeside]:
    """Return the rated matches of a member after a change of the log, in the order of the log.

    Args:
        others: members whose places are returned too where they were seated and rated.
    """
    query = (
        select(Rating.seq, Match.planned_at, Seat.member_id, Seat.placement)
        .join(Match, Match.id == Rating.match_id)
        .join(Seat, (Seat.match_id == Match.id) & Seat.rated.is_(True))
        .where(
            Rating.member_id == reference_id,
            Rating.rules_sha256 == rules_sha256,
            Rating.seq > after_seq,
            Seat.member_id.in_(sorted({reference_id, *others})),
        )
        .order_by(Rating.seq, Seat.seat)
    )
    found = []
    for (seq, planned_at), rows in groupby(session.execute(query), key=lambda row: row[:2]):
        found.append(PlacesBeside(seq, planned_at, {member: place for *_, member, place in rows}))
    return found


def held_out_scores(
    session: Session, members: Collection[int], held_out: Collection[int], rules_sha256: str
) -> dict[int, HeldOutScore]:
    """Return how often members placed above held-out ones in rated matches, by member id."""
    mine, theirs = aliased(Seat), aliased(Seat)
    above = case(
        (mine.placement < theirs.placement, 1.0),
        (mine.placement == theirs.placement, 0.5),
        else_=0.0,
    )
    query = (
        select(
            mine.member_id, func.count(func.distinct(mine.match_id)), func.count(), func.sum(above)
        )
        .join(theirs, theirs.match_id == mine.match_id)
        .join(Match, Match.id == mine.match_id)
        .where(
            mine.member_id.in_(sorted(members)),
            theirs.member_id.in_(sorted(held_out)),
            mine.rated.is_(True),
            theirs.rated.is_(True),
            Match.purpose == "rating",
            Match.status == "finished",
            Match.rules_sha256 == rules_sha256,
        )
        .group_by(mine.member_id)
    )
    return {
        member_id: HeldOutScore(int(n_matches), float(beats) / n_pairs)
        for member_id, n_matches, n_pairs, beats in session.execute(query)
    }
