"""Matches from plan to result: planned, running, then finished or failed.

Promises: a finished rating match is rated exactly once: status, seats and ratings change in the
caller's one transaction, and a second result for the same match is ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, text, update
from sqlalchemy.orm import Session

from db.errors import ConflictError, NotFoundError
from db.models import COUNTED, Match, Member, Seat
from db.queries._shared import change, to_record, utc_now
from db.queries.members import count_failure
from db.queries.ratings import append_match_ratings, lock_rating_log, newest_ratings
from db.records import (
    MatchOutcome,
    MatchPlan,
    MatchRecord,
    SeatOutcome,
    SeatRecord,
    SeriesResult,
)

MAX_FAILURES = 3

Gaussian = tuple[float, float]
RateFunction = Callable[[list[Gaussian], list[int]], Sequence[Gaussian]]


def plan_match(session: Session, plan: MatchPlan, *, at: datetime | None = None) -> int:
    """Insert a planned match and return its id.

    Raises:
        ConflictError: fewer than two seats, a single rated seat, a member in two rated seats, rated
            seats with a purpose other than `rating`, or this half of the mirrored pair exists.
    """
    rated = [member_id for member_id, is_rated in plan.line_up if is_rated]
    if len(plan.line_up) < 2:
        raise ConflictError(f"a match needs at least 2 seats, found {len(plan.line_up)}")
    if len(set(rated)) != len(rated):
        raise ConflictError(f"a member may have only one rated seat in a match, found {rated}")
    if len(rated) == 1:
        raise ConflictError(
            f"a match needs no rated seat or at least 2, found member {rated[0]} alone"
        )
    if rated and plan.purpose != "rating":
        raise ConflictError(
            f"only matches of purpose 'rating' have rated seats, found purpose {plan.purpose!r}"
        )
    if plan.pair_key is not None:
        taken = pair_half_is_taken(session, plan.pair_key, plan.pair_half)
        if taken is not None:
            raise ConflictError(
                f"half {plan.pair_half} of pair {plan.pair_key!r} is already match {taken}"
            )
    match = Match(
        purpose=plan.purpose,
        status="planned",
        seed=plan.seed,
        rotation=plan.rotation,
        map=plan.map,
        map_sha256=plan.map_sha256,
        rules_sha256=plan.rules_sha256,
        spec=dict(plan.spec),
        line_up=[[member_id, is_rated] for member_id, is_rated in plan.line_up],
        series_key=plan.series_key,
        pair_key=plan.pair_key,
        pair_half=plan.pair_half,
        attempts=0,
        failures=0,
        planned_at=at or utc_now(),
    )
    session.add(match)
    session.flush()
    return match.id


def pair_half_is_taken(session: Session, pair_key: str, pair_half: int | None) -> int | None:
    """Return the id of the match that counts as this half of a pair; None if there is none."""
    return session.scalar(
        select(Match.id).where(
            Match.pair_key == pair_key,
            Match.pair_half == pair_half,
            text(COUNTED),
        )
    )


def get_match(session: Session, match_id: int) -> MatchRecord:
    """Return the match with this id; raise NotFoundError."""
    return to_record(_match(session, match_id), MatchRecord)


def match_seats(session: Session, match_id: int) -> list[SeatRecord]:
    """Return the results of a match's seats in seat order; empty until it is finished."""
    rows = session.scalars(select(Seat).where(Seat.match_id == match_id).order_by(Seat.seat))
    return [to_record(row, SeatRecord) for row in rows]


def list_matches(
    session: Session,
    *,
    status: str | None = None,
    purpose: str | None = None,
    series_key: str | None = None,
) -> list[MatchRecord]:
    """Return matches in the order of their ids."""
    query = select(Match).order_by(Match.id)
    if status is not None:
        query = query.where(Match.status == status)
    if purpose is not None:
        query = query.where(Match.purpose == purpose)
    if series_key is not None:
        query = query.where(Match.series_key == series_key)
    return [to_record(row, MatchRecord) for row in session.scalars(query)]


def series_results(session: Session, series_key: str) -> list[SeriesResult]:
    """Return the matches of a series in the order of their ids, whatever became of them."""
    rows = session.execute(
        select(Match.id, Match.status, Match.seed, Match.pair_half, Match.line_up)
        .where(Match.series_key == series_key)
        .order_by(Match.id)
    ).all()
    placements: dict[int, list[int]] = {row.id: [] for row in rows}
    seats = (
        select(Seat.match_id, Seat.placement)
        .join(Match, Match.id == Seat.match_id)
        .where(Match.series_key == series_key)
        .order_by(Seat.match_id, Seat.seat)
    )
    for match_id, placement in session.execute(seats):
        placements[match_id].append(placement)
    return [
        SeriesResult(
            match_id=row.id,
            status=row.status,
            seed=row.seed,
            half=row.pair_half or 0,
            members=tuple(member_id for member_id, _ in row.line_up),
            placements=tuple(placements[row.id]),
        )
        for row in rows
    ]


def mark_started(session: Session, match_id: int, *, at: datetime | None = None) -> bool:
    """Set a planned match to running; return False when it is no longer planned."""
    started = (
        update(Match)
        .where(Match.id == match_id, Match.status == "planned")
        .values(status="running", started_at=at or utc_now())
    )
    return change(session, started) == 1


