"""Owns whom a learner meets at all, and whom its next snapshot must beat to become a member early.

Pure functions: the manager goes by them (league.daemon.roster), and the live screen says the same
(league.screen.training).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Candidate:
    """An active member, as far as the rule looks at it.

    Attributes:
        conservative: mu - 3 sigma; None for one that was never rated.
        is_anchor: whether its role is "anchor".
    """

    id: int
    name: str
    agent_spec: str
    conservative: float | None
    is_anchor: bool


def met(members: Sequence[Candidate], held_out: Collection[str]) -> list[Candidate]:
    """Return the members that learners meet: none that is held out, and no planner.

    A planner takes longer for an order than a learner for thirty.
    """
    from agents.registry import is_planner

    return [m for m in members if m.name not in held_out and not is_planner(m.agent_spec)]


def required(
    role: str,
    pool: Sequence[Candidate],
    *,
    parent: int | None,
    champion: int | None,
    mains: Collection[int],
) -> list[int]:
    """Return the ids of those whom a snapshot of a learner must beat, each once.

    A snapshot of a main must beat its parent, the champion and the best anchor; that of a main
    exploiter the newest snapshots of the mains; that of a league exploiter both of these groups but
    for its parent.

    Args:
        pool: of `met`.
        parent: the member that the learner's weights descend from.
        champion: the member that reigns; in a young league, without one, the best rated takes its
            place.
        mains: the newest snapshots of the mains.
    """
    ids = {member.id for member in pool}
    ranked = [member for member in pool if member.conservative is not None]
    ranked.sort(key=lambda member: -(member.conservative or 0.0))
    reigning = [member.id for member in ranked if member.id == champion]
    first = reigning or [member.id for member in ranked[:1]]
    anchor = [member.id for member in ranked if member.is_anchor][:1]
    own = [parent] if parent is not None and parent in ids else []
    present = [main for main in sorted(mains) if main in ids]
    wanted = {
        "main": (*own, *first, *anchor),
        "main_exploiter": tuple(present),
        "league_exploiter": (*first, *anchor, *present),
    }[role]
    return list(dict.fromkeys(wanted))
