"""Owns how a command opens the database of an existing league, to read or to write.

Promises: what `write_patiently` writes survives a restart of the server, and is written once; the
database that is yielded has this program's revision, and its connections are closed
at the end, whatever happens. Only the first step of a start and a backup read a database of any
revision (league.folder.opening, league.folder.backup), and only the daemon makes and migrates one
(league.daemon.process).
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from arena.machine import growing_pause_s
from db.errors import DatabaseBusyError, DatabaseUnreachableError
from db.migrate import check_revision
from db.queries import add_event
from db.session import open_reader, open_writer, read_transaction, write_transaction
from league.folder.layout import LeagueFolder

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

Written = TypeVar("Written")

PATIENCE_S = 120.0  # for a server that restarts under a command
_LONGEST_PAUSE_S = 10.0


def write_patiently(
    engine: Engine,
    write: Callable[[Session], Written],
    what: str,
    *,
    patience_s: float = PATIENCE_S,
    sleep: Callable[[float], None] = time.sleep,
) -> Written:
    """Run a transaction, again and as a whole while the database is locked or does not answer.

    After a wait, an event says so in the same transaction.

    Args:
        write: what the transaction does. It must find out by itself that it was committed before:
            a connection that breaks during a commit leaves that open.
        what: names the writer in the event, such as "a head-to-head".
        patience_s: how long to go on after the first failure.

    Raises:
        DatabaseBusyError, DatabaseUnreachableError: the trouble lasted longer.
        DatabaseError: what no waiting can help.
    """
    began = time.monotonic()
    trouble: Exception | None = None
    for n_failures in itertools.count(1):
        try:
            with write_transaction(engine) as session:
                written = write(session)
                if trouble is not None:
                    seconds = time.monotonic() - began
                    add_event(
                        session,
                        "trouble_passed",
                        f"{what} waited for {seconds:.0f} s: {' '.join(str(trouble).split())}",
                        level="warning",
                        details={"seconds": round(seconds, 1), "attempts": n_failures},
                    )
                return written
        except (DatabaseBusyError, DatabaseUnreachableError) as error:
            if time.monotonic() - began > patience_s:
                raise
            trouble = error
            sleep(growing_pause_s(n_failures, _LONGEST_PAUSE_S))
    raise AssertionError("not reached")


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
