"""Checks of the files that the database names, and of files that nothing names."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from arena.errors import ArenaError
from arena.files import TEMPORARY_PREFIX
from arena.processes.scratch import left_scratch
from db import queries
from db.records import FinishedReplay, MemberRecord
from league.errors import FolderError, StoreError
from league.folder.doctor.findings import Case, Finding, several
from league.folder.doctor.store import Kept
from league.folder.layout import LeagueFolder

N_SAMPLED = 8
# A sample of long matches must not hold up the other checks.
SAMPLE_LIMIT_S = 3.0
# Younger folders are the business of the next start, which may come any moment.
SCRATCH_AFTER_S = 86400.0
_CHECKPOINT = re.compile(r"checkpoint-\d{8,}-([0-9a-f]{16})\.safetensors")


def check_snapshots(case: Case) -> Finding:
    """Compare every member's snapshot file with its hash."""
    named = {m.snapshot_sha256 for m in case.members if m.snapshot_sha256 is not None}
    shas = sorted(kept_snapshots(case.members))
    pruned = f", {n} pruned" if (n := len(named) - len(shas)) else ""
    problems = [text for sha in shas if (text := snapshot_problem(case.folder, sha, case.kept))]
    text = f"snapshots: {len(shas) - len(problems)} of {len(shas)} good{pruned}"
    return several("WRONG", text, problems) if problems else Finding("ok", text)


def kept_snapshots(members: Sequence[MemberRecord]) -> set[str]:
    """Return the hashes of the snapshots that must be there: not all of their members are pruned.

    A pruned one may be there too, for an hour, or because somebody brought it back.
    """
    return {
        m.snapshot_sha256
        for m in members
        if m.snapshot_sha256 is not None and queries.PRUNED_EVENT not in m.details
    }


def snapshot_problem(folder: LeagueFolder, sha256: str, kept: Kept | None = None) -> str | None:
    """Return what is wrong with the file of a snapshot, or None.

    Args:
        kept: what the league's store holds; None in a league without one.
    """
    path = folder.snapshots / f"{sha256}.safetensors"
    if kept is not None and not path.exists():
        return kept.snapshot_problem(sha256)
    try:
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        return f"{path}: expected a snapshot file: {error.strerror}; restore it from a backup"
    if found != sha256:
        return f"{path}: the bytes have changed since it was saved; restore it from a backup"
    return None


def check_replays(case: Case) -> Finding:
    """Look for the replay of every finished match, and play a sample back, or all with `--all`."""
    if case.kept is not None and case.kept.trouble is not None:
        return Finding("note", "replays: not looked for, since the store does not answer")
    lost = lost_replays(case.folder, case.replays, case.kept)
    if lost:
        details = [f"match {match_id}: {reason}" for match_id, reason in lost.items()]
        return several("WRONG", f"replays: {len(lost)} lost", details)
    kept = [replay for replay in case.replays if replay.path is not None]
    record = queries.get_league_value(case.session, queries.PRUNING_KEY) or {}
    pruned = int(record.get("replays", {}).get("n", 0))
    none = len(case.replays) - len(kept) - pruned
    count = f"replays: {len(kept)} present" + f", {pruned} pruned" * (pruned > 0)
    count += f", {none} finished matches keep none" * (none > 0)
    return _play_back(case, kept, count)


def lost_replays(
    folder: LeagueFolder, replays: Sequence[FinishedReplay], kept: Kept | None = None
) -> dict[int, str]:
    """Return, by match id, why the replay that the database names is not there."""
    # One pass over the folder: asking for 20,000 files one by one takes seconds on some disks.
    sizes = {f"replays/{name}": size for name, size in _sizes(folder.replays)}
    sizes = sizes if kept is None else {**kept.replay_sizes(), **sizes}
    lost = {}
    for replay in replays:
        match_id, stored = replay.match_id, replay.path
        if stored is None:
            continue
        size = sizes.get(stored)
        if size is None:
            try:
                path = folder.inside(stored)
                size = path.stat().st_size if path.is_file() else None
            except (OSError, ValueError, FolderError) as error:
                lost[match_id] = str(error)
                continue
        if size is None:
            lost[match_id] = f"{stored} is missing"
        elif size == 0:
            lost[match_id] = f"{stored} has 0 bytes"
    return lost


def _sizes(folder: Path) -> Iterator[tuple[str, int]]:
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_file():
                yield entry.name, entry.stat().st_size


