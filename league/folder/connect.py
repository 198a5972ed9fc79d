"""Owns how a command reaches the database of a league that exists: to read, or to write.

Promises: what is yielded belongs to this program's revision, and its connections are closed at the
end, whatever happened. Only the first step of a start looks into a database of any revision
(league.folder.opening), and only the daemon makes and migrates one (league.daemon.process).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from db.migrate import check_revision
from db.session import open_reader, open_writer, read_transaction
from league.folder.layout import LeagueFolder

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session


@contextmanager
def reader(folder: LeagueFolder, *, of_any_revision: bool = False) -> Iterator[Engine]:
    """A read-only engine, for several readings or a copy.

    Args:
        of_any_revision: also an older or newer database, or one without tables.

    Raises:
        NotFoundError: the league was never started.
        RevisionError: program and database do not belong together.
    """
    engine = open_reader(folder.database())
    try:
        if not of_any_revision:
            check_revision(engine)
        yield engine
    finally:
        engine.dispose()


@contextmanager
def reading(folder: LeagueFolder) -> Iterator[Session]:
    """A session that sees one consistent state; raises what `reader` does."""
    with reader(folder) as engine, read_transaction(engine) as session:
        yield session


@contextmanager
def writer(folder: LeagueFolder) -> Iterator[Engine]:
    """An engine for short write transactions, also beside a running daemon.

    Raises:
        NotFoundError: the league was never started; no empty database is made.
        RevisionError: program and database do not belong together.
    """
    engine = open_writer(folder.database(), create=False)
    try:
        check_revision(engine)
        yield engine
    finally:
        engine.dispose()
