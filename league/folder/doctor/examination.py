"""Owns the examination of a league: which checks there are, and that one never ends the others.

Promises: nothing here changes a league.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from db import queries
from db.errors import DatabaseError
from db.migrate import head_revision
from db.session import refuse_network_file_system
from league.errors import ConfigError, LeagueError
from league.folder.connect import reading
from league.folder.doctor import books, files, health, settings, store
from league.folder.doctor.findings import Case, Finding
from league.folder.layout import LeagueFolder
from league.folder.memory import stored_settings
from league.folder.running import find_pause

# Pages first: what the other checks say about a damaged database means little.
CHECKS: tuple[Callable[[Case], Finding], ...] = (
    books.check_program,
    books.check_pages,
    books.check_gaps,
    books.check_rows,
    books.check_ratings,
    books.check_failed,
    files.check_snapshots,
    files.check_replays,
    files.check_checkpoints,
    files.check_orphans,
    files.check_temporary,
    settings.check_settings,
    settings.check_permissions,
    health.check_learners,
    health.check_alarms,
    health.check_play,
    health.check_disk,
    health.check_clock,
)


def examine(
    folder: LeagueFolder,
    *,
    running_since: datetime | None = None,
    thorough: bool = False,
    now: datetime | None = None,
    progress: Callable[[int, int, str], None] = lambda done, total, what: None,
) -> list[Finding]:
    """Make every check of a league and return one finding for each.

    Args:
        running_since: when the daemon that runs was started; None if none runs.
        thorough: replay all ratings and all replays, which may take hours.
        progress: called before each check with (0, 0) and its number and name, and by a check of
            many parts with how many are done, and of how many.
    """
    try:
        place = folder.database()
        if place.path is not None:
            refuse_network_file_system(place.path)
        with reading(folder) as session:
            findings = [Finding("ok", f"database: revision {head_revision()}")]  # or refused
            members = queries.list_members(session)
            case = Case(
                folder=folder,
                session=session,
                members=members,
                stored=stored_settings(session),
                running_since=running_since,
                thorough=thorough,
                now=now or datetime.now(UTC),
                replays=queries.finished_replays(session),
                pause=None if running_since is None else find_pause(folder),
                kept=store.list_store(folder, fetches=thorough),
            )
            checks = CHECKS if case.kept is None else (*CHECKS, store.check_store)
            for done, check in enumerate(checks):
                name = check.__name__.removeprefix("check_").replace("_", " ")
                said = f"check {done + 1} of {len(checks)}: {name}"
                progress(0, 0, said)
                heard = partial(_hear, progress, said)
                findings.append(_make(check, replace(case, progress=heard)))
            return findings
    except ConfigError:  # a cut league.toml, which may have named another database
        return _without_database(folder)
    # Damaged rows raise what their columns cannot hold: TypeError, ValueError, KeyError.
    except (DatabaseError, LeagueError, OSError, TypeError, ValueError, LookupError) as error:
        return [Finding("WRONG", f"database: {error}"), *_without_database(folder)]


def _hear(progress: Callable[[int, int, str], None], said: str, done: int, total: int) -> None:
    progress(done, total, f"{said}, {done:,} of {total:,}")


def _without_database(folder: LeagueFolder) -> list[Finding]:
    """Return what can be said when the database cannot be read."""
    problem = settings.toml_problem(folder.toml)
    checked = (
        Finding("ok", "league.toml: a whole file")
        if problem is None
        else Finding("WRONG", f"league.toml: {problem}; {settings.REPAIR}")
    )
    return [checked, Finding("note", "the other checks need the database and were not made")]


def _make(check: Callable[[Case], Finding], case: Case) -> Finding:
    try:
        return check(case)
    except Exception as error:  # damage takes any form, and the other checks must go on
        cause = getattr(error, "orig", None) or error
        name = check.__name__.removeprefix("check_")
        sentence = (str(cause).splitlines() or [""])[0]
        return Finding(
            "WRONG", f"{name}: the check could not be made: {type(cause).__name__}: {sentence}"
        )
