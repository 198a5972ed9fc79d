"""When the next rung of a ladder of anchors joins a league: pure functions of ratings.

A learner that beats whom it meets learns little more from them, and one that meets the strongest
first learns nothing: each rung joins when the best trained member has passed the one before.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from league.rating.standings import Z_95

MIN_MATCHES = 30  # rated matches before a member's rating counts


@dataclass(frozen=True)
class Rated:
    """A member's rating, and its finished rated matches."""

    mu: float
    sigma: float
    games: int


@dataclass(frozen=True)
class Step:
    """A rung that is to join.

    Attributes:
        name: who joins.
        passed: the rung that was passed.
        climber: id of the member that passed it.
        above, half_width: how far in rating points, with the half width of its interval.
    """

    name: str
    passed: str
    climber: int
    above: float
    half_width: float


def next_step(
    ladder: Sequence[str],
    present: Mapping[str, int],
    known: Mapping[int, Rated],
    trained: Collection[int],
) -> Step | None:
    """Return the step that is due, or None.

    Args:
        ladder: names of the rungs, the lowest first.
        present: id of each rung that has joined, by name.
        known: by member id.
        trained: ids of the members that may climb.
    """
    joined = [name for name in ladder if name in present]
    missing = [name for name in ladder if name not in present]
    if not joined or not missing:
        return None
    top = known.get(present[joined[-1]])
    if top is None or top.games < MIN_MATCHES:
        return None
    best: Step | None = None
    for member_id in sorted(trained):
        member = known.get(member_id)
        if member is None or member.games < MIN_MATCHES:
            continue
        above, half_width = member.mu - top.mu, Z_95 * math.hypot(member.sigma, top.sigma)
        if above > half_width and (best is None or above > best.above):
            best = Step(missing[0], joined[-1], member_id, above, half_width)
    return best
