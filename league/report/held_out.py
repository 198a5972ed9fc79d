"""How far each main lineage has come against the members that no learner meets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from league.course.held_out import HeldOutScore
    from league.report.state import LearnerRow, MemberRow

FEW = 8  # matches: fewer say nothing yet


def lineage_of(learner: LearnerRow, rows: Sequence[MemberRow]) -> list[MemberRow]:
    """Return the snapshots that a learner's weights descend from, the newest included, in order."""
    by_id = {row.id: row for row in rows}
    at = next((row for row in rows if row.name == learner.latest_member), None)
    chain: list[MemberRow] = []
    while at is not None and at not in chain:
        chain.append(at)
        at = None if at.parent_id is None else by_id.get(at.parent_id)
    return chain[::-1]


def held_out_lines(
    learners: Sequence[LearnerRow], rows: Sequence[MemberRow], names: Sequence[str]
) -> list[str]:
    """Return a heading and a line for each main lineage; [] before it has met a held-out member.

    A line has the first snapshot, the best one (by the low end of its interval) and the newest, of
    those with FEW matches beside a held-out member.

    Args:
        names: of the held-out members.
    """
    lines = []
    for learner in learners:
        chain = [row for row in lineage_of(learner, rows) if _is_known(row.held_out)]
        if learner.role != "main" or not chain:
            continue
        best = max(chain, key=lambda row: row.held_out.low if row.held_out else 0.0)
        named = {row.id: row for row in (chain[0], best, chain[-1])}
        parts = [f"{row.name} {_words(row.held_out)}" for row in named.values() if row.held_out]
        lines.append(f"  {learner.name}: {', '.join(parts)}")
    if not lines:
        return []
    return [
        f"Held-out score, % of {' and '.join(names)} that a snapshot places above, in so many "
        "matches:",
        *lines,
    ]


def _is_known(score: HeldOutScore | None) -> bool:
    return score is not None and score.n_matches >= FEW


def _words(score: HeldOutScore) -> str:
    return (
        f"{100 * score.score:.0f} ({100 * score.low:.0f}-{100 * score.high:.0f}) in "
        f"{score.n_matches:,}"
    )
