"""The rating log: append with a gap-free `seq`, latest values, and rows for a replay."""

from __future__ import annotations

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from db.errors import ConflictError
from db.models import Match, Member, Rating, Seat
from db.queries._shared import to_record
from db.records import CommonPlacement, RatingLogRow, RatingMoment, RatingRecord

# Any constant will do: it names the rating log among PostgreSQL's advisory locks.
_RATING_LOG_LOCK = 7_251_001


def lock_rating_log(session: Session) -> None:
    """Make this transaction the only one that rates, until it ends.

    SQLite's writer is alone anyway; on PostgreSQL two processes could otherwise read the same
    rating or give the same `seq`.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SELECT pg_advisory_xact_lock({_RATING_LOG_LOCK})"))


def next_rating_seq(session: Session) -> int:
    """The next number of the rating log, 1 for the first; takes the log's lock."""
    lock_rating_log(session)
    return (session.scalar(select(func.max(Rating.seq))) or 0) + 1


def append_rating(
    session: Session,
    member_id: int,
    mu: float,
    sigma: float,
    *,
    rules_sha256: str,
    rating_version: str,
    match_id: int | None = None,
    allowance: float | None = None,
) -> int:
    """Append one change (an admission without `match_id`) and return its `seq`.

    Args:
        allowance: for a child admitted at its parent's rating of this moment, the fresh sigma that
            was added in quadrature; a replay then recomputes the start from the parent.

    Raises:
        ConflictError: a second admission of the same member to the same season.
    """
    if match_id is None:
        known = latest_rating(session, member_id, rules_sha256)
        if known is not None:
            raise ConflictError(
                f"member {member_id} was admitted to this season before (seq {known.seq})"
            )
    seq = next_rating_seq(session)
    session.add(
        Rating(
            seq=seq,
            member_id=member_id,
            match_id=match_id,
            mu=mu,
            sigma=sigma,
            rating_version=rating_version,
            rules_sha256=rules_sha256,
            allowance=allowance,
        )
    )
    session.flush()
    return seq


def latest_rating(session: Session, member_id: int, rules_sha256: str) -> RatingRecord | None:
    """The rating of one member in the season of these rules, or None before its admission."""
    row = session.scalar(
        select(Rating)
        .where(Rating.rules_sha256 == rules_sha256, Rating.member_id == member_id)
        .order_by(Rating.seq.desc())
        .limit(1)
    )
    return None if row is None else to_record(row, RatingRecord)


def latest_ratings(session: Session, rules_sha256: str) -> dict[int, RatingRecord]:
    """The rating of every member of a season by member id."""
    newest = select(func.max(Rating.seq)).where(Rating.rules_sha256 == rules_sha256)
    newest = newest.group_by(Rating.member_id)
    rows = session.scalars(select(Rating).where(Rating.seq.in_(newest)).order_by(Rating.member_id))
    return {row.member_id: to_record(row, RatingRecord) for row in rows}


def rating_log(session: Session, rules_sha256: str) -> list[RatingLogRow]:
    """The whole log of a season in `seq` order, with placements and parents, for a replay."""
    query = (
        select(
            Rating.seq,
            Rating.member_id,
            Rating.match_id,
            Rating.mu,
            Rating.sigma,
            Rating.allowance,
            Member.parent_id,
            Seat.placement,
        )
        .join(Member, Member.id == Rating.member_id)
        .outerjoin(
            Seat,
            (Seat.match_id == Rating.match_id)
            & (Seat.member_id == Rating.member_id)
            & Seat.rated.is_(True),
        )
        .where(Rating.rules_sha256 == rules_sha256)
        .order_by(Rating.seq)
    )
    return [RatingLogRow(*row) for row in session.execute(query)]


def rating_moments(session: Session, rules_sha256: str) -> list[RatingMoment]:
    """The whole log of a season in `seq` order, with the times of the matches."""
    query = (
        select(Rating.member_id, Rating.mu, Rating.sigma, Match.finished_at)
        .outerjoin(Match, Match.id == Rating.match_id)
        .where(Rating.rules_sha256 == rules_sha256)
        .order_by(Rating.seq)
    )
    return [RatingMoment(*row) for row in session.execute(query)]


def common_placements(
    session: Session, rules_sha256: str, *, after_seq: int = 0
) -> list[CommonPlacement]:
    """Placements of the rated seats of a season in `seq` order, from after `after_seq` on.

    The seats of one match stand together; `after_seq` lets a caller keep a payoff up to date.
    """
    query = (
        select(Rating.seq, Rating.match_id, Rating.member_id, Seat.placement)
        .join(
            Seat,
            (Seat.match_id == Rating.match_id)
            & (Seat.member_id == Rating.member_id)
            & Seat.rated.is_(True),
        )
        .where(Rating.rules_sha256 == rules_sha256, Rating.seq > after_seq)
        .order_by(Rating.seq)
    )
    return [
        CommonPlacement(seq, match_id, member_id, placement)
        for seq, match_id, member_id, placement in session.execute(query)
        if match_id is not None  # the join leaves none: said for the type checker
    ]
