"""Read-only searches for damage, for `league doctor`: one statement each, fast on long leagues.

They return counts, identifiers and times, never whole rows: a damaged row may not fit a record.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, case, func, literal, select, text
from sqlalchemy.orm import Session

from db.models import Event, League, Learner, Match, Member, Rating, Seat
from db.queries._shared import to_record
from db.records import ContradictoryMatches, EventRecord, FinishedReplay


def integrity_problems(session: Session, *, limit: int = 10) -> list[str]:
    """Return what SQLite's own check finds in pages, indices and constraints; [] on PostgreSQL.

    Foreign keys are checked too: they may have been off in the tool that changed the rows.
    """
    if session.get_bind().dialect.name != "sqlite":
        return []
    rows = session.execute(text(f"PRAGMA integrity_check({limit})"))
    found = [str(row[0]) for row in rows if row[0] != "ok"]
    broken = session.execute(text("PRAGMA foreign_key_check")).fetchmany(limit - len(found))
    found += [
        f"row {row[1]} of {row[0]} names a row of {row[2]} that is not there" for row in broken
    ]
    return found


def contradictory_matches(session: Session, *, limit: int = 5) -> list[ContradictoryMatches]:
    """Return the ways in which status, seats and ratings of matches contradict each other.

    Args:
        limit: number of match ids named for each.
    """
    unfinished = Match.status != "finished"
    rated_seat = and_(
        Rating.match_id == Seat.match_id, Rating.member_id == Seat.member_id, Seat.rated.is_(True)
    )
    counted = (
        select(Seat.match_id.label("id"), func.count().label("n"))
        .group_by(Seat.match_id)
        .subquery()
    )
    searches = {
        "seats of matches that are not finished": select(Seat.match_id)
        .join(Match, Match.id == Seat.match_id)
        .where(unfinished),
        "ratings of matches that are not finished": select(Rating.match_id)
        .join(Match, Match.id == Rating.match_id)
        .where(unfinished),
        "finished matches without a rating for each rated seat": select(Seat.match_id)
        .join(Match, Match.id == Seat.match_id)
        .outerjoin(Rating, rated_seat)
        .where(Match.status == "finished", Seat.rated.is_(True), Rating.seq.is_(None)),
        "ratings without a rated seat": select(Rating.match_id)
        .outerjoin(Seat, rated_seat)
        .where(Rating.match_id.is_not(None), Seat.seat.is_(None)),
        "finished matches with more or fewer seats than their line-up": select(Match.id)
        .outerjoin(counted, counted.c.id == Match.id)
        .where(
            Match.status == "finished",
            func.coalesce(counted.c.n, 0) != func.json_array_length(Match.line_up),
        ),
    }
    found = []
    for what, query in searches.items():
        ids = sorted({int(row[0] or 0) for row in session.execute(query)})
        if ids:
            found.append(ContradictoryMatches(what, len(ids), tuple(ids[:limit])))
    return found


def finished_replays(session: Session) -> list[FinishedReplay]:
    """Return where the replay of every finished match is, by match id."""
    query = select(Match.id, Match.replay_path, Match.final_state_sha256)
    rows = session.execute(query.where(Match.status == "finished").order_by(Match.id))
    return [FinishedReplay(*row) for row in rows]


def clear_replay_paths(session: Session, match_ids: list[int]) -> None:
    """Note that the replays of these matches are gone; their results stay."""
    for at in range(0, len(match_ids), 500):
        for match in session.scalars(select(Match).where(Match.id.in_(match_ids[at : at + 500]))):
            match.replay_path = None
    session.flush()


def newest_times(session: Session) -> dict[str, datetime]:
    """Return the newest time of each kind of row that has one."""
    columns = {
        "planned match": Match.planned_at,
        "finished match": Match.finished_at,
        "member": Member.created_at,
        "learner's heartbeat": Learner.heartbeat_at,
        "event": Event.at,
        "stored setting": League.updated_at,
    }
    found = {what: session.scalar(select(func.max(column))) for what, column in columns.items()}
    return {what: at for what, at in found.items() if at is not None}


def league_value_time(session: Session, key: str) -> datetime | None:
    """Return when the JSON object under `key` was stored last, or None."""
    return session.scalar(select(League.updated_at).where(League.key == key))


def open_alarms(session: Session, since: datetime) -> list[EventRecord]:
    """Return the alarms since a moment, newest first; one about a member that plays is closed."""
    plays = case((Member.status.is_(None), literal(0)), (Member.status == "active", 1), else_=0)
    query = (
        select(Event)
        .outerjoin(Member, Member.id == Event.member_id)
        .where(Event.level == "alarm", Event.at >= since, plays == 0)
        .order_by(Event.id.desc())
    )
    return [to_record(row, EventRecord) for row in session.scalars(query)]


def database_bytes(session: Session) -> int:
    """Return the size of the database in bytes, space of removed rows included."""
    if session.get_bind().dialect.name != "sqlite":
        return int(session.scalar(text("SELECT pg_database_size(current_database())")) or 0)
    pages, size = (session.scalar(text(f"PRAGMA {name}")) for name in ("page_count", "page_size"))
    return int(pages or 0) * int(size or 0)


def n_rating_changes(session: Session) -> int:
    """Return the number of rows of the rating log, of all seasons."""
    return int(session.scalar(select(func.count()).select_from(Rating)) or 0)
