"""A league on a PostgreSQL server is held there: by a session-level advisory lock.

Promises: of all processes on all machines, one at a time holds the league of a database (and
schema); the server lets go of it when the holder's connection ends. Whoever holds it and loses the
connection learns of it with the next `check`, and goes on only if nobody else took the league
meanwhile, even for a while. From `claim` on, each transaction of the holder's engine first reads
who holds the league (db.session.write_transaction): one that lost it without knowing writes
nothing. A SQLite league is held by its folder alone (league.daemon.lock).
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import Connection, Engine, text

from db.errors import DatabaseHeldError, DatabaseUnreachableError
from db.location import DatabaseLocation
from db.session import HOLDER_KEY, read_transaction, translated_errors

CHECK_EVERY_S = 2.0
# Arbitrary constants among PostgreSQL's advisory locks; the second key is the schema's.
_DAEMON_LOCK = 7_251_002
_TRY = text(f"SELECT pg_try_advisory_lock({_DAEMON_LOCK}, hashtext(current_schema()))")
_HOLDER = text(
    "SELECT a.pid, a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
    f"WHERE l.locktype = 'advisory' AND l.granted AND l.classid = {_DAEMON_LOCK} "
    "AND l.objid::bigint = (hashtext(current_schema())::bigint & 4294967295) "
    "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_IS_MIGRATED = text("SELECT to_regclass('league') IS NOT NULL")
_LAST = text(f"SELECT value ->> 'name' FROM league WHERE key = '{HOLDER_KEY}'")
_CLAIM = text(
    f"INSERT INTO league (key, value, updated_at) VALUES ('{HOLDER_KEY}', "
    "json_build_object('name', CAST(:name AS text)), now()) "
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at"
)


def holder_of(engine: Engine) -> str | None:
    """Return who holds the league of a server's database now, None for nobody or for SQLite."""
    if engine.dialect.name != "postgresql":
        return None
    with read_transaction(engine) as session:
        found = session.execute(_HOLDER).first()
    return None if found is None else found[1] or f"server process {found[0]} of another user"


class DatabaseHold:
    """The hold of one daemon on its league; taken when it is made.

    Args:
        engine: of the league's database, for writing.

    Raises:
        DatabaseHeldError: another process holds the league.
        DatabaseUnreachableError: the server does not answer.
    """

    def __init__(self, engine: Engine, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._check_at = clock() + CHECK_EVERY_S
        self._connection: Connection | None = None
        self._has_claimed = False
        # By this name the holder is found among the server's sessions (at most 63 bytes).
        host = socket.gethostname()[:24]
        self.name = f"league daemon {os.getpid()} on {host}, {secrets.token_hex(4)}"
        if engine.dialect.name == "postgresql":
            self._take()

    def check(self) -> None:
        """Notice a lost connection, and take the league again; asks the server every 2 s at most.

        Raises:
            DatabaseHeldError: another process has taken the league: stop without writing.
            DatabaseUnreachableError: the connection was lost, or the server does not answer: wait,
                then check again.
        """
        if self._engine.dialect.name != "postgresql":
            return
        if self._connection is None:
            self._take()
        if self._clock() < self._check_at:
            return
        assert self._connection is not None
        try:
            with translated_errors():
                self._connection.exec_driver_sql("SELECT 1")
        except Exception as error:
            self.close()
            raise DatabaseUnreachableError(
                f"the connection that holds the league in the database was lost: {error}"
            ) from error
        self._check_at = self._clock() + CHECK_EVERY_S

    def claim(self) -> None:
        """Write into the migrated database that this daemon holds it, and hold its engine to that.

        It waits for what a former holder is committing, which can then begin nothing more.

        Raises:
            DatabaseBusyError, DatabaseUnreachableError: try again.
        """
        if self._engine.dialect.name != "postgresql":
            return
        if self._connection is None:
            self._take()
        assert self._connection is not None
        try:
            with translated_errors():
                self._connection.execute(_CLAIM, {"name": self.name})
        except DatabaseUnreachableError:
            self.close()
            raise
        self._has_claimed = True
        self._engine.update_execution_options(holder=self.name)

    def close(self) -> None:
        """Let go of the league."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):  # it may be broken, which lets go as well
                connection.invalidate()  # a pooled connection would keep the lock
                connection.close()

    def _take(self) -> None:
        with translated_errors():
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            try:
                name = {"name": self.name}
                connection.execute(
                    text("SELECT set_config('application_name', :name, false)"), name
                )
                if not connection.execute(_TRY).scalar_one():
                    self._refuse(connection)
                self._refuse_after_another(connection)
            except BaseException:
                connection.invalidate()
                connection.close()
                raise
        self._connection = connection
        self._check_at = self._clock() + CHECK_EVERY_S

    def _refuse_after_another(self, connection: Connection) -> None:
        """Refuse to take a league again that another daemon had meanwhile and has let go of."""
        if not self._has_claimed or not connection.execute(_IS_MIGRATED).scalar_one():
            return
        last = connection.execute(_LAST).scalar()
        if last not in (None, self.name):
            raise DatabaseHeldError(
                f"{last} took this league while the connection to its database was lost: what it "
                "did is not known here, and this daemon stops; `league start` goes on"
            )

    def _refuse(self, connection: Connection) -> None:
        found = connection.execute(_HOLDER).first()
        pid, holder = (None, "a session that has just ended") if found is None else found
        if holder == self.name:
            # The server has not noticed that our former connection is gone (a network that broke).
            connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            raise DatabaseUnreachableError(
                "the server still keeps the connection that held the league before; it was told to "
                "end it"
            )
        if found is None:
            raise DatabaseUnreachableError("the league has just been let go; try again")
        place = DatabaseLocation(None, self._engine.url)  # shows no password
        raise DatabaseHeldError(
            f"expected a league that no daemon runs, found it held in {place} by "
            f"{holder or 'a session of another user'}, server process {pid}; stop it there with "
            "`league stop`, or give this folder another database.url"
        )
