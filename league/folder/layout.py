"""Owns the league folder: where everything is kept, and whether a folder is a league at all.

Promises: a folder is a league if it holds `league.toml`, which is written last, so that a
half-made folder is never taken for one; stored paths are relative to the folder and never point
outside it, so that the folder can be moved and copied.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arena.files import TEMPORARY_PREFIX, sync_folder, write_whole
from arena.foreign import ForeignFileError, parse_toml, reason_of
from db.location import DatabaseLocation
from league.config.whole import check_whole
from league.errors import FolderError, StoreMissingError
from league.store.address import StoreAddress
from league.store.names import is_key
from league.store.snapshots import PlaceOfSnapshots, Snapshots
from league.store.store import StorePlace

CONFIG_NAME = "league.toml"
STORED_KEY = "config"  # of the league table: the settings of the newest start
DEFAULT_CACHE_GB = 10.0  # as league.config.store has it
_FOLDERS = ("snapshots", "snapshots/offered", "checkpoints", "replays", "logs", "backups")


@dataclass(frozen=True)
class LeagueFolder:
    """The paths of one league; creating the object does not touch the disk.

    Attributes:
        server: the database of a league that is known by its URL alone, and has no settings in
            `root` (league.folder.by_url); None for a league with a folder of its own.
    """

    root: Path
    server: DatabaseLocation | None = None

    @classmethod
    def at(cls, root: str | Path) -> LeagueFolder:
        """Return the folder at the absolute path of `root`."""
        return cls(Path(root).resolve())

    @property
    def name(self) -> str:
        """What the league is called on screens: its folder, or the database on its server."""
        url = None if self.server is None else self.server.url
        named = None if url is None else url.database
        return named or self.root.resolve().name

    @property
    def toml(self) -> Path:
        """The settings; their presence makes a folder a league."""
        return self.root / CONFIG_NAME

    @property
    def sqlite(self) -> Path:
        """The SQLite database of a league without a server."""
        return self.root / "league.db"

    @property
    def snapshots(self) -> Path:
        """Snapshot files, named by their hash; `offered/` inside holds those not yet admitted."""
        return self.root / "snapshots"

    @property
    def checkpoints(self) -> Path:
        """Checkpoints, a folder per learner."""
        return self.root / "checkpoints"

    @property
    def replays(self) -> Path:
        """Recorded matches."""
        return self.root / "replays"

    @property
    def logs(self) -> Path:
        """Log files of the daemon."""
        return self.root / "logs"

    @property
    def backups(self) -> Path:
        """Copies of the database, made by `league backup` and before migrations."""
        return self.root / "backups"

    @property
    def cache(self) -> Path:
        """What can be computed again from the database; it may be removed at any time."""
        return self.root / "cache"

    @property
    def maps(self) -> Path:
        """Copies of the maps given by `--map`."""
        return self.root / "maps"

    @property
    def lock(self) -> Path:
        """The file on which the running daemon holds a lock."""
        return self.root / "lock"

    def is_league(self) -> bool:
        """Return whether the folder holds a league, or a URL names one."""
        return self.server is not None or self.toml.is_file()

    def database(self) -> DatabaseLocation:
        """Return where the league is stored: its own SQLite file, or what `league.toml` names.

        Only that one key is read.

        Raises:
            FolderError: `league.toml` cannot be read.
            DatabaseError: `database.url` names a kind of database that a league cannot use.
            ConfigError: `league.toml` was cut, and `database.url` may have been in what is lost.
        """
        if self.server is not None:
            return self.server
        section = self._settings().get("database")
        url = section.get("url") if isinstance(section, dict) else None
        return self.database_of(None if url is None or url == "off" else str(url))

    def _settings(self) -> dict[str, Any]:
        if self.server is not None:
            return _settings_on(self.server)
        check_whole(self.toml)
        try:
            values = parse_toml(self.toml)
        except ForeignFileError as error:
            raise FolderError(f"the settings cannot be read: {error}") from error
        except ValueError as error:
            raise FolderError(
                f"{self.toml}: expected a readable TOML file: {reason_of(error)}"
            ) from error
        return values

    def store(self) -> StorePlace | None:
        """Return where snapshots, checkpoints and replays are kept; None: in this folder.

        Raises:
            FolderError, ConfigError: as `database`.
        """
        section = self._settings().get("store") if self.is_league() else None
        values = section if isinstance(section, dict) else {}
        url, cache_gb = values.get("url"), values.get("cache_gb", DEFAULT_CACHE_GB)
        is_number = isinstance(cache_gb, int | float)
        return self.store_of(
            None if not url or url == "off" else str(url),
            float(cache_gb) if is_number else DEFAULT_CACHE_GB,
        )

    def store_of(self, url: str | None, cache_gb: float) -> StorePlace | None:
        """Return the store of a `store.url`, with this folder's cache; None for None."""
        if url is None:
            return None
        address = StoreAddress.of(url, self.root.resolve())
        return StorePlace(str(address), str(self.cache / "store"), int(cache_gb * 1e9))

    def snapshot_place(self) -> Snapshots:
        """Return what a SnapshotStore of this league is opened with: its folder, or its store."""
        place = self.store()
        return self.snapshots if place is None else PlaceOfSnapshots(self.snapshots, place)

    def replay(self, stored: str) -> Path:
        """Return the file of a replay that the database names, from the store where there is one.

        A file of the store is checked and stays for a minute at least: open it soon.

        Raises:
            FolderError: it points outside the folder.
            StoreError: it is damaged in the store, or the store does not answer. One that is
                nowhere has a path without a file.
        """
        path = self.inside(stored)
        if path.exists() or not is_key(stored):
            return path
        place = self.store()
        if place is None:
            return path
        store = place.open()
        try:
            return store.path(store.find(stored))
        except StoreMissingError:
            return path

    def database_of(self, url: str | None) -> DatabaseLocation:
        """Return the database of a `database.url`; None stands for the league's SQLite file."""
        return DatabaseLocation.of(self.sqlite if url is None else url)

    def relative(self, path: Path) -> str:
        """Return a path inside the folder as it is stored: relative, with forward slashes.

        Raises:
            FolderError: the path is outside the folder.
        """
        resolved, root = path.resolve(), self.root.resolve()
        if not resolved.is_relative_to(root):
            raise FolderError(f"expected a path inside the league folder {root}, found {resolved}")
        return resolved.relative_to(root).as_posix()

    def inside(self, stored: str) -> Path:
        """Return the absolute path for a stored relative one.

        Raises:
            FolderError: it points outside the folder.
        """
        root = self.root.resolve()
        path = (root / stored).resolve()
        if not path.is_relative_to(root):
            raise FolderError(f"expected a path inside the league folder {root}, found {stored!r}")
        return path

    def make_folders(self) -> None:
        """Make the folder and its missing subfolders, durably; raises FolderError."""
        try:
            is_new = not self.root.exists()
            for name in _FOLDERS:
                (self.root / name).mkdir(parents=True, exist_ok=True)
            for folder in (self.snapshots, self.root):
                sync_folder(folder)
            if is_new and os.access(self.root.parent, os.R_OK):
                sync_folder(self.root.parent)
        except OSError as error:
            raise FolderError(
                f"{self.root}: the league folder cannot be made: {error.strerror or error}; "
                "choose a folder that you may write to"
            ) from error


