"""Shared by the query modules: the time of a row, and turning ORM rows into records."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from sqlalchemy import CursorResult, Executable
from sqlalchemy.orm import Session

from db.models import Base

Record = TypeVar("Record")


def utc_now() -> datetime:
    """Return the current time in UTC; every query takes `at` instead where a test needs its own."""
    return datetime.now(UTC)


def change(session: Session, statement: Executable) -> int:
    """Run an UPDATE and return how many rows it changed."""
    return int(cast(CursorResult[Any], session.execute(statement)).rowcount)


def to_record(row: Base, record_type: type[Record]) -> Record:
    """Return a record whose fields are the columns of `row` with the same names."""
    values: dict[str, Any] = {}
    for field in dataclasses.fields(record_type):  # type: ignore[arg-type]
        value = getattr(row, field.name)
        if field.name == "line_up":
            value = tuple((int(member_id), bool(rated)) for member_id, rated in value)
        values[field.name] = value
    return record_type(**values)
