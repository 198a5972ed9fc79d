"""Owns the copying of a league into a new folder, beside a running daemon.

Promises: the league does not change, and a backup is whole or not there.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from db.session import backup
from league.errors import FolderError
from league.folder.connect import reader
from league.folder.layout import LeagueFolder


def back_up(folder: LeagueFolder, target: Path | None) -> Path:
    """Copy database and settings into a new folder, beside a running league; returns the folder.

    Args:
        target: folder to make; None names one by the time inside the league.

    Raises:
        FolderError: the league is on a server or was never started, or the target exists or
            cannot be made.
    """
    place = folder.database()
    if place.path is None:
        raise FolderError("the league is on a database server; back it up with pg_dump")
    if not place.path.is_file():
        raise FolderError(
            f"{place}: expected the database of a league that was started once, found none; run "
            f"`league start --league {folder.root}`"
        )
    chosen = target or folder.backups / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    try:
        chosen.mkdir(parents=True)
    except OSError as error:
        raise FolderError(f"{chosen}: expected to make a new folder: {error.strerror}") from error
    copy = LeagueFolder(chosen)
    with reader(folder, of_any_revision=True) as engine:
        backup(engine, copy.sqlite)
    # Snapshot files never change and rows are written after them: copied after the database, they
    # hold at least what it names.
    for source, aim in ((folder.snapshots, copy.snapshots), (folder.maps, copy.maps)):
        if source.is_dir():
            shutil.copytree(source, aim, dirs_exist_ok=True)
    shutil.copyfile(folder.toml, copy.toml)
    copy.make_folders()
    return chosen