def _settings_on(server: DatabaseLocation) -> dict[str, Any]:
    """Return the settings that a league's database on a server holds; none before the first start.

    league.folder.memory reads the same key; it needs the folder that this is a part of.
    """
    from db.queries import get_league_value
    from db.session import open_reader, read_transaction

    engine = open_reader(server)
    try:
        with read_transaction(engine) as session:
            return get_league_value(session, STORED_KEY) or {}
    finally:
        engine.dispose()


def open_folder(root: Path) -> LeagueFolder:
    """Return the league in `root`.

    Raises:
        FolderError: there is none; the message says what is there instead.
    """
    folder = LeagueFolder(root)
    if folder.is_league():
        return folder
    advice = (
        "name the folder of a league with --league"
        if _is_occupied(root)
        else f"`league start --league {root}` makes one, --league names another"
    )
    raise FolderError(
        f"{root}: expected a league folder with {CONFIG_NAME}, found {_what_is_there(root)}; "
        f"{advice}"
    )


def check_can_become_league(root: Path) -> None:
    """Raise FolderError unless `root` is a league, is empty, or can be created."""
    folder = LeagueFolder(root)
    if folder.is_league():
        return
    if _is_occupied(root):
        raise FolderError(
            f"{root}: expected a league folder or an empty one, found {_what_is_there(root)}; "
            "name a new folder with --league"
        )
    parent = root
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise FolderError(
            f"{root}: the league folder cannot be made in {parent}; name another with --league"
        )


def create_folder(root: Path, toml_text: str, *, has_password: bool = False) -> LeagueFolder:
    """Make a league folder, or complete one; `league.toml` is written if it is missing.

    Args:
        has_password: the settings contain a password: only the owner may read them.

    Raises:
        FolderError: the folder holds other things, or cannot be written.
    """
    check_can_become_league(root)
    folder = LeagueFolder(root)
    folder.make_folders()
    if not folder.is_league():
        try:
            write_whole(folder.toml, toml_text.encode(), durable=True, owner_alone=has_password)
        except OSError as error:
            raise FolderError(f"{folder.toml}: cannot be written: {error}") from error
    return folder


# What a start may have made that failed before it wrote `league.toml`; it can be completed.
_OURS = frozenset(name.partition("/")[0] for name in _FOLDERS) | {"maps", "lock", "cache"}


def _is_occupied(root: Path) -> bool:
    if not root.exists():
        return False
    if not root.is_dir():
        return True
    return any(path.name not in _OURS and not _is_temporary(path) for path in root.iterdir())


def _is_temporary(path: Path) -> bool:
    # An earlier version named its half-written settings after their file.
    return path.name.startswith((TEMPORARY_PREFIX, f".{CONFIG_NAME}."))


def _what_is_there(root: Path) -> str:
    if not root.exists():
        return "no such folder"
    if not root.is_dir():
        return "a file"
    names = sorted(path.name for path in root.iterdir())
    if not names:
        return "an empty folder"
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more}"
