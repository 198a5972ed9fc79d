"""The settings that a league's database holds, read without loading the tree of settings.

Each start writes them (league.folder.opening.remember_config); every command that needs the rules,
the views or the season of a league reads them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from db import queries
from league.errors import FolderError
from league.folder.layout import STORED_KEY, LeagueFolder
from league.rating.season import Season

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

FOREIGN_KEY = "foreign_results"  # {"game": name} of a league of another game (league.results)
WORKER_TIME_KEY = "worker_time"  # what members that think for long take (daemon.slow_members)
RUNNING_TIME_KEY = "running_time"  # stored by the daemon's heartbeat


def stored_settings(session: Session) -> dict[str, Any] | None:
    """Return the settings of the newest start as JSON values, or None before the first one."""
    return queries.get_league_value(session, STORED_KEY)


def stored_season(session: Session) -> Season | None:
    """Return the season of the newest start, or None before the first one."""
    settings = stored_settings(session)
    return None if settings is None else Season.of(settings)


def started_settings(session: Session, folder: LeagueFolder) -> dict[str, Any]:
    """Return the settings of the newest start; raises FolderError before the first one."""
    settings = stored_settings(session)
    if settings is None:
        raise FolderError(
            f"{folder.root}: expected a league that has been started, found no settings in its "
            f"database; run `league start --league {folder.root}`"
        )
    return settings


def running_time_s(session: Session) -> float | None:
    """Return the seconds that the league has run in all its starts; None if nobody counted."""
    stored = queries.get_league_value(session, RUNNING_TIME_KEY)
    return None if stored is None else float(stored["seconds"])
