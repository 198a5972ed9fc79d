"""A league that is known by the URL of its database alone: read from another machine or folder.

Promises: nothing of the league's own folder is needed, and no password is written to the disk; what
can be computed again is kept in a folder of this user's cache, one per database. Only the owner of
that folder may read it.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from contextlib import suppress
from pathlib import Path

from db.location import DatabaseLocation
from league.errors import FolderError
from league.folder.layout import LeagueFolder


def league_by_url(url: str) -> LeagueFolder:
    """Return the league in the database that a URL names; it is not yet connected to.

    Args:
        url: `postgresql://...`, in which `${NAME}` stands for a variable of the environment.

    Raises:
        DatabaseError: the URL cannot be read, or names a variable that is not set.
        FolderError: it names a file, whose league has a folder of its own.
    """
    place = DatabaseLocation.of(url)
    if place.path is not None:
        raise FolderError(
            f"expected the URL of a PostgreSQL server, found that of the file {place.path}; name "
            f"the folder of its league instead: --league {place.path.parent}"
        )
    root = cache_of(place)
    with suppress(OSError):  # without a cache, what is read is computed each time
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
    return LeagueFolder(root, server=place)


def cache_of(place: DatabaseLocation) -> Path:
    """Return the folder of what is kept of a league on a server; its name shows the database."""
    explicit = os.environ.get("LEAGUE_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    if explicit:
        base = Path(explicit)
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path.home() / ".cache"
    assert place.url is not None  # a league in a file has a folder of its own
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", place.url.database or "league")[:40]
    digest = hashlib.sha256(str(place).encode()).hexdigest()[:12]  # without its password
    return base / "territory-league" / "leagues" / f"{name}-{digest}"
