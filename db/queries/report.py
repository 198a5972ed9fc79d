"""Read-only totals for the reports, computed by the database."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from db.models import Match, Rating, Seat
from db.queries._shared import to_record, utc_now
from db.records import MatchRecord, MatchSummary, MemberTotals, Throughput


def member_totals(session: Session, rules_sha256: str) -> dict[int, MemberTotals]:
    """Return rated games, wins (placement 1, even if shared) and mean placement by member id."""
    query = (
        select(
            Seat.member_id,
            func.count(),
            func.sum(case((Seat.placement == 1, 1), else_=0)),
            func.avg(Seat.placement),
        )
        .join(Match, Match.id == Seat.match_id)
        .where(
            Match.purpose == "rating",
            Match.status == "finished",
            Match.rules_sha256 == rules_sha256,
            Seat.rated.is_(True),
        )
        .group_by(Seat.member_id)
    )
    return {
        member_id: MemberTotals(int(games), int(wins), float(mean))
        for member_id, games, wins, mean in session.execute(query)
    }


def match_counts(session: Session, rules_sha256: str) -> dict[int, int]:
    """Return rated games by member id, for matchmaking; members without games are absent."""
    return {key: totals.games for key, totals in member_totals(session, rules_sha256).items()}


def matches_by_status(session: Session, purpose: str | None = None) -> dict[str, int]:
    """Return the number of matches by status; a status without matches is absent."""
    query = select(Match.status, func.count()).group_by(Match.status)
    if purpose is not None:
        query = query.where(Match.purpose == purpose)
    return {status: int(count) for status, count in session.execute(query)}


def recent_matches(
    session: Session, limit: int = 10, *, purpose: str | None = None
) -> list[MatchRecord]:
    """Return the latest finished matches, newest first."""
    # As an expression the status leaves the index by time in use; by status, all are sorted first.
    query = select(Match).where(
        Match.finished_at.is_not(None), case((Match.status == "finished", 1), else_=0) == 1
    )
    if purpose is not None:
        query = query.where(Match.purpose == purpose)
    query = query.order_by(Match.finished_at.desc(), Match.id.desc()).limit(limit)
    return [to_record(row, MatchRecord) for row in session.scalars(query)]


def recent_results(
    session: Session, limit: int, *, after: datetime | None = None, purpose: str = "rating"
) -> list[MatchSummary]:
    """Return the latest finished matches without their descriptions, newest first.

    Args:
        after: those that finished later alone; the query then costs as much as it returns.
    """
    columns = (Match.id, Match.finished_at, Match.map, Match.ticks, Match.wall_s, Match.replay_path)
    query = select(*columns).where(
        Match.finished_at.is_not(None),
        case((Match.status == "finished", 1), else_=0) == 1,  # as in `recent_matches`
        case((Match.purpose == purpose, 1), else_=0) == 1,
    )
    if after is not None:
        query = query.where(Match.finished_at > after)
    query = query.order_by(Match.finished_at.desc(), Match.id.desc()).limit(limit)
    found = session.execute(query).all()
    seats: dict[int, list[tuple[int, int, int]]] = {row[0]: [] for row in found}
    places = select(Seat.match_id, Seat.placement, Seat.seat, Seat.member_id)
    for match_id, placement, seat, member_id in session.execute(
        places.where(Seat.match_id.in_(list(seats)))
    ):
        seats[match_id].append((placement, seat, member_id))
    return [
        MatchSummary(
            id=match_id,
            finished_at=at,
            map=map_name,
            ticks=ticks or 0,
            wall_s=wall_s or 0.0,
            replay_path=path,
            members=tuple(member_id for _, _, member_id in sorted(seats[match_id])),
        )
        for match_id, at, map_name, ticks, wall_s, path in found
        if at is not None
    ]


def throughput(
    session: Session, window_s: float, *, purpose: str | None = None, now: datetime | None = None
) -> Throughput:
    """Return the matches, ticks and seats finished in the `window_s` seconds before `now`."""
    end = now or utc_now()
    # As expressions, status and purpose leave the index by time in use.
    in_window = (
        (Match.finished_at > end - timedelta(seconds=window_s))
        & (Match.finished_at <= end)
        & (case((Match.status == "finished", 1), else_=0) == 1)
    )
    if purpose is not None:
        in_window &= case((Match.purpose == purpose, 1), else_=0) == 1
    matches, ticks = session.execute(
        select(func.count(), func.sum(Match.ticks)).where(in_window)
    ).one()
    seats = session.scalar(
        select(func.count())
        .select_from(Seat)
        .join(Match, Match.id == Seat.match_id)
        .where(in_window)
    )
    return Throughput(window_s, int(matches), int(ticks or 0), int(seats or 0))


def rating_log_is_gap_free(session: Session) -> bool:
    """Return whether the log holds 1..n without a gap; False means that rows were removed."""
    count, newest = session.execute(
        select(func.count(), func.coalesce(func.max(Rating.seq), 0))
    ).one()
    return bool(count == newest)


def pit_placements(
    session: Session, rules_sha256: str
) -> list[tuple[str, int, int, int, int, int]]:
    """Return the seats of all finished head-to-head matches in mirrored pairs.

    Rows are (pair key, half, match seed, seat, member id, placement) in the order of matches and
    seats; both halves of a pair have its key.
    """
    query = (
        select(
            Match.pair_key, Match.pair_half, Match.seed, Seat.seat, Seat.member_id, Seat.placement
        )
        .join(Seat, Seat.match_id == Match.id)
        .where(
            Match.purpose == "pit",
            Match.status == "finished",
            Match.rules_sha256 == rules_sha256,
            Match.pair_key.is_not(None),
        )
        .order_by(Match.id, Seat.seat)
    )
    return [(row[0] or "", row[1] or 0, *row[2:]) for row in session.execute(query)]
