"""Owns the first step of `league start`: check everything, then make or complete the folder.

Promises: nothing on the disk changes before the settings, the maps and the folder have been
checked; a map given by `--map` is copied into the folder, so that a league can be moved.
"""

from __future__ import annotations

import itertools
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arena.files import sweep, sync_folder, whole_folder, write_whole
from arena.machine import available_memory, growing_pause_s
from db.errors import DatabaseBusyError, DatabaseUnreachableError
from db.location import url_to_store
from db.migrate import current_revision
from db.queries import get_league_value, set_league_value
from db.session import read_transaction
from league.config.layers import check_frozen, resolve
from league.config.roles import lineages_of
from league.config.toml import write_toml
from league.errors import ConfigError
from league.extras import VIEWERS, missing_engine, missing_viewer
from league.folder.adopting import adopted_values, check_snapshots_here, server_named
from league.folder.connect import reader
from league.folder.layout import STORED_KEY, LeagueFolder, check_can_become_league, create_folder
from league.folder.memory import FOREIGN_KEY, stored_settings
from league.folder.teachers import check_teachers
from league.store.maps import bring_maps

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from arena.territory.maps import TerritoryMap
    from league.config.tree import LeagueConfig


PATIENCE_S = 60.0  # as that of the daemon's start (league.daemon.starting)
_LONGEST_PAUSE_S = 10.0


@dataclass(frozen=True)
class Opened:
    """A league folder that is ready for the daemon, and the settings of this start.

    Attributes:
        left_out: names of lineages of `--roles` that memory is too short for.
    """

    folder: LeagueFolder
    config: LeagueConfig
    is_new: bool
    left_out: tuple[str, ...] = ()


