"""Owns what a comparison knows of a training seed: its league, and two lineages of snapshots.

Promises: only reads; every league counts as one training seed, and two leagues of one seed are
refused, because they are no independent evidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from db import queries
from db.session import read_transaction
from league.config.tree import LeagueConfig
from league.curves.lineages import Lineage, in_words, league_curves
from league.errors import CompareError
from league.folder.connect import reader
from league.folder.layout import LeagueFolder, open_folder
from league.folder.memory import started_settings
from league.report.state import read_state

if TYPE_CHECKING:
    from league.curves.lineages import LeagueCurves

# Settings that may differ between the seeds of one comparison.
_MAY_DIFFER = ("seed", "arena", "database", "keep", "ray", "store")
_MAX_EVENTS = 1_000_000


@dataclass(frozen=True)
class Snapshot:
    """A frozen member of a lineage, and how much training is in it.

    Attributes:
        minutes: running time of its league when it joined, without the time between two starts; in
            a league that did not count it yet, minutes since the first start.
    """

    name: str
    trained_decisions: int
    minutes: float


@dataclass(frozen=True)
class SeedLeague:
    """The league of one training seed.

    Attributes:
        name: what to call it in a report.
        a, b: the trained snapshots of both lineages, by trained decisions.
        settings: of its newest start, without what may differ between seeds.
    """

    folder: LeagueFolder
    name: str
    seed: int
    a: tuple[Snapshot, ...]
    b: tuple[Snapshot, ...]
    settings: Mapping[str, Any]


def league_folders(roots: Sequence[Path]) -> list[LeagueFolder]:
    """Return the leagues in these folders: each is a league, or holds leagues.

    Raises:
        CompareError: a folder neither is a league nor holds any.
    """
    found: dict[Path, LeagueFolder] = {}
    for root in roots:
        inside = [] if LeagueFolder(root).is_league() else _leagues_inside(root)
        if not inside and root.is_dir() and not LeagueFolder(root).is_league():
            raise CompareError(
                f"{root}: expected a league, or a folder that holds one per training seed, found "
                "neither; `league compare --run small --training-seeds 3 --for 20m` trains them"
            )
        for folder in inside or [open_folder(root)]:
            found[folder.root.resolve()] = folder
    return list(found.values())


def _leagues_inside(root: Path) -> list[LeagueFolder]:
    if not root.is_dir():
        return []
    folders = [LeagueFolder(path) for path in root.iterdir() if path.is_dir()]
    return sorted((f for f in folders if f.is_league()), key=lambda f: _in_order(f.root.name))


def _in_order(name: str) -> tuple[str, int, str]:
    """Sort seed-10 after seed-9."""
    head = name.rstrip("0123456789")
    digits = name[len(head) :]
    return head, int(digits) if digits else -1, name


def read_leagues(folders: Sequence[LeagueFolder], a: str, b: str) -> list[SeedLeague]:
    """Read the lineages of two families in every league.

    Args:
        a, b: families, or names of lineages.

    Raises:
        CompareError: a lineage is missing, or two leagues have the same seed.
        FolderError, DatabaseError: a league cannot be read.
    """
    if a == b:
        raise CompareError(f"expected two different families or lineages, found {a!r} twice")
    names = {folder.root.name for folder in folders}
    is_named = len(names) == len(folders)
    leagues = [
        _read(folder, folder.root.name if is_named else str(folder.root), a, b)
        for folder in folders
    ]
    by_seed: dict[int, SeedLeague] = {}
    for league in leagues:
        other = by_seed.setdefault(league.seed, league)
        if other is not league:
            raise CompareError(
                f"expected a league per training seed, found seed {league.seed} in {other.name} "
                f"and {league.name}; leave one of them out"
            )
    return leagues


def different_settings(leagues: Sequence[SeedLeague]) -> list[str]:
    """Return the sections of the settings in which the leagues differ, but for the seed."""
    first = leagues[0].settings
    return [
        key
        for key in first
        if any(league.settings.get(key) != first[key] for league in leagues[1:])
    ]


def _read(folder: LeagueFolder, name: str, a: str, b: str) -> SeedLeague:
    with reader(folder) as engine, read_transaction(engine) as session:
        settings = started_settings(session, folder)
        state = read_state(session, name)
        running_s = {
            event.member_id: float(event.details["running_s"])
            for event in queries.list_events(session, kind="promotion", limit=_MAX_EVENTS)
            if "running_s" in event.details
        }
    curves = league_curves(state, name=name)
    ids = {row.name: row.id for row in state.members if row.status != "quarantined"}
    minutes = {key: running_s[i] / 60 for key, i in ids.items() if i in running_s}

    def chain(text: str) -> tuple[Snapshot, ...]:
        return tuple(
            Snapshot(row.name, row.trained_decisions, minutes.get(row.name, row.minutes))
            for row in _lineage(curves, text).snapshots
            if row.trained_decisions > 0 and row.name in ids
        )

    return SeedLeague(
        folder=folder,
        name=name,
        seed=int(settings["seed"]),
        a=chain(a),
        b=chain(b),
        settings=_compared(settings),
    )


def _compared(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what must agree between seeds; networks by their widths, however they were named."""
    compared = {key: value for key, value in settings.items() if key not in _MAY_DIFFER}
    return {**compared, "network": LeagueConfig.from_json(dict(settings)).torso.to_dict()}


def _lineage(curves: LeagueCurves, text: str) -> Lineage:
    """Return the lineage of this name, else the first main of this family.

    One per league: two lineages of a family in one league met the same opponents and are no two
    training seeds.
    """
    for lineage in curves.lineages:
        if lineage.name == text:
            return lineage
    family = [lineage for lineage in curves.lineages if lineage.family == text]
    mains = [lineage for lineage in family if lineage.role == "main"]
    if not family:
        known = in_words([f"{row.name} ({row.family})" for row in curves.lineages]) or "none"
        raise CompareError(
            f"{curves.league}: expected a lineage or family called {text!r}, found {known}; name "
            "two of them, as in `league compare attention baseline`"
        )
    return (mains or family)[0]
