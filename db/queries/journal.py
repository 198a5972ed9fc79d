"""The league's journal and its settings: events, and one JSON object per settings key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import Event, League
from db.queries._shared import to_record, utc_now
from db.records import EventRecord


def add_event(
    session: Session,
    kind: str,
    message: str,
    *,
    level: str = "info",
    member_id: int | None = None,
    match_id: int | None = None,
    details: Mapping[str, Any] | None = None,
    at: datetime | None = None,
) -> int:
    """Append an event (level info, warning or alarm) and return its id."""
    event = Event(
        at=at or utc_now(),
        kind=kind,
        level=level,
        message=message,
        member_id=member_id,
        match_id=match_id,
        details=dict(details or {}),
    )
    session.add(event)
    session.flush()
    return event.id


def list_events(session: Session, *, limit: int = 50, kind: str | None = None) -> list[EventRecord]:
    """Return the latest events, newest first."""
    query = select(Event).order_by(Event.id.desc()).limit(limit)
    if kind is not None:
        query = query.where(Event.kind == kind)
    return [to_record(row, EventRecord) for row in session.scalars(query)]


def get_league_value(
    session: Session, key: str, *, to_change: bool = False
) -> dict[str, Any] | None:
    """Return the JSON object stored under `key`, or None.

    Args:
        to_change: on a server, keep other processes from changing it until this transaction ends.
    """
    row = session.get(League, key, with_for_update=to_change or None)
    return None if row is None else dict(row.value)


def set_league_value(
    session: Session, key: str, value: Mapping[str, Any], *, at: datetime | None = None
) -> None:
    """Store a JSON object under `key`, replacing what was there."""
    row = session.get(League, key)
    if row is None:
        session.add(League(key=key, value=dict(value), updated_at=at or utc_now()))
    else:
        row.value = dict(value)
        row.updated_at = at or utc_now()
    session.flush()
