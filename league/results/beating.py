"""Owns the payoff of a league as a table: who beats whom in how many matches, and cycles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from db import queries
from league.rating.payoff import Payoff
from league.rating.trueskill import conservative

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

MAX_CYCLES = 20


def payoff_document(session: Session, rules_sha256: str, n_members: int) -> dict[str, Any]:
    """Return beat rates and common matches of the best members, and cycles among them.

    Returns:
        "members": names, best mu - 3 sigma first; "beat_rate": row against column, null where they
        never met and on the diagonal; "matches": how many they have in common; "cycles": [A, B, C]
        where A beats B, B beats C and C beats A, each with simultaneous confidence of 95 %.
    """
    ratings = queries.latest_ratings(session, rules_sha256)
    names = {m.id: m.name for m in queries.list_members(session) if m.id in ratings}
    # By mu - 3 sigma: the table is of those who have played enough to have met each other.
    best = sorted(names, key=lambda i: (-conservative(ratings[i].mu, ratings[i].sigma), i))
    best = best[:n_members]
    payoff = Payoff()
    payoff.add_log(queries.placement_rows(session, rules_sha256))
    return {
        "members": [names[i] for i in best],
        "beat_rate": [[payoff.beat_rate(i, j) for j in best] for i in best],
        "matches": [[payoff.common(i, j) if i != j else 0 for j in best] for i in best],
        "cycles": [[names[i] for i in cycle] for cycle in payoff.cycles(best, limit=MAX_CYCLES)],
    }


def payoff_lines(document: dict[str, Any]) -> list[str]:
    """Return the matrix for a screen: row beats column in so many per cent, `-` if never met."""
    members: Sequence[str] = document["members"]
    numbers = [str(number) for number in range(1, len(members) + 1)]
    width = max((len(name) for name in members), default=0)
    most = len(numbers[-1]) if numbers else 0
    lines = ["row beats column, in % of their common matches (ties count half)"]
    lines.append(" " * (most + 1 + width) + "".join(f"{number:>5}" for number in numbers))
    for number, name, rates in zip(numbers, members, document["beat_rate"], strict=True):
        cells = "".join("    -" if rate is None else f"{100 * rate:>5.0f}" for rate in rates)
        lines.append(f"{number:>{most}} {name:<{width}}{cells}")
    cycles = document["cycles"]
    lines += [f"cycle: {' > '.join((*cycle, cycle[0]))}" for cycle in cycles]
    return lines if cycles else [*lines, "no cycle is significant at 5 %"]
