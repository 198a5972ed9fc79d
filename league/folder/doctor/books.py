"""Checks of the database: its pages, its rating log, and the rows that must agree."""

from __future__ import annotations

from db import queries
from db.session import sqlite_version_report
from league.errors import RatingError
from league.folder.doctor.findings import Case, Finding, several
from league.folder.rerate import rerate
from league.rating.engines import OLD_ENGINE
from league.rating.season import Season

# Changes that a second or two replay, by rating engine; longer logs are replayed only when asked
# for. A league of an older version has no engine in its settings: it is rated by the package.
SHORT_LOG = {"compiled": 500_000, "trueskill": 10_000}


def check_program(case: Case) -> Finding:
    """Say whether the SQLite library in use is one that can damage a database."""
    safe, sentence = sqlite_version_report()
    return Finding("ok" if safe else "note", sentence)


def check_pages(case: Case) -> Finding:
    """Let SQLite check its pages, indices, constraints and foreign keys."""
    problems = queries.integrity_problems(case.session)
    if problems:
        return several(
            "WRONG",
            "database pages: damaged; restore a backup",
            problems,
        )
    size = queries.database_bytes(case.session)
    n = max(1, len(case.replays))
    return Finding(
        "ok",
        f"database pages: whole, {size / 1e6:.1f} MB, {size / n / 1000:.1f} kB a finished match",
    )


def check_rows(case: Case) -> Finding:
    """Compare status, seats and ratings of all matches."""
    found = queries.contradictory_matches(case.session)
    if not found:
        return Finding("ok", "matches and ratings: agree")
    details = [
        f"{entry.n} {entry.what} (match {', '.join(map(str, entry.match_ids))}"
        f"{', ...' if entry.n > len(entry.match_ids) else ''})"
        for entry in found
    ]
    return several(
        "WRONG", "matches and ratings: contradict each other, try `league doctor --repair`", details
    )


def check_gaps(case: Case) -> Finding:
    """Look for rows that were removed from the rating log."""
    if queries.rating_log_is_gap_free(case.session):
        return Finding("ok", "rating log: without a gap")
    return Finding("WRONG", "rating log: rows are missing; restore a backup")


def check_ratings(case: Case) -> Finding:
    """Recompute the ratings from the log, unless it is long and `--all` was not given."""
    n = queries.n_rating_changes(case.session)
    engine = OLD_ENGINE if case.stored is None else Season.of(case.stored).engine
    if n > SHORT_LOG.get(engine, 0) and not case.thorough:
        return Finding(
            "note", f"ratings: {n} changes not replayed; `league doctor --all` replays them"
        )
    try:
        seq = rerate(case.folder).first_difference_seq
    except RatingError as error:  # rows are missing: a finding; the other checks go on
        return Finding("WRONG", f"ratings: cannot be replayed: {error}")
    if seq is not None:
        return Finding("WRONG", f"ratings: differ from their replay at seq {seq}")
    return Finding("ok", "ratings: equal to their replay")


def check_failed(case: Case) -> Finding:
    """Count the matches that were given up: worth knowing, but nothing is damaged."""
    failed = queries.matches_by_status(case.session).get("failed", 0)
    return Finding("ok" if failed == 0 else "note", f"matches: {failed} failed")
