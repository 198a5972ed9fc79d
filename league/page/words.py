"""Owns how a page writes numbers, moments, names and foreign text.

Promises: foreign text shows no control characters, no password of an address and no path of a
machine: of a path its last part stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from league.plain_text import visible

_PASSWORD = re.compile(r"(?<=://)[^/@\s]*@")
# Two parts or more, and not within a word, an address or a relative path.
_PATH = re.compile(r"(?<![\w.:/~@-])~?(?:/[^\s/:;,'\"()<>]+)+/?|\b[A-Za-z]:\\[^\s:;,'\"()<>]+")


def public(text: object, root: str = "") -> str:
    """Return foreign text as a page may show it.

    Args:
        root: absolute path of the league folder, which is shortened to its name.
    """
    found = str(text)
    if len(root) > 1:
        found = found.replace(root, re.split(r"[/\\]", root)[-1])
    found = _PATH.sub(_last_part, _PASSWORD.sub("", found))
    return visible(found)


def _last_part(path: re.Match[str]) -> str:
    return re.split(r"[/\\]", path[0].rstrip("/\\"))[-1]


def number(value: float | None, digits: int = 2) -> str:
    """Return a number with at most two decimals, "-" for none."""
    return "-" if value is None else f"{value:,.{digits}f}"


def percent(share: float | None, digits: int = 0) -> str:
    """Return a share as per cent."""
    return "-" if share is None else f"{100 * share:.{digits}f} %"


def chance(p: float) -> str:
    """Return a probability with two significant digits."""
    return "< 0.001" if p < 0.001 else "> 0.999" if p > 0.999 else f"{p:.2g}"


def moment(at: datetime | None) -> str:
    """Return a moment to the minute, in UTC."""
    return "-" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


def duration(seconds: float | None) -> str:
    """Return a length of time such as `3 h 12 min` or `42 s`."""
    if seconds is None:
        return "-"
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02d} min"
    return f"{hours // 24} d {hours % 24} h"


def amount(n_bytes: float | None) -> str:
    """Return bytes as kB, MB or GB."""
    if n_bytes is None:
        return "-"
    for least, unit in ((1e9, "GB"), (1e6, "MB")):
        if n_bytes >= least:
            return f"{n_bytes / least:.3g} {unit}"
    return f"{n_bytes / 1e3:.3g} kB"


def counted(n: int, one: str, several: str | None = None) -> str:
    """Return a number with its noun."""
    return f"{n:,} {one if n == 1 else several or one + 's'}"


def listed(words: Sequence[str], most: int = 6) -> str:
    """Return words as `a, b and c`, or `a, b and 7 more`."""
    if len(words) > most:
        return f"{', '.join(words[: most - 1])} and {len(words) - most + 1} more"
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def interval(low: int | None, high: int | None) -> str:
    """Return ranks as `3` or `2-5`."""
    if low is None or high is None:
        return "-"
    return str(low) if low == high else f"{low}-{high}"
