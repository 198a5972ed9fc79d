"""Which members descend from a taught policy, in a line under the standings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from league.report.state import MemberRow

TAUGHT_KEY = "taught"  # of a member's details


def taught_by(details: Mapping[str, object]) -> str | None:
    """Return who taught the member with these details, or one that it descends from."""
    note = details.get(TAUGHT_KEY)
    return str(note.get("by", "?")) if isinstance(note, dict) else None


def taught_lines(rows: Sequence[MemberRow]) -> list[str]:
    """Return a sentence for each teacher; [] when all members learnt from nothing."""
    pupils: dict[str, list[str]] = {}
    for row in rows:
        if row.taught_by is not None:
            pupils.setdefault(row.taught_by, []).append(row.name)
    found = []
    for teacher, names in pupils.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        found.append(f"Taught by {teacher}, not from nothing: {names[0]}{more}")
    return found
