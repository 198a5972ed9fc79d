"""Owns the repairs of `league doctor --repair`: what can be healed without losing anything.

Promises: the caller holds the league's lock, so that no daemon runs, and on a server `repair` holds
the database too; a damaged file is replaced only by one whose hash is right, or kept under another
name; every repair is one sentence, and one event where the database changed. No row of the rating
log is ever touched.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from arena.errors import ReplayError
from arena.files import OWNER_ALONE, write_whole
from arena.processes.scratch import remove_scratch
from arena.replay import read_replay
from db import queries
from db.hold import DatabaseHold
from db.session import open_reader, read_transaction, write_transaction
from league.errors import FolderError
from league.folder.connect import writer
from league.folder.doctor.files import (
    SCRATCH_AFTER_S,
    kept_snapshots,
    leftovers,
    lost_replays,
    snapshot_problem,
)
from league.folder.doctor.settings import is_open, stored_toml, toml_problem
from league.folder.doctor.store import list_store
from league.folder.layout import LeagueFolder
from league.folder.memory import stored_settings


def repair(folder: LeagueFolder) -> list[str]:
    """Heal a league that no daemon runs; return a sentence for each thing done.

    Raises:
        DatabaseError, FolderError, OSError: the database or a file cannot be read or written.
    """
    done = [*_remove_leftovers(folder), *_remove_temporary()]
    done += [*_rewrite_settings(folder), *_close_settings(folder)]
    folder.make_folders()
    if folder.database().path is not None and not folder.sqlite.is_file():
        return done
    with writer(folder) as engine:
        hold = DatabaseHold(engine)  # on a server: a daemon of another folder may run
        try:
            for heal in _OF_THE_DATABASE:
                done += heal(folder, engine)
        finally:
            hold.close()
    return done


def _remove_leftovers(folder: LeagueFolder) -> Iterator[str]:
    for path in leftovers(folder):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
        yield f"removed {path}, which its writer left unfinished"


def _remove_temporary() -> Iterator[str]:
    for path in remove_scratch(SCRATCH_AFTER_S):
        yield f"removed {path}, which a killed process left"


def _rewrite_settings(folder: LeagueFolder) -> Iterator[str]:
    """Write a damaged `league.toml` anew from the database; the old one is kept beside it."""
    problem = toml_problem(folder.toml)
    if problem is None or not folder.sqlite.is_file():
        return
    engine = open_reader(folder.sqlite)
    try:
        with read_transaction(engine) as session:
            stored = stored_settings(session)
    finally:
        engine.dispose()
    if stored is None:
        return
    kept = folder.toml.with_name(f"league.toml.damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    shutil.copy2(folder.toml, kept)
    write_whole(folder.toml, stored_toml(stored).encode(), durable=True)
    yield (
        f"wrote league.toml from the settings of the newest start ({problem}); the damaged file is "
        f"{kept.name}, comments and changes since that start are only there"
    )


def _close_settings(folder: LeagueFolder) -> Iterator[str]:
    if folder.database().has_password and is_open(folder.toml):
        folder.toml.chmod(OWNER_ALONE)
        yield "made league.toml, which holds a password, readable by its owner alone"


def _heal_matches(folder: LeagueFolder, engine: Engine) -> Iterator[str]:
    """Finish or plan again the matches that were put back with their results in place."""
    with read_transaction(engine) as session:
        if not queries.find_unfinished_results(session):
            return
    with write_transaction(engine) as session:
        found = queries.heal_unfinished_results(session)
        healed = [result for result in found if result.cure != "none"]
        for result in healed:
            queries.add_event(session, "repaired", str(result), match_id=result.match_id)
    yield from map(str, healed)


def _restore_snapshots(folder: LeagueFolder, engine: Engine) -> Iterator[str]:
    """Bring back damaged snapshots from copies; without a good one their members rest."""
    with read_transaction(engine) as session:
        members = queries.list_members(session)
    kept = list_store(folder, fetches=True)
    if kept is not None and kept.trouble is not None:
        return  # what it holds cannot be told: nothing of it is repaired
    for sha256 in sorted(kept_snapshots(members)):
        if snapshot_problem(folder, sha256, kept) is None:
            continue
        name = f"{sha256}.safetensors"
        copy = next((path for path in _copies(folder, name) if _has_hash(path, sha256)), None)
        if copy is not None:
            write_whole(folder.snapshots / name, copy.read_bytes(), durable=True)
            yield f"brought snapshot {sha256[:12]} back from {copy}"
            continue
        for member in members:
            if member.snapshot_sha256 != sha256 or member.status != "active":
                continue
            text = (
                f"{member.name} is quarantined: its snapshot {sha256[:12]} is damaged and no copy "
                f"was found; put a good one into snapshots/, then `league members resume "
                f"{member.name}`"
            )
            with write_transaction(engine) as session:
                queries.set_status(session, member.id, "quarantined")
                queries.add_event(session, "quarantined", text, level="alarm", member_id=member.id)
            yield text


def _copies(folder: LeagueFolder, name: str) -> Iterator[Path]:
    yield folder.snapshots / "offered" / name
    yield from sorted(folder.backups.glob(f"*/snapshots/{name}"), reverse=True)


def _has_hash(path: Path, sha256: str) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    except OSError:
        return False


def _restore_replays(folder: LeagueFolder, engine: Engine) -> Iterator[str]:
    """Bring back lost replays from backups; of the others the database says that they are gone."""
    with read_transaction(engine) as session:
        kept = list_store(folder)
        if kept is not None and kept.trouble is not None:
            return
        lost = lost_replays(folder, queries.finished_replays(session), kept)
        matches = {match_id: queries.get_match(session, match_id) for match_id in lost}
    gone = []
    n_restored = 0
    for match_id in lost:
        stored = matches[match_id].replay_path
        copy = _replay_copy(folder, stored, matches[match_id].final_state_sha256)
        if copy is None or stored is None:
            gone.append(match_id)
            continue
        write_whole(folder.inside(stored), copy.read_bytes(), durable=True)
        n_restored += 1
    if n_restored:
        yield f"brought {n_restored} replays back from backups"
    if gone:
        text = (
            f"{len(gone)} replays are lost ({', '.join(map(str, gone[:5]))}"
            f"{', ...' if len(gone) > 5 else ''}); results and ratings of these matches stay"
        )
        with write_transaction(engine) as session:
            queries.clear_replay_paths(session, gone)
            queries.add_event(
                session, "replays_lost", text, level="warning", details={"matches": gone}
            )
        yield text


def _replay_copy(folder: LeagueFolder, stored: str | None, state_sha256: str | None) -> Path | None:
    for backup in sorted(folder.backups.glob("*/league.toml"), reverse=True):
        try:
            path = LeagueFolder(backup.parent).inside(stored or "")
            if read_replay(path).final_state_sha256 == state_sha256:
                return path
        except (ReplayError, FolderError, OSError):
            continue
    return None


_OF_THE_DATABASE: tuple[Callable[[LeagueFolder, Engine], Iterator[str]], ...] = (
    _heal_matches,
    _restore_snapshots,
    _restore_replays,
)
