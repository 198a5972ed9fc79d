"""What a person browses in a league: matches by member, map and time, and a member's ratings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from db.models import Match, Member, Rating, Seat
from db.records import PlayedMatch, RatingAt


def rating_history(session: Session, member_id: int, rules_sha256: str) -> list[RatingAt]:
    """Return every rating of a member in a season by `seq`, with its match and when that ended."""
    query = (
        select(Rating.seq, Rating.match_id, Match.finished_at, Rating.mu, Rating.sigma)
        .outerjoin(Match, Match.id == Rating.match_id)
        .where(Rating.rules_sha256 == rules_sha256, Rating.member_id == member_id)
        .order_by(Rating.seq)
    )
    return [RatingAt(*row) for row in session.execute(query)]


def played_matches(
    session: Session,
    *,
    purpose: str | None = None,
    member_id: int | None = None,
    map_part: str | None = None,
    since: datetime | None = None,
    limit: int | None = None,
) -> list[PlayedMatch]:
    """Return finished matches in the order of their ends, with the names of their winners.

    Args:
        member_id: only matches that it played in.
        map_part: only maps whose reference holds this text.
        since: only matches that ended then or later.
        limit: only the newest so many.
    """

    def chosen(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
        query = query.where(Match.status == "finished")
        if purpose is not None:
            query = query.where(Match.purpose == purpose)
        if member_id is not None:
            seated = select(Seat.match_id).where(Seat.member_id == member_id)
            query = query.where(Match.id.in_(seated))
        if map_part is not None:
            query = query.where(Match.map.contains(map_part, autoescape=True))
        if since is not None:
            query = query.where(Match.finished_at >= since)
        return query

    columns = (
        *(Match.id, Match.finished_at, Match.purpose, Match.map, Match.seed),
        *(Match.ticks, Match.wall_s, Match.replay_path),
    )
    newest = chosen(select(*columns)).order_by(Match.finished_at.desc(), Match.id.desc())
    rows = [tuple(row) for row in session.execute(newest.limit(limit))][::-1]
    winners: dict[int, list[str]] = {}
    first = (
        select(Seat.match_id, Member.name)
        .join(Match, Match.id == Seat.match_id)
        .join(Member, Member.id == Seat.member_id)
        .where(Seat.placement == 1)
        .order_by(Seat.match_id, Seat.seat)
    )
    if rows:
        first = first.where(Match.id >= min(int(row[0]) for row in rows))
    for match_id, name in session.execute(chosen(first)):
        winners.setdefault(match_id, []).append(name)
    matches = []
    for match_id, finished_at, used_for, reference, seed, ticks, wall_s, replay_path, *_ in rows:
        first_names = tuple(winners.get(match_id, ()))
        matches.append(
            PlayedMatch(
                match_id,
                finished_at,
                used_for,
                reference,
                seed,
                ticks,
                wall_s,
                replay_path,
                first_names,
            )
        )
    return matches