def open_for_start(
    root: Path,
    preset: str | None = None,
    sets: Sequence[str] = (),
    map_path: str | Path | None = None,
    roles: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Opened:
    """Check a start, then make the folder if it is new.

    A database that is locked, or a server that does not answer, is waited for, up to PATIENCE_S. A
    new folder whose `database.url` names a server that holds a league goes on with that league, by
    its settings (league.folder.adopting).

    Args:
        map_path: a map folder, PNG or generated reference that replaces both lists of maps.
        roles: "mains" or "league": lineages that replace those of the settings
            (league.config.roles); None keeps them.
        say: shows a line to the user.

    Raises:
        LeagueError, arena.errors.ArenaError, db.errors.DatabaseError: a check failed; nothing was
            changed.
    """
    check_can_become_league(root)
    folder = LeagueFolder(root)
    is_new = not folder.is_league()
    path = None if map_path is None else _path_of(map_path)
    given = None if path is None else _load_given(path)
    name = "" if path is None else f"maps/{path.resolve().name}"
    toml = None if is_new else folder.toml
    maps = () if map_path is None else (name or str(map_path),)
    place = server_named(sets) if is_new else None
    league = folder if place is None else LeagueFolder(root, server=place)
    stored = None if place is None else _stored_patiently(league, say)
    adopted = None if stored is None else adopted_values(stored)
    config = resolve(preset, toml, sets, maps, adopted=adopted)
    learners, left_out = None, list[str]()
    if roles is not None:
        learners, left_out = lineages_of(roles, config.preset, available_memory())
        config = resolve(preset, toml, sets, maps, learners=learners, adopted=adopted)
    missing = missing_viewer({name: getattr(config.learner, name) for name in VIEWERS})
    missing = missing or missing_engine(config.arena.engine)
    missing = missing or missing_engine(config.learner.engine, "learner.engine")
    if missing is not None:
        raise ConfigError(missing)
    if not is_new:
        _check_same_database(folder, config)
        _check_same_store(folder, config)
        stored = _stored_patiently(folder, say)
    if stored is not None:
        _check_ours(league)
        config = resolve(preset, toml, sets, maps, stored, learners, adopted)
        check_frozen(stored, config)
    if given is not None:
        _check_same_map(folder, name, given)
        _check_room(str(path), given, config)
    _bring_missing_maps(folder, config)
    check_maps(config, folder.root, except_for=name)
    check_teachers(league, config, is_new=is_new and adopted is None)
    if adopted is not None:
        check_snapshots_here(league, config)
        say(f"the database holds a league: {root} goes on with it, by its settings")
    if is_new:
        folder.make_folders()
    if given is not None and path is not None:
        _copy_map(path, folder.root / name)
    if is_new:
        has_password = folder.database_of(config.database.url).has_password
        folder = create_folder(root, write_toml(config), has_password=has_password)
    else:
        folder.make_folders()
    return Opened(folder, config, is_new, tuple(left_out))


def _stored_patiently(folder: LeagueFolder, say: Callable[[str], None]) -> dict[str, Any] | None:
    """Return the stored settings as soon as the database lets them be read."""
    ends = time.monotonic() + PATIENCE_S
    for n_failures in itertools.count(1):
        try:
            return stored_config(folder)
        except (DatabaseBusyError, DatabaseUnreachableError) as error:
            # A file that cannot be opened is not on its way back, as a server may be.
            is_gone = isinstance(error, DatabaseUnreachableError) and folder.database().path
            left_s = ends - time.monotonic()
            if is_gone or left_s <= 0.0:
                raise
            pause_s = min(growing_pause_s(n_failures, _LONGEST_PAUSE_S), left_s)
            said = " ".join(str(error).split())
            say(f"{said}; trying again in {pause_s:.0f} s, for {left_s:.0f} s more at most")
            time.sleep(pause_s)
    raise AssertionError("not reached")


def stored_config(folder: LeagueFolder) -> dict[str, Any] | None:
    """Return the settings that the database holds, or None before the first start."""
    place = folder.database()
    if place.path is not None and not place.path.is_file():
        return None
    with reader(folder, of_any_revision=True) as engine:
        if current_revision(engine) is None:
            return None
        with read_transaction(engine) as session:
            return stored_settings(session)


def check_maps(config: LeagueConfig, base: Path, *, except_for: str = "") -> None:
    """Check every map reference of the settings: files are loaded, generators only parsed.

    Raises:
        MapError: a reference does not name a map.
        ConfigError: the seats do not fit on one of the maps.
    """
    from arena.territory.maps import (
        GeneratedReference,
        expand_references,
        load_map,
        parse_reference,
    )

    for reference in dict.fromkeys((*config.maps.train, *config.maps.rate)):
        expand_references([reference])
        parsed = parse_reference(reference)
        if isinstance(parsed, GeneratedReference) or reference == except_for:
            continue
        _check_room(reference, load_map(reference, base=base), config)


def _bring_missing_maps(folder: LeagueFolder, config: LeagueConfig) -> None:
    """Take the league's own maps from its store, on a machine that has not got them."""
    place = folder.store_of(config.store.url, config.store.cache_gb)
    own = {map_ for map_ in (*config.maps.train, *config.maps.rate) if map_.startswith("maps/")}
    if place is not None and any(not (folder.root / reference).exists() for reference in own):
        bring_maps(place.open(), folder.root)


def _check_room(name: str, found: TerritoryMap, config: LeagueConfig) -> None:
    from arena.territory.engine.rules import FULL_DISC_TILES

    n_players = config.rules.to_rules().n_players
    if found.n_playable < FULL_DISC_TILES * n_players:
        raise ConfigError(
            f"map {name}: expected {FULL_DISC_TILES * n_players} playable tiles for the starts of "
            f"{n_players} players, found {found.n_playable}; choose a larger map, lower "
            "rules.n_seats or thin out rules.crowd"
        )


def _check_ours(folder: LeagueFolder) -> None:
    """Raise ConfigError for a league that holds the results of another game."""
    with reader(folder, of_any_revision=True) as engine, read_transaction(engine) as session:
        foreign = get_league_value(session, FOREIGN_KEY)
    if foreign is not None:
        raise ConfigError(
            f"{folder.root}: expected a league of our own game, found one of the results of "
            f"{foreign['game']!r} (`league results import`), which nobody can play here; name "
            "another folder with --league"
        )


def _path_of(given: str | Path) -> Path | None:
    """Return the path of a map; None if it is generated. A mistyped reference raises MapError."""
    from arena.territory.maps import parse_reference

    parsed = parse_reference(given) if isinstance(given, str) else given
    return parsed if isinstance(parsed, Path) else None


def _check_same_database(folder: LeagueFolder, config: LeagueConfig) -> None:
    """Refuse another `database.url` for one start: every other command reads `league.toml`."""
    held, given = folder.database(), folder.database_of(config.database.url)
    if held != given:
        raise ConfigError(
            f"database.url: expected {str(held)!r} as in {folder.toml}, found {str(given)!r}; a "
            f"league keeps its database: to move it, copy the data, then edit {folder.toml.name}"
        )


def _check_same_store(folder: LeagueFolder, config: LeagueConfig) -> None:
    """Refuse another `store.url` for one start: every other command reads `league.toml`."""
    held = folder.store()
    given = folder.store_of(config.store.url, config.store.cache_gb)
    if (held and held.url) != (given and given.url):
        raise ConfigError(
            f"store.url: expected {str(held) if held else 'off'!r} as in {folder.toml}, found "
            f"{str(given) if given else 'off'!r}; `league store copy URL --switch` "
            f"copies a league's files, and changes {folder.toml.name}"
        )


def _load_given(path: Path) -> TerritoryMap:
    from arena.territory.maps import load_map

    return load_map(path)


def _check_same_map(folder: LeagueFolder, name: str, given: TerritoryMap) -> None:
    """Refuse a map under a name that the league already uses for a different map."""
    from arena.territory.maps import load_map

    held = folder.root / name
    if held.exists() and load_map(held).sha256 != given.sha256:
        raise ConfigError(
            f"--map: the league already holds a different map as {name}; maps are frozen at the "
            "first start, so start a new league in another folder"
        )


def _copy_map(source: Path, target: Path) -> None:
    """Copy a map folder's two files, or a PNG; an existing target is the same map."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    sync_folder(target.parent.parent)
    sweep(target.parent)
    if source.is_file():
        write_whole(target, source.read_bytes(), durable=True)
        return
    with whole_folder(target, durable=True) as partial:
        for file in ("map.bin", "manifest.json"):
            shutil.copyfile(source / file, partial / file)


def remember_config(session: Session, config: LeagueConfig) -> None:
    """Store the settings of this start in the league's database, inside the caller's transaction.

    Raises:
        ConfigError: a setting that the league froze at its first start differs.
    """
    values = config.to_json()
    if config.database.url is not None:  # whoever reads the database shall not read its password
        values["database"]["url"] = url_to_store(config.database.url)
    stored = stored_settings(session)
    if stored is not None:
        check_frozen(stored, config)
    set_league_value(session, STORED_KEY, values)
