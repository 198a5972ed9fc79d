"""Owns the file of a league's page: read, looked at, rendered, and written whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from arena.files import write_whole
from league.errors import FolderError
from league.page.facts import read_facts
from league.page.notable import notable
from league.page.render import SECTIONS, page
from league.page.scenes import Scene, scenes_of
from league.page.sights import attention_of
from league.page.words import public

if TYPE_CHECKING:
    from league.folder.layout import LeagueFolder


def league_page(
    folder: LeagueFolder, *, only: Sequence[str] = SECTIONS, is_quick: bool = False
) -> str:
    """Return the page of a league as it is now.

    Args:
        only: keys of its sections.
        is_quick: leave out replays and attention, for which matches are played back.

    Raises:
        DatabaseError: there is no database yet, or it is of another version.
    """
    facts = read_facts(folder)
    root = str(folder.root.resolve())
    found = notable(facts) if "matches" in only else []
    scenes = [Scene(each) for each in found] if is_quick else scenes_of(folder, found)
    sights = None
    if "attention" in only and not is_quick:
        sights = attention_of(facts, folder)
        sights = replace(sights, missing=public(sights.missing, root))
    return page(facts, scenes, sights, root=root, only=only)


def write_page(
    folder: LeagueFolder,
    path: Path,
    *,
    only: Sequence[str] = SECTIONS,
    is_quick: bool = False,
) -> Path:
    """Write the page of a league; raise FolderError if the file cannot be written."""
    text = league_page(folder, only=only, is_quick=is_quick)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode("utf-8", errors="backslashreplace"))
    except OSError as error:
        raise FolderError(f"{path}: expected to write a page, but it failed: {error}") from error
    return path
