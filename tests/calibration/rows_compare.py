"""Calibration of `league compare`: families whose true difference is known, over training seeds."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from league.compare.answer import Answer, SeedScore, answer
from tests.calibration.harness import Effort, Measured, Row, at_most, covers

N_PAIRS = 50
PAIR_SD = 0.15  # of one mirrored pair's score, as in pits of trained snapshots


def _answer(truth: float, seed_sd: float, n_seeds: int, rng: Generator) -> Answer:
    """One comparison: the seeds' own differences vary by `seed_sd` around the families' truth."""
    seeds = []
    for own in truth + seed_sd * rng.normal(size=n_seeds):
        pairs = own + PAIR_SD * rng.normal(size=N_PAIRS)
        error = float(pairs.std(ddof=1)) / np.sqrt(N_PAIRS)
        seeds.append(SeedScore("s", "a", "b", float(pairs.mean()), error, N_PAIRS, (5.5, 5.5)))
    return answer("decisions", "five", seeds)


def _families(n_seeds: int, effort: Effort, rng: Generator) -> Measured:
    n_runs = 10_000 if effort == "long" else 1000
    found = (_answer(0.54, 0.04, n_seeds, rng) for _ in range(n_runs))
    return covers((each.low <= 0.54 <= each.high for each in found), 0.94, 0.96)


def _even_families(effort: Effort, rng: Generator) -> Measured:
    n_runs = 10_000 if effort == "long" else 1000
    found = (_answer(0.5, 0.04, 3, rng) for _ in range(n_runs))
    what = "comparisons of even families called one of them stronger"
    return at_most((each.stronger is not None for each in found), 0.05, what)


def _snapshots(effort: Effort, rng: Generator) -> Measured:
    n_runs = 10_000 if effort == "long" else 1000
    found = (_answer(0.54, 0.0, 2, rng) for _ in range(n_runs))  # the snapshots are the truth
    return covers((each.low <= 0.54 <= each.high for each in found), 0.94, 0.96)


ROWS: tuple[Row, ...] = (
    Row(
        "compare-families-3-seeds",
        "compare: interval over 3 training seeds",
        "-",
        ".95",
        lambda effort, rng: _families(3, effort, rng),
    ),
    Row(
        "compare-families-6-seeds",
        "compare: interval over 6 training seeds",
        "-",
        ".95",
        lambda effort, rng: _families(6, effort, rng),
    ),
    Row(
        "compare-even-families",
        "compare: a family is called stronger",
        "-",
        "of even families in .05 at most",
        _even_families,
    ),
    Row(
        "compare-snapshots",
        "compare: interval of the snapshots of 2 training seeds",
        "-",
        ".95",
        _snapshots,
    ),
)