def _play_back(case: Case, kept: Sequence[FinishedReplay], count: str) -> Finding:
    from arena.replay import read_replay, verify
    from arena.territory.engine.compiled import is_compiled
    from arena.territory.maps import load_map

    edition = str((case.stored or {}).get("rules", {}).get("edition", "2025"))
    if kept and not case.thorough and not is_compiled(edition):
        return Finding("note", f"{count}; none played back, since the game is not compiled yet")
    chosen = kept if case.thorough else _spread(kept)
    ends = time.monotonic() + SAMPLE_LIMIT_S
    n, bad = 0, []
    for entry in chosen:
        case.progress(n, len(chosen))
        n += 1
        try:
            replay = read_replay(case.folder.replay(entry.path or ""))
            found = verify(replay, lambda reference: load_map(reference, base=case.folder.root))
            if found != entry.final_state_sha256:
                bad.append(f"match {entry.match_id}: {entry.path} is the replay of another match")
        except (ArenaError, FolderError, StoreError, OSError) as error:
            bad.append(f"match {entry.match_id}: {error}")
        if time.monotonic() > ends and not case.thorough:
            break
    text = f"{count}, {n} of them played back"
    return (
        several("WRONG", f"{text}, {len(bad)} do not verify", bad) if bad else Finding("ok", text)
    )


def _spread(kept: Sequence[FinishedReplay]) -> list[FinishedReplay]:
    """Return the newest replays first, then some spread over the others."""
    newest = list(reversed(kept[-N_SAMPLED // 2 :]))
    older = kept[: -N_SAMPLED // 2]
    step = max(1, len(older) // (N_SAMPLED // 2))
    return [*newest, *older[::step][: N_SAMPLED // 2]]


def check_checkpoints(case: Case) -> Finding:
    """Compare the newest checkpoint of every learner with the hash in its name."""
    folders = sorted(p for p in case.folder.checkpoints.glob("*") if p.is_dir())
    bad = []
    n = 0
    for folder in folders:
        newest = max((p for p in folder.iterdir() if _CHECKPOINT.fullmatch(p.name)), default=None)
        if newest is None:
            continue
        n += 1
        match = _CHECKPOINT.fullmatch(newest.name)
        try:
            digest = hashlib.sha256(newest.read_bytes()).hexdigest()
        except FileNotFoundError:
            continue  # a running learner keeps only the last three
        if match is not None and not digest.startswith(match[1]):
            bad.append(f"{newest}: the bytes have changed since it was written")
    if bad:
        return several("note", "checkpoints: the learner goes on from an older one", bad)
    return Finding("ok", f"checkpoints: the newest of {n} learners are whole")


def check_orphans(case: Case) -> Finding:
    """Look for files that no row names, and for parts of files left by killed processes."""
    known = {f"{m.snapshot_sha256}.safetensors" for m in case.members if m.snapshot_sha256}
    folder = case.folder
    found = [str(path) for path in leftovers(folder)]
    found += [
        str(folder.snapshots / name)
        for name, _ in _sizes(folder.snapshots)
        if name not in known and not name.startswith(TEMPORARY_PREFIX)
    ]
    named = {replay.path for replay in case.replays}
    record = queries.get_league_value(case.session, queries.PRUNING_KEY) or {}
    named |= {path for _, path in record.get("pending_replays", ())}  # the next start unlinks them
    young = case.now.timestamp() - 60.0  # a result that is being stored right now
    found += [
        str(folder.replays / name)
        for name, _ in _sizes(folder.replays)
        if f"replays/{name}" not in named
        and not name.startswith(TEMPORARY_PREFIX)
        and _time(folder.replays / name) < young
    ]
    if not found:
        return Finding("ok", "files that nothing names: none")
    return several("note", f"files that nothing names: {len(found)}", found)


def check_temporary(case: Case) -> Finding:
    """Look for temporary folders outside the league that killed processes left a day ago."""
    found = [str(path) for path in left_scratch(SCRATCH_AFTER_S)]
    if not found:
        return Finding("ok", "temporary folders: none is left of a killed process")
    text = f"temporary folders: {len(found)} left of killed processes more than a day ago"
    return several("note", f"{text}; the next start removes them", found)


def _time(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return float("inf")  # it has just gone


def leftovers(folder: LeagueFolder) -> list[Path]:
    """Return the parts of files and folders whose writer no longer exists."""
    places = [folder.root, folder.snapshots, folder.snapshots / "offered", folder.replays]
    places += [folder.maps, folder.logs, folder.backups, folder.cache]
    places += [path for path in folder.checkpoints.glob("*") if path.is_dir()]
    found = []
    for place in places:
        for path in place.glob(f"{TEMPORARY_PREFIX}*"):
            pid = path.name.removeprefix(TEMPORARY_PREFIX).partition("-")[0]
            if not _is_alive(pid):
                found.append(path)
        for path in place.glob("*.partial"):
            if not _is_alive(path.name.split(".")[-2]):
                found.append(path)
    return sorted(found)


def _is_alive(pid: str) -> bool:
    if not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
