"""Owns the league folder: where everything lies, and whether a folder is a league at all.

Promises: a league is known by its `league.toml`, which is written last, so that a half-made folder
is never taken for one; paths that are stored are relative to the folder and never lead out of it,
so that the folder can be moved and copied.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from arena.files import TEMPORARY_PREFIX, write_whole
from db.location import DatabaseLocation
from league.errors import FolderError

CONFIG_NAME = "league.toml"
_FOLDERS = ("snapshots", "snapshots/offered", "checkpoints", "replays", "logs", "backups")


@dataclass(frozen=True)
class LeagueFolder:
    """The paths of one league; making the object touches no disk."""

    root: Path

    @classmethod
    def at(cls, root: str | Path) -> LeagueFolder:
        """The folder at an absolute version of `root`."""
        return cls(Path(root).resolve())

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
        """Snapshot files, named by their hash; `offered/` inside holds what is not settled."""
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
    def maps(self) -> Path:
        """Copies of the maps given by `--map`."""
        return self.root / "maps"

    @property
    def lock(self) -> Path:
        """Held by the running daemon."""
        return self.root / "lock"

    def is_league(self) -> bool:
        """Whether the folder holds a league."""
        return self.toml.is_file()

    def database(self) -> DatabaseLocation:
        """Where the league is remembered: its own SQLite file, or what `league.toml` names.

        Reads only that one key.

        Raises:
            FolderError: `league.toml` cannot be read.
            DatabaseError: `database.url` names no kind of database that a league can use.
        """
        try:
            values = tomllib.loads(self.toml.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise FolderError(f"{self.toml}: expected a readable TOML file: {error}") from error
        section = values.get("database")
        url = section.get("url") if isinstance(section, dict) else None
        return self.database_of(None if url is None or url == "off" else str(url))

    def database_of(self, url: str | None) -> DatabaseLocation:
        """The database that a `database.url` stands for; None is the league's own SQLite file."""
        return DatabaseLocation.of(self.sqlite if url is None else url)

    def relative(self, path: Path) -> str:
        """A path inside the folder as it is stored: relative, with forward slashes.

        Raises:
            FolderError: the path lies outside.
        """
        resolved, root = path.resolve(), self.root.resolve()
        if not resolved.is_relative_to(root):
            raise FolderError(f"expected a path inside the league folder {root}, found {resolved}")
        return resolved.relative_to(root).as_posix()

    def inside(self, stored: str) -> Path:
        """The path that a stored relative one stands for.

        Raises:
            FolderError: it leads out of the folder.
        """
        root = self.root.resolve()
        path = (root / stored).resolve()
        if not path.is_relative_to(root):
            raise FolderError(f"the stored path {stored!r} leads out of the league folder {root}")
        return path

    def make_folders(self) -> None:
        """Make the folder and those inside that are missing; raises FolderError."""
        try:
            for name in _FOLDERS:
                (self.root / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FolderError(
                f"{self.root}: the league folder cannot be made: {error.strerror or error}; "
                "choose a folder that you may write to"
            ) from error


def open_folder(root: Path) -> LeagueFolder:
    """The league in `root`.

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
    """Raise FolderError unless `root` is a league, is empty, or can be made."""
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
        raise FolderError(f"{root}: the league folder cannot be made in {parent}; name another one")


def create_folder(root: Path, toml_text: str) -> LeagueFolder:
    """Make a league folder, or complete one; `league.toml` is written when it is missing.

    Raises:
        FolderError: the folder holds other things, or cannot be written.
    """
    check_can_become_league(root)
    folder = LeagueFolder(root)
    folder.make_folders()
    if not folder.is_league():
        try:
            write_whole(folder.toml, toml_text.encode())
        except OSError as error:
            raise FolderError(f"{folder.toml}: cannot be written: {error}") from error
    return folder


# What a start that died before `league.toml` may have left: it may be completed.
_OURS = frozenset(name.partition("/")[0] for name in _FOLDERS) | {"maps", "lock"}


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