def record_finished_match(
    session: Session,
    match_id: int,
    outcome: MatchOutcome,
    seats: Sequence[SeatOutcome],
    *,
    rate: RateFunction | None = None,
    rating_version: str | None = None,
    at: datetime | None = None,
) -> bool:
    """Write the result, seats and new ratings of a match, all or nothing with the transaction.

    Args:
        seats: results in seat order; the members are those of the planned line-up.
        rate: ((mu, sigma) list, placements) -> (mu, sigma) list, of the rated seats in seat order;
            required for a match with two or more rated seats, and called once.

    Returns:
        False, with nothing changed, when the match is already finished or failed.

    Raises:
        NotFoundError: there is no such match.
        ConflictError: wrong number of seats, a rated member without a rating, no `rate`.
    """
    match = session.get(Match, match_id, with_for_update=True)
    if match is None:
        raise NotFoundError(f"there is no match with id {match_id}")
    if match.status not in ("planned", "running"):
        return False
    if len(seats) != len(match.line_up):
        raise ConflictError(
            f"match {match_id} has {len(match.line_up)} seats, found results for {len(seats)}"
        )
    match.status = "finished"
    match.finished_at = at or utc_now()
    match.ticks = outcome.ticks
    match.wall_s = outcome.wall_s
    match.final_state_sha256 = outcome.final_state_sha256
    match.replay_path = outcome.replay_path
    match.error = None
    rated: list[tuple[int, int]] = []
    rows: list[dict[str, Any]] = []
    for seat, ((member_id, is_rated), result) in enumerate(zip(match.line_up, seats, strict=True)):
        rows.append(
            {
                "match_id": match_id,
                "seat": seat,
                "member_id": member_id,
                "placement": result.placement,
                "tiles": result.tiles,
                "troops": result.troops,
                "eliminated_tick": result.eliminated_tick,
                "illegal_actions": result.illegal_actions,
                "rated": bool(is_rated),
            }
        )
        if is_rated:
            rated.append((member_id, result.placement))
    session.flush()
    if rows:
        session.execute(insert(Seat), rows)
    members = {member_id for member_id, _ in match.line_up}
    session.execute(
        update(Member)
        .where(Member.id.in_(members), Member.failures_in_row > 0)
        .values(failures_in_row=0)
    )
    if len(rated) >= 2:
        _rate(session, match, rated, rate, rating_version)
    return True


def record_failed(
    session: Session,
    match_id: int,
    error: str,
    *,
    blamed: Iterable[int] = (),
    max_failures: int = MAX_FAILURES,
    at: datetime | None = None,
) -> str:
    """Count a failure of a running match and return its new status.

    It is planned again until `max_failures`, then failed, with its last error. A failure is never a
    result: nobody loses by it. Each of the `blamed` members gets one failure.
    """
    match = _match(session, match_id)
    if match.status not in ("planned", "running"):
        return match.status
    match.attempts += 1
    match.failures += 1
    match.error = error
    if match.failures >= max_failures:
        match.status = "failed"
        match.finished_at = at or utc_now()
    else:
        match.status = "planned"
    session.flush()
    for member_id in sorted(set(blamed)):
        count_failure(session, member_id)
    return match.status


def set_aside(session: Session, match_id: int, why: str, *, at: datetime | None = None) -> bool:
    """Fail a match whose outcome cannot be stored; return False when there is no such match.

    Nobody loses by it. Nothing is removed: a contradicting result that is already stored stays, and
    `db.queries.repair` finds it.
    """
    match = session.get(Match, match_id)
    if match is None:
        return False
    if match.status in ("planned", "running"):
        match.status = "failed"
        match.error = why
        match.finished_at = match.finished_at or at or utc_now()
        session.flush()
    return True


def plan_again(session: Session, match_id: int) -> None:
    """Set a running match back to planned: it was not played, and nobody is to blame."""
    session.execute(
        update(Match)
        .where(Match.id == match_id, Match.status == "running")
        .values(status="planned", started_at=None)
    )


def requeue_interrupted(
    session: Session, *, purposes: Iterable[str] | None = None, except_for: Sequence[int] = ()
) -> list[int]:
    """Plan again, at a start, what was running when the last process died; return the ids.

    One statement that changes only what is still running at that instant: a match that another
    process finishes meanwhile stays finished. This counts as an attempt and never as a failure,
    however often it happens: an interruption is nobody's fault.

    Args:
        except_for: ids of matches that are being played.
    """
    statement = (
        update(Match)
        .where(Match.status == "running")
        .values(status="planned", attempts=Match.attempts + 1)
        .returning(Match.id)
    )
    if purposes is not None:
        statement = statement.where(Match.purpose.in_(list(purposes)))
    if except_for:
        statement = statement.where(Match.id.not_in(list(except_for)))
    return sorted(session.scalars(statement))


def _match(session: Session, match_id: int) -> Match:
    # No column can hold a larger id, and the driver raises its own error when asked for one.
    match = session.get(Match, match_id) if abs(match_id) < 2**63 else None
    if match is None:
        raise NotFoundError(f"there is no match with id {match_id}")
    return match


def _rate(
    session: Session,
    match: Match,
    rated: list[tuple[int, int]],
    rate: RateFunction | None,
    rating_version: str | None,
) -> None:
    if rate is None or rating_version is None:
        raise ConflictError(
            f"match {match.id} has rated seats; expected a rating function and its version"
        )
    lock_rating_log(session)
    known = newest_ratings(session, [member_id for member_id, _ in rated], match.rules_sha256)
    for member_id, _ in rated:
        if member_id not in known:
            raise ConflictError(
                f"member {member_id} has no rating under the rules of match {match.id} "
                f"({match.rules_sha256[:8]}); admit it to this season first"
            )
    before = [known[member_id] for member_id, _ in rated]
    after = rate(before, [placement for _, placement in rated])
    append_match_ratings(
        session,
        match.id,
        [(member_id, *new) for (member_id, _), new in zip(rated, after, strict=True)],
        rules_sha256=match.rules_sha256,
        rating_version=rating_version,
    )
