"""The rating log: appending with a gap-free `seq`, latest values, rows for a replay."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Function, ScalarSelect, func, insert, select, text
from sqlalchemy.orm import Session

from db.errors import ConflictError
from db.models import Match, Member, Rating, Seat
from db.queries._shared import to_record
from db.records import (
    Admission,
    CommonPlacement,
    RatingLogRow,
    RatingMoment,
    RatingPoint,
    RatingRecord,
)

# An arbitrary constant that stands for the rating log among PostgreSQL's advisory locks.
_RATING_LOG_LOCK = 7_251_001


def lock_rating_log(session: Session) -> None:
    """Make this transaction the only one that rates, until it ends.

    SQLite has a single writer anyway; on PostgreSQL two processes could otherwise read the same
    rating or give the same `seq`.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SELECT pg_advisory_xact_lock({_RATING_LOG_LOCK})"))


def next_rating_seq(session: Session) -> int:
    """Take the log's lock and return its next number, 1 for the first."""
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
    """Append one change, which is an admission without `match_id`, and return its `seq`.

    Args:
        allowance: for a child admitted at its parent's rating of this moment, the fresh sigma that
            was added in quadrature; a replay then recomputes the start from the parent.

    Raises:
        ConflictError: the member was already admitted to this season.
    """
    if match_id is None:
        known = latest_rating(session, member_id, rules_sha256)
        if known is not None:
            raise ConflictError(
                f"member {member_id} was already admitted to this season (seq {known.seq})"
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


def append_match_ratings(
    session: Session,
    match_id: int,
    changes: Sequence[tuple[int, float, float]],
    *,
    rules_sha256: str,
    rating_version: str,
) -> None:
    """Append the changes of one match, (member id, mu, sigma) in seat order, in one statement."""
    first = next_rating_seq(session)
    rows = [
        {
            "seq": seq,
            "member_id": member_id,
            "match_id": match_id,
            "mu": mu,
            "sigma": sigma,
            "rating_version": rating_version,
            "rules_sha256": rules_sha256,
        }
        for seq, (member_id, mu, sigma) in enumerate(changes, start=first)
    ]
    session.execute(insert(Rating), rows)


def newest_ratings(
    session: Session, member_ids: Sequence[int], rules_sha256: str
) -> dict[int, tuple[float, float]]:
    """Return (mu, sigma) by member id, in one query; members without a rating are absent."""
    newest = _of_each_member(func.max(Rating.seq), rules_sha256)
    query = select(Rating.member_id, Rating.mu, Rating.sigma).join(Member, Rating.seq == newest)
    rows = session.execute(query.where(Member.id.in_(member_ids)))
    return {member_id: (mu, sigma) for member_id, mu, sigma in rows}


def ratings_before(
    session: Session, match_id: int, member_ids: Sequence[int], rules_sha256: str
) -> dict[int, tuple[float, float]]:
    """Return (mu, sigma) by member id as they stood when a match was to be rated.

    For a match that is not rated (a head-to-head): as the newest match before it left them. Members
    without a rating by then are absent.
    """
    of_season = Rating.rules_sha256 == rules_sha256
    end = session.scalar(select(func.min(Rating.seq)).where(of_season, Rating.match_id == match_id))
    if end is None:
        last = session.scalar(
            select(func.max(Rating.seq)).where(of_season, Rating.match_id < match_id)
        )
        end = (last or 0) + 1
    newest = (
        select(func.max(Rating.seq))
        .where(of_season, Rating.seq < end, Rating.member_id.in_(member_ids))
        .group_by(Rating.member_id)
    )
    rows = session.execute(
        select(Rating.member_id, Rating.mu, Rating.sigma).where(Rating.seq.in_(newest))
    )
    return {member_id: (mu, sigma) for member_id, mu, sigma in rows}


def latest_rating(session: Session, member_id: int, rules_sha256: str) -> RatingRecord | None:
    """Return a member's rating in the season of these rules, or None before its admission."""
    row = session.scalar(
        select(Rating)
        .where(Rating.rules_sha256 == rules_sha256, Rating.member_id == member_id)
        .order_by(Rating.seq.desc())
        .limit(1)
    )
    return None if row is None else to_record(row, RatingRecord)


def latest_ratings(session: Session, rules_sha256: str) -> dict[int, RatingRecord]:
    """Return the rating of every member of a season by member id."""
    newest = _of_each_member(func.max(Rating.seq), rules_sha256)
    rows = session.scalars(
        select(Rating).join(Member, Rating.seq == newest).order_by(Rating.member_id)
    )
    return {row.member_id: to_record(row, RatingRecord) for row in rows}


def rating_log(session: Session, rules_sha256: str) -> list[RatingLogRow]:
    """Return the whole log of a season by `seq`, with placements and parents, for a replay."""
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
            Rating.rating_version,
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
    """Return the whole log of a season by `seq`, with the times of the matches."""
    query = (
        select(Rating.member_id, Rating.mu, Rating.sigma, Match.finished_at)
        .outerjoin(Match, Match.id == Rating.match_id)
        .where(Rating.rules_sha256 == rules_sha256)
        .order_by(Rating.seq)
    )
    return [RatingMoment(*row) for row in session.execute(query)]


def rating_points(
    session: Session, rules_sha256: str, *, after_seq: int = 0, since: datetime | None = None
) -> list[RatingPoint]:
    """Return what matches did to ratings, in the order of the log, after a number of it.

    Args:
        since: leave out what finished earlier; asked for at the first call alone, when `after_seq`
            says nothing yet. The query costs as much as it returns.
    """
    if since is not None:
        first = select(func.min(Rating.seq)).join(Match, Match.id == Rating.match_id)
        earliest = session.scalar(first.where(Match.finished_at >= since))
        if earliest is None:
            return []
        after_seq = max(after_seq, earliest - 1)
    query = (
        select(Rating.rules_sha256, Rating.seq, Rating.member_id, Rating.mu, Match.finished_at)
        .join(Match, Match.id == Rating.match_id)
        .where(Rating.seq > after_seq)
        .order_by(Rating.seq)
    )
    return [
        RatingPoint(seq, member_id, mu, at)
        for rules, seq, member_id, mu, at in session.execute(query)
        if rules == rules_sha256 and at is not None
    ]


def common_placements(
    session: Session, rules_sha256: str, *, after_seq: int = 0
) -> list[CommonPlacement]:
    """Return the placements of a season's rated seats by `seq`, those after `after_seq`.

    The seats of one match are adjacent; `after_seq` lets a caller keep a payoff up to date, and the
    query then costs as much as it returns: the season is compared here and not in SQL, where the
    index on it would be searched from its beginning.
    """
    query = (
        select(Rating.rules_sha256, Rating.seq, Rating.match_id, Rating.member_id, Seat.placement)
        .join(
            Seat,
            (Seat.match_id == Rating.match_id)
            & (Seat.member_id == Rating.member_id)
            & Seat.rated.is_(True),
        )
        .where(Rating.seq > after_seq)
        .order_by(Rating.seq)
    )
    if not after_seq:
        query = query.where(Rating.rules_sha256 == rules_sha256)
    return [
        CommonPlacement(seq, match_id, member_id, placement)
        for rules, seq, match_id, member_id, placement in session.execute(query)
        if rules == rules_sha256 and match_id is not None  # the join leaves none of these
    ]


def admissions(session: Session, rules_sha256: str) -> dict[int, Admission]:
    """Return how each member entered a season, by member id."""
    rows = session.execute(
        select(Rating.member_id, Rating.mu, Rating.sigma, Rating.allowance, Member.parent_id).join(
            Member, Rating.seq == _of_each_member(func.min(Rating.seq), rules_sha256)
        )
    )
    return {
        member_id: Admission(mu, sigma, None if allowance is None else parent_id)
        for member_id, mu, sigma, allowance, parent_id in rows
    }


def _of_each_member(choice: Function[int], rules_sha256: str) -> ScalarSelect[int]:
    """Return the `seq` that `choice` picks among the changes of a row of `members`.

    One step down the index for each member: grouping by member instead reads the index of the whole
    log (200 ms for 1,000,000 changes of 200 members, against 5).
    """
    return (
        select(choice)
        .where(Rating.rules_sha256 == rules_sha256, Rating.member_id == Member.id)
        .correlate(Member)
        .scalar_subquery()
    )


def log_mark(session: Session, seq: int) -> str | None:
    """Return what tells one log from another at row `seq`: member, match and its last state.

    None if there is no such row, or if it is an admission.
    """
    row = session.execute(
        select(Rating.member_id, Rating.match_id, Match.final_state_sha256)
        .join(Match, Match.id == Rating.match_id)
        .where(Rating.seq == seq)
    ).one_or_none()
    return None if row is None else f"{row[0]} {row[1]} {row[2]}"
