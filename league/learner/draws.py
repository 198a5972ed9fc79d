"""Who plays the seats of a training match that the learner does not: pure draws.

In two steps: a wave of few distinct members for each rollout, since each costs a forward pass per
decision; then, for every new match, its seats from that wave.
"""

from __future__ import annotations

from collections.abc import Sequence

from numpy.random import Generator

from league.learner.environment import SELF_PLAY
from league.learner.messages import Meets, Roster
from league.learner.settings import OpponentSettings
from league.matchmaking.opponents import draw_opponents, draw_shares


def draw_wave(
    roster: Roster, role: str, n: int, rng: Generator, settings: OpponentSettings
) -> list[str]:
    """Draw the agent specs of `n` opponents of a rollout, as the learner's role demands."""
    drawn = draw_opponents(role, roster.foes, n, rng, p_self_play=0.0, **_shares(settings))
    return [SELF_PLAY if member is None else roster.specs[member] for member in drawn]


def _shares(settings: OpponentSettings) -> dict[str, float]:
    return {"p_ring": settings.ring_share, "p_rung": settings.ladder_share}


MOST_FOES = 200  # that a learner tells of: 5 kB


def whom_it_meets(
    roster: Roster, role: str, wave: Sequence[str], settings: OpponentSettings
) -> Meets:
    """Return a wave that `draw_wave` drew, and how probable each foe of the roster was in it."""
    ids = {spec: member_id for member_id, spec in roster.specs.items()}
    shares = draw_shares(role, roster.foes, p_self_play=0.0, **_shares(settings))
    foes = sorted(
        ((foe.member_id, foe.x, shares.get(foe.member_id, 0.0)) for foe in roster.foes),
        key=lambda foe: (-foe[2], foe[1], foe[0]),
    )
    return Meets(tuple(ids.get(spec) for spec in wave), tuple(foes[:MOST_FOES]))


def draw_seats(
    wave: Sequence[str], role: str, n: int, rng: Generator, settings: OpponentSettings
) -> list[str]:
    """Draw the agent specs of the other `n` seats of a new match: self-play, or members of a wave.

    In some matches all of them are one member, as in `league pit`. Without a wave all are
    self-play; with one, only a main plays its current weights.
    """
    if wave and rng.random() < settings.one_opponent_share:
        return [wave[int(rng.integers(len(wave)))]] * n
    self_play_share = settings.self_play_share if role == "main" else 0.0
    drawn = []
    for _ in range(n):
        alone = not wave or rng.random() < self_play_share
        drawn.append(SELF_PLAY if alone else wave[int(rng.integers(len(wave)))])
    return drawn
