"""Owns the files that pruning removes: how large they are, and how they go after their rows.

Promises: only files of `replays/` and `snapshots/` are ever unlinked, and none that a row names.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from arena.files import TEMPORARY_PREFIX, sync_folder
from db import queries
from db.session import read_transaction, write_transaction
from league.errors import StoreMissingError
from league.folder.layout import LeagueFolder
from league.pruning.record import PruningRecord, read_record, why_snapshot_is_gone, write_record
from league.store.names import without_digest
from league.store.store import StorePlace

_SCANNED = 2_000  # files looked at between two yields


def finish_pending(
    folder: LeagueFolder, engine: Engine, *, only_replays: bool = False, nobody_runs: bool = False
) -> Iterator[None]:
    """Unlink the files whose rows are changed already, now or by a process that died.

    A file that a row names again (a member's weights that were imported once more) stays.

    Args:
        nobody_runs: no learner can hold a snapshot any more: the grace is over.
    """
    with read_transaction(engine) as session:
        record = read_record(session)
        replays = record.pending_replays
        kept = queries.matches_with_replay(session, [match_id for match_id, _ in replays])
        now = datetime.now(UTC).isoformat(timespec="seconds")
        snapshots = [
            sha256
            for sha256, due in record.pending_snapshots.items()
            if not only_replays and (nobody_runs or due <= now)
        ]
        unnamed = [sha for sha in snapshots if not _is_named(session, sha)]
    if not replays and not snapshots:
        return
    paths = [
        path
        for match_id, stored in replays
        if match_id not in kept and (path := replay_file(folder, stored)) is not None
    ]
    gone = [*paths, *(snapshot_file(folder, sha256) for sha256 in unnamed)]
    _remove_from_store(folder, gone)
    _unlink(gone)
    with write_transaction(engine, durable=False) as session:
        record = read_record(session, to_change=True)
        done = set(replays)
        write_record(
            session,
            replace(
                record,
                pending_replays=tuple(p for p in record.pending_replays if p not in done),
                pending_snapshots={
                    sha256: due
                    for sha256, due in record.pending_snapshots.items()
                    if sha256 not in snapshots
                },
            ),
        )
    yield


def pending_paths(folder: LeagueFolder, record: PruningRecord) -> set[str]:
    """Return the files that are still to be unlinked, relative to the league folder."""
    return {path for _, path in record.pending_replays} | {
        folder.relative(snapshot_file(folder, sha256)) for sha256 in record.pending_snapshots
    }


def _is_named(session: Session, sha256: str) -> bool:
    held_by = queries.members_by_snapshot(session, sha256)
    return any(why_snapshot_is_gone(member) is None for member in held_by)


def _unlink(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
    for place in {path.parent for path in paths}:
        if place.is_dir():
            sync_folder(place)  # before the record forgets them


def _remove_from_store(folder: LeagueFolder, paths: Sequence[Path]) -> None:
    """Remove the same files from the league's store; raises StoreAwayError, an OSError."""
    place = folder.store()
    if place is None or not paths:
        return
    store = place.open()
    keys = []
    for path in paths:
        with suppress(StoreMissingError):
            keys.append(store.find(path.relative_to(folder.root).as_posix()))
    store.delete(keys)


class StoreSizes:
    """The bytes of the replays and snapshots in a league's store.

    Raises:
        StoreAwayError: an OSError; the store does not answer.
    """

    def __init__(self, folder: LeagueFolder, place: StorePlace) -> None:
        self._root = folder.root
        store = place.open()
        self._sizes = {
            kind: {
                entry.key: entry.n_bytes
                for entry in store.list(f"{kind}/")
                if "/offered/" not in entry.key
            }
            for kind in ("replays", "snapshots")
        }
        self._short = {without_digest(key): n for key, n in self._sizes["replays"].items()}

    def total(self, kind: str) -> int:
        """Return the bytes of all files of a kind."""
        return sum(self._sizes[kind].values())

    def of(self, path: Path) -> int:
        """Return the bytes of a file that the league's folder would hold; 0 if there is none."""
        key = path.relative_to(self._root).as_posix()
        kind = key.partition("/")[0]
        return self._sizes.get(kind, {}).get(key) or self._short.get(key, 0)


def store_sizes(folder: LeagueFolder) -> StoreSizes | None:
    """Return what the files in a league's store take; None in a league without a store."""
    place = folder.store()
    return None if place is None else StoreSizes(folder, place)


def replay_file(folder: LeagueFolder, stored: str) -> Path | None:
    """Return the file of a stored path if it lies among the replays: nothing else may go.

    By its text alone: asking the disk about each part took 0.4 s for 200 replays, and `replays/`
    may be a link to another disk.
    """
    first, *rest = stored.split("/")
    is_plain = first == folder.replays.name and rest and not {"", ".", ".."} & set(rest)
    return folder.root / stored if is_plain and "\0" not in stored else None


def snapshot_file(folder: LeagueFolder, sha256: str) -> Path:
    return folder.snapshots / f"{sha256}.safetensors"


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def file_sizes(folder: Path) -> Iterator[int | None]:
    """Yield the size of every file of a folder and its sub-folders, and None for a pause."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for n, entry in enumerate(entries, start=1):
            if n % _SCANNED == 0:
                yield None
            with suppress(FileNotFoundError):
                if entry.is_dir(follow_symlinks=False):
                    yield from file_sizes(Path(entry.path))
                elif not entry.name.startswith(TEMPORARY_PREFIX):
                    yield entry.stat(follow_symlinks=False).st_size
