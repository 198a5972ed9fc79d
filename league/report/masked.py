"""Which members choose with the relation mask, in a line under the standings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from league.report.state import MemberRow


def masked_lines(rows: Sequence[MemberRow]) -> list[str]:
    """Return a sentence on the members with the mask; [] when all choose freely.

    The mask is knowledge that no learner found: whoever reads the standings must know.
    """
    names = [row.name for row in rows if row.relation_mask]
    if not names:
        return []
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return [f"With the relation mask, which is made by hand: {names[0]}{more}"]
