"""Who plays the seats of a training match that the learner does not: pure draws.

In two steps: a wave of few distinct members for each rollout, since each costs a forward pass per
decision; then, for every new match, its seats from that wave.
"""

from __future__ import annotations

from collections.abc import Sequence

from numpy.random import Generator

from league.learner.environment import SELF_PLAY
from league.learner.messages import Roster
from league.matchmaking.opponents import draw_opponents


def draw_wave(roster: Roster, role: str, n: int, rng: Generator) -> list[str]:
    """Draw the agent specs of `n` opponents of a rollout, as the learner's role demands."""
    drawn = draw_opponents(role, roster.foes, n, rng, p_self_play=0.0)
    return [SELF_PLAY if member is None else roster.specs[member] for member in drawn]


def draw_seats(
    wave: Sequence[str],
    n: int,
    rng: Generator,
    *,
    self_play_share: float,
    one_opponent_share: float,
) -> list[str]:
    """Draw the agent specs of the other `n` seats of a new match: self-play, or members of a wave.

    Args:
        wave: an empty one leaves self-play alone.
        self_play_share: probability that a seat plays the learner's current weights.
        one_opponent_share: probability that all seats are one member, as in `league pit`.
    """
    if wave and rng.random() < one_opponent_share:
        return [wave[int(rng.integers(len(wave)))]] * n
    drawn = []
    for _ in range(n):
        alone = not wave or rng.random() < self_play_share
        drawn.append(SELF_PLAY if alone else wave[int(rng.integers(len(wave)))])
    return drawn
