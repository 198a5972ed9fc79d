"""Owns how a cut `league.toml` is noticed: its head says that there is a last line.

Promises: a file that this program wrote and that lost its end, at whatever byte, is refused and
never completed with defaults; so is one without any setting. A file of a person or of an older
version needs neither line. Reads the file as text, without the tree of settings.
"""

from __future__ import annotations

from pathlib import Path

from arena.foreign import ForeignFileError, read_foreign
from league.errors import ConfigError

MARK = "# The last line says that the file is whole."
LAST_LINE = "# End of the settings."
_MAX_BYTES = 1_000_000  # a written file has 8 kB; what is larger is for the reader to judge


def check_whole(path: Path) -> None:
    """Raise ConfigError if a `league.toml` was cut; whether it is TOML is not checked here."""
    problem = cut_problem(path)
    if problem is not None:
        raise ConfigError(
            f"{path}: {problem}, and what is missing must not become defaults; `league doctor "
            "--repair` writes it anew from the league's database, and a backup keeps a copy"
        )


def cut_problem(path: Path) -> str | None:
    """Return what shows that a `league.toml` was cut, or None."""
    try:
        text = read_foreign(path, _MAX_BYTES).decode("utf-8-sig", errors="replace")
    except ForeignFileError:
        return None  # the reader of the file says what is wrong with it
    lines = [line.strip() for line in text.splitlines()]
    if all(not line or line.startswith("#") for line in lines):
        return "expected settings, found none: the file was cut or emptied"
    if MARK in lines and LAST_LINE not in lines:
        return f"expected the last line {LAST_LINE!r}, found none: the file was cut"
    return None
