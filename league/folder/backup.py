"""Owns backups: copies of a league in a new folder, made even while the daemon runs.

Promises: the league is not changed, and a backup is complete or does not exist.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from arena.files import TEMPORARY_PREFIX, whole_folder
from db.session import backup
from league.errors import FolderError
from league.folder.connect import reader
from league.folder.layout import LeagueFolder


def back_up(folder: LeagueFolder, target: Path | None) -> Path:
    """Copy a league into a new folder, even while it runs; return the folder.

    Args:
        target: folder to make; None makes one inside the league, named after the present time.

    Raises:
        FolderError: the league is on a server or has never been started, the target exists, or a
            file cannot be copied.
        DatabaseError: the database cannot be copied.
    """
    place = folder.database()
    if place.path is None:
        raise FolderError("the league is on a database server; back it up with pg_dump")
    if not place.path.is_file():
        raise FolderError(
            f"{place}: expected the database of a league that has been started, found none; run "
            f"`league start --league {folder.root}`"
        )
    chosen = target or folder.backups / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    if chosen.exists():
        raise FolderError(
            f"{chosen}: expected the name of a new folder, found one that exists; choose another"
        )
    try:
        chosen.parent.mkdir(parents=True, exist_ok=True)
        with whole_folder(chosen) as partial:
            _copy(folder, LeagueFolder(partial))
    except OSError as error:
        raise FolderError(
            f"{chosen}: the backup failed and its files were removed: {_reason(error)}"
        ) from error
    return chosen


def _copy(folder: LeagueFolder, copy: LeagueFolder) -> None:
    with reader(folder, of_any_revision=True) as engine:
        backup(engine, copy.sqlite)
    # Snapshot files never change and rows are written after them: copied after the database, they
    # hold at least what it names. A file that is still being written has a temporary name.
    unfinished = shutil.ignore_patterns(f"{TEMPORARY_PREFIX}*")
    for source, aim in ((folder.snapshots, copy.snapshots), (folder.maps, copy.maps)):
        if source.is_dir():
            shutil.copytree(source, aim, ignore=unfinished)
    shutil.copyfile(folder.toml, copy.toml)
    copy.make_folders()


def _reason(error: OSError) -> str:
    """Return what went wrong and with which file; for the copy of a folder, its first error."""
    if isinstance(error, shutil.Error):
        source, _, reason = error.args[0][0]
        return f"{source}: {reason}"
    return str(error)
