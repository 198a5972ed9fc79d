"""Owns backups: whole copies of a league in a new folder, made even while the daemon runs.

Promises: the league is not changed; a backup is complete and on the disk, or does not exist; a
league can be restored from it and goes on as after a crash at the moment of the backup.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from arena.files import whole_folder, write_whole
from db.session import backup, open_reader
from league.errors import FolderError
from league.folder.copying import Copied, bytes_under, copy_files
from league.folder.layout import LeagueFolder

Progress = Callable[[int, int], None]
"""Hears how many bytes the copy holds, and of how many."""

NOT_COPIED = "logs and older backups"
_DATABASE_URL = re.compile(r"(?ms)^(\[database\][^\[]*?^\s*url\s*=)[^\n]*")


@dataclass(frozen=True)
class Backup:
    """A copy of a league: its folder, what was copied by kind, and what its store keeps."""

    path: Path
    parts: dict[str, Copied]
    in_store: str | None = None

    def sentence(self) -> str:
        """Return what was copied, and what was not."""
        total = sum(self.parts.values(), Copied())
        kinds = ", ".join(f"{part.n_files:,} {kind}" for kind, part in self.parts.items())
        linked = f" and {total.n_linked:,} files linked" if total.n_linked else ""
        not_copied = f"{NOT_COPIED}; {self.in_store}" if self.in_store else NOT_COPIED
        return f"{kinds}: {total.n_bytes / 1e6:,.1f} MB copied{linked}; not copied: {not_copied}"


def _silent(done: int, total: int) -> None:
    pass


def back_up(
    folder: LeagueFolder,
    target: Path | None,
    *,
    incremental: bool = False,
    progress: Progress = _silent,
) -> Backup:
    """Copy a league into a new folder, even while it runs.

    Args:
        target: folder to make; None makes one inside the league, named after the present time.
        incremental: link files that the newest backup beside the target holds, in place of copying
            them; the first backup copies everything.

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
    previous = _newest_backup(chosen.parent) if incremental else None
    return _make_copy(folder, place.path, chosen, previous, progress)


def restore(source: Path, target: Path, *, progress: Progress = _silent) -> Backup:
    """Make a league of a backup, in a new or empty folder; the backup stays as it is.

    Raises:
        FolderError: `source` is not a backup, `target` holds anything, or a file cannot be copied.
        DatabaseError: the database of the backup is damaged.
    """
    held = LeagueFolder.at(source)
    chosen = LeagueFolder.at(target).root
    if not held.is_league() or not held.sqlite.is_file():
        raise FolderError(
            f"{source}: expected a folder made by `league backup`, with {held.toml.name} and "
            f"{held.sqlite.name}; found no such files; see the backups of a league in its "
            "folder `backups`"
        )
    if chosen.is_relative_to(held.root):
        raise FolderError(
            f"{target}: expected a folder outside the backup {source}; name another with --league"
        )
    if chosen.exists() and (not chosen.is_dir() or any(chosen.iterdir())):
        raise FolderError(
            f"{target}: expected a new or empty folder for the restored league, found one that "
            "holds something; move it away, or name another with --league"
        )
    if chosen.exists():
        chosen.rmdir()  # empty; the copy takes its name when it is whole
    return _make_copy(held, held.sqlite, chosen, None, progress)


def _make_copy(
    league: LeagueFolder,
    database: Path,
    chosen: Path,
    previous: Path | None,
    progress: Progress,
) -> Backup:
    try:
        chosen.parent.mkdir(parents=True, exist_ok=True)
        with whole_folder(chosen, durable=True) as partial:
            parts = _copy(league, database, LeagueFolder(partial), previous, progress)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise FolderError(
            f"{chosen}: the copy failed and its files were removed: "
            f"{where}{error.strerror or error}"
        ) from error
    from league.folder.doctor.store import held_by_store  # loads much that a copy does not need

    return Backup(chosen, parts, held_by_store(league))


def _copy(
    league: LeagueFolder,
    database: Path,
    copy: LeagueFolder,
    previous: Path | None,
    progress: Progress,
) -> dict[str, Copied]:
    """Copy in the order that leaves a league as after a crash, whatever the daemon does meanwhile.

    Checkpoints and offers before the database: an offer that is settled meanwhile is in the copy
    with its description, and is admitted (again) at the next start; a learner never is ahead of
    the database. Snapshots, replays and maps after it: rows are written after the files that they
    name, so that the copy holds at least these. Replays and snapshots before it, too: after it the
    daemon may prune what the copy's rows still name.
    """

    folders = ("checkpoints", "snapshots", "replays", "maps")
    total = database.stat().st_size + sum(bytes_under(league.root / name) for name in folders)
    done = 0

    def heard(n_bytes: int) -> None:
        nonlocal done
        done = min(done + n_bytes, total)  # a league that runs grows meanwhile
        progress(done, total)

    def copied(name: str, *, link: bool = True) -> Copied:
        earlier = previous / name if previous is not None and link else None
        return copy_files(league.root / name, copy.root / name, earlier, heard)

    progress(0, total)

    checkpoints = copied("checkpoints")
    offers = copied("snapshots/offered", link=False)
    early = {kind: copied(kind) for kind in ("replays", "snapshots")}
    engine = open_reader(database)  # of any revision: the next start migrates it
    try:
        backup(engine, copy.sqlite)
    finally:
        engine.dispose()
    heard(copy.sqlite.stat().st_size)
    parts = {
        "database": Copied.of(copy.sqlite),
        "replays": early["replays"] + copied("replays"),
        "snapshots": offers + early["snapshots"] + copied("snapshots"),
        "checkpoints": checkpoints,
        "map files": copied("maps"),
    }
    _copy_settings(league, copy)
    copy.make_folders()
    return parts


def _copy_settings(league: LeagueFolder, copy: LeagueFolder) -> None:
    """Copy `league.toml`; a copy keeps its database in its own folder, whatever the league does."""
    text = league.toml.read_bytes()
    if league.database().path != league.sqlite:
        text = _DATABASE_URL.sub(r'\1 "off"', text.decode()).encode()
    write_whole(copy.toml, text)
    if copy.database().path != copy.sqlite:
        raise FolderError(
            f"{league.toml}: expected database.url in a section [database], so that the copy can "
            "be given a database of its own; write it so"
        )


def _newest_backup(folder: Path) -> Path | None:
    """Return the newest backup in a folder, or None."""
    found = [LeagueFolder(path) for path in folder.iterdir()] if folder.is_dir() else []
    backups = [held for held in found if held.is_league() and held.sqlite.is_file()]
    newest = max(backups, key=lambda held: held.sqlite.stat().st_mtime_ns, default=None)
    return None if newest is None else newest.root
