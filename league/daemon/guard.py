"""Watches over a running daemon's hold of its league: lock file, folder and database.

Promises: a daemon that no longer holds its league stops before it writes again; a lock file that
somebody removed is made again, with an alarm in the journal.
"""

from __future__ import annotations

import logging

from sqlalchemy import Engine

from db.hold import DatabaseHold
from db.queries import add_event
from db.session import write_transaction
from league.daemon.lock import LeagueLock

log = logging.getLogger(__name__)


class Guard:
    """The two holds of a league, of its folder and on its server."""

    def __init__(self, lock: LeagueLock, hold: DatabaseHold, engine: Engine) -> None:
        self._lock = lock
        self._hold = hold
        self._engine = engine

    def check(self) -> None:
        """Check both; call it before every round.

        Raises:
            LeagueError, DatabaseHeldError: another daemon has the league, or the folder is gone.
            DatabaseUnreachableError: the server does not answer; try again.
        """
        self._hold.check()
        if not self._lock.check():
            return
        text = "the file `lock` of the running league was removed or replaced; it was made again"
        log.warning("%s", text)
        with write_transaction(self._engine) as session:
            add_event(session, "lock_removed", text, level="alarm")
