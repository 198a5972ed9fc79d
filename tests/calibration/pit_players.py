"""Simulated players of known strength, as matches that the statistics of a head-to-head take.

A seat's performance in a match is its player's strength, plus what its spawn is worth (the same in
both matches of a pair), plus noise of standard deviation 1; places follow from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from arena.territory.engine.rules import MatchRules
from arena.territory.observation.views import Views
from league.pit.mixed.plan import mixed_plan
from league.pit.plan import PitPlan
from league.pit.sides import Side
from league.pit.statistics import NELO_SCALE, PitMatch

SPAWNS = 0.5  # standard deviation of what a spawn is worth
FIELD_SKILLS = (-2.0, -1.0, -0.5, 0.0, 0.3, 0.6, 1.0, 1.5)


def pair_scores(
    n_runs: int, n_pairs: int, strength: float, rng: Generator, *, in_field: bool = False
) -> NDArray[np.float64]:
    """Return scores of mirrored pairs, float[n_runs, n_pairs]; A is `strength` above B."""
    n = n_runs * n_pairs
    n_seats = 2 if in_field else 10  # third parties do not count in the score of 1 + 1
    spawns = SPAWNS * rng.standard_normal((n, n_seats))
    parts = []
    for first in (0, 1):
        is_a = np.arange(n_seats) % 2 == first
        skill = rng.standard_normal((n, n_seats)) + spawns + strength * is_a
        a, b = skill[:, is_a], skill[:, ~is_a]
        parts.append((a[:, :, None] > b[:, None, :]).mean(axis=(1, 2)))
    return (0.5 * (parts[0] + parts[1])).reshape(n_runs, n_pairs)


@cache
def truth(strength: float, in_field: bool = False) -> tuple[float, float]:
    """Return (score, normalised Elo) of a strength, from 200,000 pairs (errors .0003, 0.6)."""
    scores = pair_scores(1, 200_000, strength, np.random.default_rng(11), in_field=in_field)[0]
    mean = float(scores.mean())
    return mean, (mean - 0.5) / float(np.sqrt(2 * scores.var())) * NELO_SCALE


def strength_of(nelo: float) -> float:
    """Return the strength of a normalised Elo up to 100, in proportion to that of 0.2."""
    return 0.2 * nelo / truth(0.2)[1]


def fair_pit(plan: PitPlan, seeds: Sequence[int], rng: Generator) -> list[tuple[PitMatch, ...]]:
    """Return the pairs of a plan whose field, if any, has the strengths `FIELD_SKILLS`."""
    skills = {side.agent_spec: skill for side, skill in zip(plan.field, FIELD_SKILLS, strict=False)}
    pairs = []
    for seed in seeds:
        spawns = SPAWNS * rng.standard_normal(plan.rules.n_seats)
        parts = []
        for part in (0, 1):
            strengths = [skills.get(side.agent_spec, 0.0) for side in plan.line_up(seed, part)]
            skill = spawns + strengths + rng.standard_normal(len(strengths))
            places = np.argsort(np.argsort(-skill)) + 1
            labels = plan.labels(seed, part)
            parts.append(PitMatch(tuple(places.tolist()), labels, (True,) * len(labels)))
        pairs.append(tuple(parts))
    return pairs


def mixed_units(
    n_units: int, strengths: Sequence[float], noises: Sequence[float], rng: Generator
) -> list[tuple[PitMatch, ...]]:
    """Return seeds of `--mixed` with the seats of the product's plan; names are a, b, c, ..."""
    names = "abcdefghij"[: len(strengths)]
    sides = [Side(name, f"scripted:{name}") for name in names]
    plan = mixed_plan(sides, ("generated:plains:64x64:1",), MatchRules(), Views())
    strength = dict(zip(names, strengths, strict=True))
    noise = dict(zip(names, noises, strict=True))
    first = int(rng.integers(10**9))
    units = []
    for seed in range(first, first + n_units):
        spawns = SPAWNS * rng.standard_normal(plan.rules.n_seats)
        parts = []
        for part in range(plan.n_parts):
            labels = plan.labels(seed, part)
            skill = np.array([strength[str(name)] for name in labels])
            spread = np.array([noise[str(name)] for name in labels])
            performance = skill + spawns + spread * rng.standard_normal(len(labels))
            places = np.argsort(np.argsort(-performance)) + 1
            parts.append(PitMatch(tuple(places.tolist()), labels, (True,) * len(labels)))
        units.append(tuple(parts))
    return units
