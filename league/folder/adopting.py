"""A start in a new folder that goes on with a league whose database is on a server.

The settings come from the database, the folder is where this machine works. Promises: no member is
left without its snapshot: where files are missing, nothing is made, and the sentence says which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from db import queries
from db.location import DatabaseLocation
from db.session import read_transaction
from league.config.layers import parse_set
from league.config.tree import LeagueConfig
from league.errors import FolderError
from league.folder.connect import reader
from league.folder.layout import LeagueFolder


def server_named(sets: Sequence[str]) -> DatabaseLocation | None:
    """Return the server that `--set database.url=...` names, None for a file or for nothing.

    Raises:
        DatabaseError: it is a URL that a league cannot use.
    """
    url = None
    for text in sets:
        section = parse_set(text).get("database")
        if isinstance(section, dict) and "url" in section:
            url = section["url"]
    if not isinstance(url, str) or url == "off":
        return None
    place = DatabaseLocation.of(url)
    return None if place.is_sqlite else place


def adopted_values(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a league that is there, whole and under their present names."""
    return LeagueConfig.from_json(stored).to_json()


def check_snapshots_here(league: LeagueFolder, config: LeagueConfig) -> None:
    """Check that the files of all members are in this folder, unless the league has a store.

    Args:
        league: the new folder, with its database.
        config: the settings of this start.

    Raises:
        FolderError: a snapshot is missing.
    """
    if config.store.url is not None:
        return
    with reader(league, of_any_revision=True) as engine, read_transaction(engine) as session:
        needed = {
            member.name: member.snapshot_sha256
            for member in queries.list_members(session)
            if member.snapshot_sha256 is not None
            and member.status != "retired"
            and queries.PRUNED_EVENT not in member.details
        }
    missing = sorted(
        name
        for name, sha256 in needed.items()
        if not (league.snapshots / f"{sha256}.safetensors").is_file()
    )
    if missing:
        raise FolderError(
            f"{league.root}: expected the snapshots of {len(needed)} members of the league in "
            f"{league.database()}, found those of {len(needed) - len(missing)} (missing: "
            f"{', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''}); copy the folder "
            f"`snapshots` of the league's other folder to {league.snapshots}, then start again; a "
            "league with a store (store.url) needs no copy"
        )
