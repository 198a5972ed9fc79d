"""Owns the file of a league's page: read, looked at, rendered, and written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from arena.files import write_whole
from league.errors import FolderError
from league.page.facts import read_facts
from league.page.notable import notable
from league.page.render import SECTIONS, page
from league.page.scenes import Scene, scene_of
from league.page.sights import MOMENTS, attention_of
from league.page.words import public

if TYPE_CHECKING:
    from league.folder.layout import LeagueFolder

Progress = Callable[[int, int, str], None]
"""Hears how many parts of a page are done, of how many, and what is done now."""


def _silent(done: int, total: int, what: str) -> None:
    pass


def league_page(
    folder: LeagueFolder,
    *,
    only: Sequence[str] = SECTIONS,
    is_quick: bool = False,
    progress: Progress = _silent,
) -> str:
    """Return the page of a league as it is now.

    Args:
        only: keys of its sections.
        is_quick: leave out replays and attention, for which matches are played back.
        progress: hears of the parts, which take about as long as each other.

    Raises:
        DatabaseError: there is no database yet, or it is of another version.
    """
    progress(0, 0, "reading the league")
    facts = read_facts(folder)
    root = str(folder.root.resolve())
    found = notable(facts) if "matches" in only else []
    looks = "attention" in only and not is_quick
    n_films = 0 if is_quick else len(found)
    n_parts = n_films + looks * len(MOMENTS)
    scenes = [Scene(each) for each in found]
    for n, each in enumerate(found[:n_films]):
        progress(n, n_parts, f"playing match {each.match.id} back")
        scenes[n] = scene_of(folder, each)
    sights = None
    if looks:
        sights = attention_of(
            facts,
            folder,
            lambda n: progress(n_films + n, n_parts, "looking at what a network attends to"),
        )
        sights = replace(sights, missing=public(sights.missing, root))
    progress(0, 0, "drawing the page")
    return page(facts, scenes, sights, root=root, only=only)


def write_page(
    folder: LeagueFolder,
    path: Path,
    *,
    only: Sequence[str] = SECTIONS,
    is_quick: bool = False,
    progress: Progress = _silent,
) -> Path:
    """Write the page of a league; raise FolderError if the file cannot be written."""
    text = league_page(folder, only=only, is_quick=is_quick, progress=progress)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode("utf-8", errors="backslashreplace"))
    except OSError as error:
        raise FolderError(f"{path}: expected to write a page, but it failed: {error}") from error
    return path
