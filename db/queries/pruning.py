"""What pruning reads and writes: replays that may go, members that must stay, and the notes of it.

The rows change before the files go (league.pruning), so that no row ever names a pruned file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from db.errors import NotFoundError
from db.models import Event, Match, Member, Seat
from db.queries._shared import to_record
from db.records import EventRecord, FinishedReplay

PRUNED_EVENT = "pruned"  # also the key of the note in a member's details
PRUNING_KEY = "pruning"  # of the league table: totals, and what is still to be unlinked


def prunable_replays(
    session: Session, *, after_id: int = 0, keep_latest: int, limit: int
) -> list[FinishedReplay]:
    """Return the oldest replays that may go, in the order of their matches.

    Args:
        after_id: only matches with a larger id.
        keep_latest: so many of the latest finished matches keep theirs, by number and by the time
            at which they finished: the clock may have been set back.
    """
    finished = Match.status == "finished"
    oldest_kept = [
        session.scalar(
            select(column).where(finished).order_by(column.desc()).offset(keep_latest - 1).limit(1)
        )
        for column in (Match.id, Match.finished_at)
    ]
    if None in oldest_kept:
        return []  # there are not even so many
    query = (
        select(Match.id, Match.replay_path, Match.final_state_sha256)
        .where(
            finished,
            Match.id > after_id,
            Match.id < oldest_kept[0],
            Match.finished_at < oldest_kept[1],
            Match.replay_path.is_not(None),
            Match.id.not_in(select(Event.match_id).where(Event.match_id.is_not(None))),
        )
        .order_by(Match.id)
        .limit(limit)
    )
    return [FinishedReplay(*row) for row in session.execute(query)]


def drop_replays(session: Session, match_ids: Sequence[int]) -> list[int]:
    """Note that these matches keep no replay; return those that did until now."""
    dropped = (
        update(Match)
        .where(Match.id.in_(match_ids), Match.replay_path.is_not(None))
        .values(replay_path=None)
        .returning(Match.id)
    )
    return sorted(session.scalars(dropped))


def matches_with_replay(session: Session, match_ids: Sequence[int]) -> set[int]:
    """Return which of these matches keep a replay."""
    query = select(Match.id).where(Match.id.in_(match_ids), Match.replay_path.is_not(None))
    return set(session.scalars(query))


def members_of_pits(session: Session) -> set[int]:
    """Return the members that have played in a head-to-head, or are about to."""
    pits = select(Match.id).where(Match.purpose == "pit")
    played = set(session.scalars(select(Seat.member_id).where(Seat.match_id.in_(pits)).distinct()))
    others = select(Match.line_up).where(Match.purpose == "pit", Match.status != "finished")
    return played | _of_line_ups(session.scalars(others))


def members_of_open_matches(session: Session) -> set[int]:
    """Return the members that sit in a match that is planned or running."""
    query = select(Match.line_up).where(Match.status.in_(("planned", "running")))
    return _of_line_ups(session.scalars(query))


def _of_line_ups(line_ups: Any) -> set[int]:
    return {int(member_id) for line_up in line_ups for member_id, _ in line_up}


def set_pruned(session: Session, member_id: int, note: Mapping[str, Any] | None) -> None:
    """Note that a member's snapshot was pruned, and why; None takes the note back.

    Raises:
        NotFoundError: there is no such member.
    """
    member = session.get(Member, member_id)
    if member is None:
        raise NotFoundError(f"there is no member with id {member_id}")
    details = {key: value for key, value in member.details.items() if key != PRUNED_EVENT}
    member.details = details if note is None else {**details, PRUNED_EVENT: dict(note)}
    session.flush()


def change_event(session: Session, event_id: int, message: str, details: Mapping[str, Any]) -> None:
    """Let an event of work that goes on say what has been done so far."""
    event = session.get(Event, event_id)
    if event is None:
        raise NotFoundError(f"there is no event with id {event_id}")
    event.message, event.details = message, dict(details)
    session.flush()


def events_of_kind(session: Session, kind: str) -> list[EventRecord]:
    """Return all events of a kind, newest first."""
    query = select(Event).where(Event.kind == kind).order_by(Event.id.desc())
    return [to_record(row, EventRecord) for row in session.scalars(query)]


def n_kept_replays(session: Session) -> int:
    """Return how many finished matches keep a replay."""
    query = select(func.count()).where(Match.status == "finished", Match.replay_path.is_not(None))
    return int(session.scalar(query) or 0)
