"""Owns the matches that can be watched in the page: their replays, played back for the viewer.

Promises: a match whose replay is gone, damaged, of other rules or too large is named with the
reason, and the page is made all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from arena.viewer.page import viewer_embed, viewer_script, viewer_style
from arena.viewer.payload import Says, replay_payload
from league.inspect.look import map_loader
from league.page.notable import Notable
from league.page.sights import MOST_TILES
from league.page.words import public
from league.viewer.found import find_match

if TYPE_CHECKING:
    from league.folder.layout import LeagueFolder

MOST_BYTES = 90_000  # of a film: four of them, and a page of 200 members stays below a megabyte


@dataclass(frozen=True)
class Scene:
    """A notable match.

    Attributes:
        film: the viewer's markup with the match in it (arena.viewer), or None.
        missing: why there is none.
    """

    notable: Notable
    film: str | None = None
    missing: str = ""


def scene_of(folder: LeagueFolder, each: Notable) -> Scene:
    """Return a match with its film if it can be played back."""
    from arena.errors import ArenaError
    from db.errors import DatabaseError
    from league.errors import LeagueError

    try:
        return _scene(folder, each)
    except (ArenaError, DatabaseError, LeagueError, OSError) as error:
        return Scene(each, missing=public(error, str(folder.root.resolve())))


def _scene(folder: LeagueFolder, each: Notable) -> Scene:
    if each.match.replay_path is None:
        return Scene(each, missing="it has no replay")
    number = str(each.match.id)
    found = find_match(number, folder)
    land = map_loader(number, folder.root)(found.replay.spec.map)
    too_large = f"it is too large for this page: `league replay show {number} --html FILE` shows it"
    if land.width * land.height > MOST_TILES:
        return Scene(each, missing=too_large)
    says = Says(found.title, found.names, found.ratings)
    payload = replay_payload(found.replay, lambda _: land, says, most_bytes=MOST_BYTES)
    if len(payload["bytes"]) > MOST_BYTES:
        return Scene(each, missing=too_large)
    return Scene(each, viewer_embed(payload, f"match-{number}"))


def viewer_parts() -> tuple[str, str]:
    """Return (style, script) of the viewer, for a page that has films."""
    return viewer_style(), viewer_script()
