"""Owns how a command opens the database of an existing league, to read or to write.

Promises: the database that is yielded has this program's revision, and its connections are closed
at the end, whatever happens. Only the first step of a start and a backup read a database of any
revision (league.folder.opening, league.folder.backup), and only the daemon makes and migrates one
(league.daemon.process).
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
    """Open a read-only engine, for several transactions or a copy.

    Args:
        of_any_revision: accept an older or newer database too, or one without tables.

    Raises:
        NotFoundError: the league has never been started.
        RevisionError: program and database have different revisions.
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
    """Open a session that sees one consistent state; raises the errors of `reader`."""
    with reader(folder) as engine, read_transaction(engine) as session:
        yield session


@contextmanager
def writer(folder: LeagueFolder) -> Iterator[Engine]:
    """Open an engine for short write transactions, even while the daemon runs.

    Raises:
        NotFoundError: the league has never been started; no empty database is made.
        RevisionError: program and database have different revisions.
    """
    engine = open_writer(folder.database(), create=False)
    try:
        check_revision(engine)
        yield engine
    finally:
        engine.dispose()
