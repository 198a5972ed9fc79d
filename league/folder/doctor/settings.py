"""Checks of `league.toml`: whole, equal to the frozen settings, and readable by nobody else."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from arena.foreign import (
    MAX_TEXT_BYTES,
    ForeignFileError,
    parse_toml,
    read_foreign,
    reason_of,
)
from league.config.layers import check_frozen, resolve
from league.config.toml import HEAD, write_toml
from league.config.tree import LeagueConfig
from league.config.whole import MARK, cut_problem
from league.errors import ConfigError
from league.folder.doctor.findings import Case, Finding

LAST_SECTION_OF_0_1_0 = "database"
REPAIR = "`league doctor --repair` writes it anew from the settings of the newest start"


def check_settings(case: Case) -> Finding:
    """Compare `league.toml` with what a league writes and with its frozen settings."""
    problem = toml_problem(case.folder.toml)
    if problem is not None:
        return Finding("WRONG", f"league.toml: {problem}; {REPAIR}")
    try:
        config = resolve(None, case.folder.toml, stored=case.stored)
        if case.stored is not None:
            check_frozen(case.stored, config)
    except ConfigError as error:
        return Finding("WRONG", f"league.toml: {error}")
    if case.stored is None:
        return Finding("note", "league.toml: whole, but the database holds no settings to compare")
    return Finding("ok", "league.toml: whole and equal to the frozen settings")


def toml_problem(path: Path) -> str | None:
    """Return what shows that the file was damaged or cut, or None.

    Keys that a person has removed take their defaults and are no problem. A cut file that happens
    to end between two keys reads like one of those, so that its last section is looked for.
    """
    try:
        raw = read_foreign(path, MAX_TEXT_BYTES).decode("utf-8-sig")
    except (ForeignFileError, UnicodeDecodeError) as error:
        return f"expected a readable text file: {error}"
    if not raw.strip():
        return f"expected settings, found {path.stat().st_size} bytes without any"
    try:
        values = parse_toml(path)
    except (ForeignFileError, ValueError) as error:
        return f"expected TOML: {reason_of(error)}"
    cut = cut_problem(path)
    if cut is not None:
        return cut
    # Written by 0.1.0, whose files have no last line to look for. Later files may have later
    # sections, which those do not have.
    is_old = HEAD.splitlines()[0] in raw and MARK not in raw
    if is_old and not values.get(LAST_SECTION_OF_0_1_0):
        return f"expected a last section [{LAST_SECTION_OF_0_1_0}], found none: the file was cut"
    return None


def check_permissions(case: Case) -> Finding:
    """See that a password in `league.toml` can be read by its owner alone."""
    if not case.folder.database().has_password:
        return Finding("ok", "permissions: no password in league.toml")
    if is_open(case.folder.toml):
        return Finding(
            "WRONG",
            "permissions: league.toml holds the password of database.url and others can read it; "
            f"run `chmod 600 {case.folder.toml}`, or `league doctor --repair`",
        )
    return Finding("ok", "permissions: league.toml, which holds a password, is its owner's alone")


def is_open(path: Path) -> bool:
    """Return whether anybody but the owner may read or write a file."""
    return os.name == "posix" and bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def stored_toml(stored: dict[str, Any]) -> str:
    """Return the text of `league.toml` for the settings that the database holds."""
    return write_toml(LeagueConfig.from_json(stored))
