"""Owns what a head-to-head is played with: the sides that were named, maps, rules, views, workers.

In a league these are the league's; without one, rules and maps are those of a preset: `small`, or
`real` where a nation plays, unless another is named; nothing is stored.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.in_tick import check_edition, term_of
from arena.processes.scratch import ScratchFolder
from arena.territory.engine.rules import MatchRules
from arena.territory.engine.terms import is_nation
from arena.territory.maps import expand_references
from arena.territory.observation.views import Views
from db.session import read_transaction
from league.config.layers import resolve
from league.errors import PitError
from league.folder.connect import reading, writer
from league.folder.layout import LeagueFolder
from league.folder.memory import started_settings
from league.members.entry import views_of
from league.pit.draws import stratified
from league.pit.log import PitLog
from league.pit.plan import UnitPlan
from league.pit.sides import Side, side_in_league, side_to_read, side_without_league, whole_name

if TYPE_CHECKING:
    from sqlalchemy import Engine


@dataclass(frozen=True)
class Game:
    """What is played without a league: a preset and settings that differ from it.

    Attributes:
        preset: its name; None chooses it by who plays.
        sets: as `--set` takes them.
    """

    preset: str | None = None
    sets: tuple[str, ...] = ()


THE_USUAL = Game()


@dataclass(frozen=True)
class Table:
    """What is played with.

    Attributes:
        sides: those that were named, in that order.
        listed_maps: single references in the order of the list.
        maps: the same, so ordered that every prefix has the list's proportions.
        settings: of the workers.
        engine, folder: of the league; None without one.
    """

    sides: tuple[Side, ...]
    listed_maps: tuple[str, ...]
    maps: tuple[str, ...]
    rules: MatchRules
    views: Views
    settings: dict[str, Any]
    engine: Engine | None = None
    folder: LeagueFolder | None = None

    def log(self, plan: UnitPlan) -> PitLog | None:
        """Return the log of a plan; None without a league."""
        if self.engine is None or self.folder is None:
            return None
        return PitLog(self.engine, self.folder, plan)


@contextlib.contextmanager
def laid(
    names: Sequence[str],
    maps: Sequence[str],
    folder: LeagueFolder | None,
    *,
    stores: bool = True,
    game: Game = THE_USUAL,
) -> Iterator[Table]:
    """Yield the table for sides and maps of a command line.

    Args:
        names: member names, hash prefixes, snapshot files or agent specs.
        maps: references, relative to the current folder; empty takes those of rated matches.
        stores: False only reads the league: sides are its members, or agent specs.
        game: of a head-to-head without a league, whose rules are its own.

    Raises:
        LeagueError, AgentError, ArenaError, DatabaseError: somebody or something cannot play.
    """
    given = [_from_here(reference) for reference in maps]
    if folder is None:
        with ScratchFolder("league-pit-") as store:
            yield _without_league(names, given, store, game)
        return
    if game != THE_USUAL:
        raise PitError(
            f"expected the rules of the league {folder.root} for its members, found --preset or "
            "--set, which are for a head-to-head without a league"
        )
    if not stores:
        with reading(folder) as session:
            config = started_settings(session, folder)
            sides = tuple(side_to_read(text, session, folder.snapshot_place()) for text in names)
            _check_editions([side.agent_spec for side in sides], config["rules"])
        yield _of_league(folder, config, sides, given)
        return
    with writer(folder) as engine:
        with read_transaction(engine) as session:
            config = started_settings(session, folder)
        _check_editions(names, config["rules"])
        views = Views.from_json(config["views"])
        sides = tuple(
            side_in_league(text, engine, folder.snapshot_place(), views) for text in names
        )
        yield replace(_of_league(folder, config, sides, given), engine=engine, folder=folder)


def _check_editions(names: Sequence[str], rules: dict[str, Any]) -> None:
    """Raise AgentError for a spec of somebody who cannot play in this edition of the game."""
    for text in names:
        check_edition(text, MatchRules.from_json(rules).edition)


def _of_league(
    folder: LeagueFolder, config: dict[str, Any], sides: tuple[Side, ...], maps: Sequence[str]
) -> Table:
    """Return the table of a league's own rules and maps, which stores nothing as it is."""
    listed, ordered = in_proportion(maps or config["maps"]["rate"])
    return Table(
        sides,
        listed,
        ordered,
        MatchRules.from_json(config["rules"]),
        Views.from_json(config["views"]),
        {"snapshots": folder.snapshot_place(), "maps": str(folder.root), "device": "cpu"},
    )


def _without_league(names: Sequence[str], maps: Sequence[str], store: Path, game: Game) -> Table:
    from agents.description import describe

    has_nation = any(is_nation(term_of(whole_name(text))) for text in names)
    config = resolve(game.preset or ("real" if has_nation else "small"), sets=game.sets)
    sides = tuple(side_without_league(text, store) for text in names)
    # Policies see what they were trained on; all must have been trained on the same views. Those of
    # an older observation version read a part of the newest.
    seen = [views_of(describe(path)) for path in store.glob("*.safetensors")]
    newest = max(seen, key=lambda views: views.observation_version, default=None)
    if newest is not None and not all(newest.shows(views) for views in seen):
        raise PitError(
            f"expected snapshots trained on the same views, found {', '.join(names)} with "
            f"different ones ({_versions(seen)})"
        )
    rules = config.rules.to_rules()
    if newest is not None:
        rules = replace(rules, edition=newest.edition.name)
    _check_editions([side.agent_spec for side in sides], rules.to_json())
    listed, ordered = in_proportion(maps or config.maps.rate)
    return Table(
        sides,
        listed,
        ordered,
        rules,
        newest or config.views.to_views(),
        {"snapshots": str(store), "device": "cpu"},
    )


def _versions(seen: Sequence[Views]) -> str:
    """Return which sizes and versions were found, for a message."""
    found = {
        f"{views.global_size}/{views.local_size}/{views.tactical_size}, observation version "
        f"{views.observation_version} of edition {views.edition.name}"
        for views in seen
    }
    return "; ".join(sorted(found))


def in_proportion(references: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return single references as listed, and with every prefix in the list's proportions."""
    groups = [expand_references([reference]) for reference in references]
    return tuple(expand_references(references)), stratified(groups)


def _from_here(reference: str) -> str:
    return reference if reference.startswith("generated:") else str(Path(reference).resolve())
