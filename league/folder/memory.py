"""What a league's database remembers of its settings, without loading the tree of settings.

Written by each start (league.folder.opening.remember_config); read by every command that needs the
rules, the views or the season of a league.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from db import queries
from league.errors import FolderError
from league.folder.layout import LeagueFolder
from league.rating.season import Season

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

STORED_KEY = "config"  # of the league table


def stored_settings(session: Session) -> dict[str, Any] | None:
    """The settings of the newest start as JSON values, or None before the first one."""
    return queries.get_league_value(session, STORED_KEY)


def stored_season(session: Session) -> Season | None:
    """The season of the newest start, or None before the first one."""
    settings = stored_settings(session)
    return None if settings is None else Season.of(settings)


def started_settings(session: Session, folder: LeagueFolder) -> dict[str, Any]:
    """The settings of the newest start; raises FolderError before the first one."""
    settings = stored_settings(session)
    if settings is None:
        raise FolderError(
            f"{folder.root}: expected a league that was started once, found none of its settings "
            f"in the database; run `league start --league {folder.root}`"
        )
    return settings
