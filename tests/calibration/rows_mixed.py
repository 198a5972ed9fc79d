"""Calibration of `league pit A B C --mixed`: intervals, verdicts, the model of first places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.random import Generator

from league.pit.looks import confidence_of
from league.pit.mixed.model import as_arrays, held_out
from league.pit.mixed.statistics import (
    beat_rate,
    first_shares,
    mean_places,
    share_interval,
    summarise,
)
from league.pit.statistics import PitMatch
from league.statistics.means import MeanInterval, t_interval
from tests.calibration.harness import Effort, Measured, Row, at_most, covers
from tests.calibration.pit_players import mixed_units

STRENGTHS, NOISES = (0.8, 0.3, 0.0, -0.5), (1.0, 2.0, 0.5, 1.0)
NAMES = ("a", "b", "c", "d")
N_SEEDS = 40
Unit = Sequence[PitMatch]
Interval = Callable[[Sequence[Unit]], MeanInterval]

INTERVALS: dict[str, Interval] = {
    "place": lambda units: t_interval(mean_places(units, "a")),
    "first": lambda units: share_interval(first_shares(units, "b")),
    "beats": lambda units: beat_rate(units, "b", "c"),
}


@cache
def truth(what: str) -> float:
    """Return the true value, from 3,000 seeds."""
    units = mixed_units(3_000, STRENGTHS, NOISES, np.random.default_rng(17))
    return INTERVALS[what](units).mean


def _covers(what: str, effort: Effort, rng: Generator) -> Measured:
    held = []
    for _ in range(5000 if effort == "long" else 150):
        found = INTERVALS[what](mixed_units(N_SEEDS, STRENGTHS, NOISES, rng))
        held.append(found.low <= truth(what) <= found.high)
    return covers(held, 0.93, 0.96)


def _equals_told_apart(effort: Effort, rng: Generator) -> Measured:
    wrong = []
    for _ in range(3000 if effort == "long" else 60):
        units = mixed_units(9, (0.0,) * 4, (1.0,) * 4, rng)  # too few to hold some out: quicker
        wrong.append(
            bool(summarise(units, NAMES, setting="", confidence=confidence_of(1)).told_apart)
        )
    return at_most(wrong, 0.05, "pits of four equals told any two apart")


def _model(effort: Effort, rng: Generator) -> Measured:
    """Return the log-loss of the first place over that of Plackett and Luce, held out."""
    n_seeds = 400 if effort == "long" else 100
    held = held_out(as_arrays(mixed_units(n_seeds, STRENGTHS, NOISES, rng), NAMES))
    assert held is not None
    value = held.first - held.first_luce
    detail = (
        f"{held.first:.3f} against {held.first_luce:.3f}, equal chances {held.first_uniform:.3f}; "
        f"pairs {held.pairs:.4f} against {held.pairs_luce:.4f}"
    )
    return Measured(value, held.better_error, detail, value < 0.0)


def _row(what: str, printed: str) -> Row:
    return Row(
        f"mixed-{what}",
        f"`league pit --mixed`: interval of {printed}, {N_SEEDS} seeds, four names",
        "-",
        ".93 to .96",
        lambda effort, rng: _covers(what, effort, rng),
    )


ROWS: tuple[Row, ...] = (
    _row("place", "the mean place"),
    _row("first", "the share of first places"),
    _row("beats", "a beat rate"),
    Row(
        "mixed-equals",
        "`league pit --mixed`: two of four equals told apart, 9 seeds",
        "-",
        ".05 at most",
        _equals_told_apart,
    ),
    Row(
        "mixed-model",
        "`league pit --mixed`: log-loss of the first place less Plackett-Luce's, held out",
        "-",
        "below 0",
        _model,
    ),
)
