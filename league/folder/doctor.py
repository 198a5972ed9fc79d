"""Owns the checks of `league doctor`: program, database, ratings, snapshots.

Promises: nothing here changes a league.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from db import queries
from db.migrate import head_revision
from db.session import refuse_network_file_system, sqlite_version_report
from league.errors import RatingError
from league.folder.connect import reading
from league.folder.layout import LeagueFolder
from league.folder.rerate import rerate


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    ok: bool
    text: str


def examine(folder: LeagueFolder) -> list[Finding]:
    """Check a league: program, database, ratings, snapshots."""
    safe, sentence = sqlite_version_report()
    findings = [Finding(True, sentence if safe else f"note: {sentence}")]
    place = folder.database()
    if place.path is not None:
        refuse_network_file_system(place.path)
    with reading(folder) as session:
        findings.append(Finding(True, f"database: revision {head_revision()}"))  # or refused
        gap_free = queries.rating_log_is_gap_free(session)
        members = queries.list_members(session)
        failed = queries.matches_by_status(session).get("failed", 0)
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
    except RatingError as error:  # rows are missing: a finding; the other checks go on
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
