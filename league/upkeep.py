"""Owns what keeps a league healthy by hand: backup, examination, and ratings from the log.

Promises: nothing here changes a league; a backup is whole or not there.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from arena.territory.engine.rules import MatchRules
from db import queries
from db.migrate import check_revision
from db.session import (
    backup,
    open_reader,
    open_writer,
    read_transaction,
    refuse_network_file_system,
    sqlite_version_report,
)
from league.errors import FolderError, RatingError
from league.folder import LeagueFolder
from league.ratings import first_difference, replay, scale_shift, smooth
from league.report.state import scale_anchor_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.records import RatingLogRow


@dataclass(frozen=True)
class Finding:
    """One line of an examination."""

    ok: bool
    text: str


@dataclass(frozen=True)
class Rerated:
    """The log replayed: whether it equals what is stored, and reported mu by member name.

    `online` is (mu, sigma) as stored, `smoothed` order-free, or empty when not asked for.
    """

    n_changes: int
    first_difference_seq: int | None
    online: dict[str, tuple[float, float]]
    smoothed: dict[str, tuple[float, float]]


def back_up(folder: LeagueFolder, target: Path | None) -> Path:
    """Copy database and settings into a new folder, beside a running league; returns the folder.

    Args:
        target: folder to make; None names one by the time inside the league.

    Raises:
        FolderError: the league is on a server or was never started, or the target exists or
            cannot be made.
    """
    place = folder.database()
    if not isinstance(place, Path):
        raise FolderError("the league is on a database server; back it up with pg_dump")
    if not place.is_file():  # opening it would make an empty one
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
    engine = open_writer(place)
    try:
        backup(engine, copy.sqlite)
    finally:
        engine.dispose()
    # Snapshot files never change and rows are written after them: copied after the database, they
    # hold at least what it names.
    for source, aim in ((folder.snapshots, copy.snapshots), (folder.maps, copy.maps)):
        if source.is_dir():
            shutil.copytree(source, aim, dirs_exist_ok=True)
    shutil.copyfile(folder.toml, copy.toml)
    copy.make_folders()
    return chosen


def rerate(folder: LeagueFolder, *, with_smooth: bool = False) -> Rerated:
    """Replay the rating log of the present season and compare it with the stored ratings."""
    engine = open_reader(folder.database())
    try:
        check_revision(engine)
        with read_transaction(engine) as session:
            config = queries.get_league_value(session, "config")
            members = queries.list_members(session)
            log: Sequence[RatingLogRow] = ()
            if config is not None:
                rules = MatchRules.from_json(config["rules"])
                log = queries.rating_log(session, rules.sha256())
    finally:
        engine.dispose()
    names = {member.id: member.name for member in members}
    different = first_difference(log)
    online = replay(log)
    smoothed = smooth(log) if with_smooth else {}
    anchor = scale_anchor_id(members)

    def named(ratings: dict[int, tuple[float, float]]) -> dict[str, tuple[float, float]]:
        shift = scale_shift(ratings, anchor)
        order = sorted(ratings, key=lambda member_id: (-ratings[member_id][0], member_id))
        return {names[i]: (ratings[i][0] + shift, ratings[i][1]) for i in order}

    return Rerated(
        n_changes=len(log),
        first_difference_seq=None if different is None else different.seq,
        online=named(online),
        smoothed=named(smoothed),
    )


def examine(folder: LeagueFolder) -> list[Finding]:
    """Look a league over: program, database, ratings, snapshots."""
    safe, sentence = sqlite_version_report()
    findings = [Finding(True, sentence if safe else f"note: {sentence}")]
    place = folder.database()
    if isinstance(place, Path):
        refuse_network_file_system(place)
    engine = open_reader(place)
    try:
        findings.append(Finding(True, f"database: revision {check_revision(engine)}"))
        with read_transaction(engine) as session:
            gap_free = queries.rating_log_is_gap_free(session)
            members = queries.list_members(session)
            failed = queries.matches_by_status(session).get("failed", 0)
    finally:
        engine.dispose()
    found = "without a gap" if gap_free else "rows are missing; restore a backup"
    findings.append(Finding(gap_free, f"rating log: {found}"))
    findings.append(_replay_finding(folder))
    shas = sorted({m.snapshot_sha256 for m in members if m.snapshot_sha256 is not None})
    problems = [text for sha in shas if (text := _snapshot_problem(folder, sha)) is not None]
    findings += [Finding(False, problem) for problem in problems]
    findings.append(
        Finding(not problems, f"snapshots: {len(shas) - len(problems)} of {len(shas)} good")
    )
    findings.append(Finding(True, f"matches: {failed} failed"))
    return findings


def _replay_finding(folder: LeagueFolder) -> Finding:
    try:
        seq = rerate(folder).first_difference_seq
    except RatingError as error:  # rows are missing: a finding, and the rest is looked at too
        return Finding(False, f"ratings: cannot be replayed: {error}")
    same = "equal to their replay" if seq is None else f"differ from their replay at seq {seq}"
    return Finding(seq is None, f"ratings: {same}")


def _snapshot_problem(folder: LeagueFolder, sha256: str) -> str | None:
    path = folder.snapshots / f"{sha256}.safetensors"
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        return f"{path}: expected a snapshot file: {error.strerror}; restore it from a backup"
    if found != sha256:
        return f"{path}: the bytes have changed since it was saved; restore it from a backup"
    return None
