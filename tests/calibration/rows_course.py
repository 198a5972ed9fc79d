"""Calibration of the watch over lineages: how often a verdict is wrong, and how soon it is found.

A simulated match seats the newest snapshot, the reference and two held-out members; a place is that
of a normal performance around a strength. A run is a stage of so many matches; as in a league, a
plateau does not end it (Stage.rest), and the others do. Errors are measured where they are largest:
at equals, and at a gain of exactly `gain`.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.random import Generator

from league.course.stages import ALPHA, Stage, match_value
from tests.calibration.harness import Effort, Measured, Row, at_most, share

GAIN = 0.05  # learner.plateau_gain


def _verdicts(gain: float, n_matches: int, rng: Generator) -> dict[str, int]:
    """Play one stage of a lineage with this true gain; return when each verdict was first given."""
    # The newest is above a held-out member of the reference's strength in 1/2 + gain of matches.
    ahead = 2.0**0.5 * NormalDist().inv_cdf(0.5 + gain)
    performance = np.array([ahead, 0.0, 0.0, 0.0]) + rng.normal(size=(n_matches, 4))
    places = (-performance).argsort(axis=1).argsort(axis=1) + 1
    stage = Stage(GAIN)
    found: dict[str, int] = {}
    for newest, reference, *held_out in places.tolist():
        verdict = stage.add(match_value(newest, reference, held_out), is_far=True)
        if verdict is not None:
            found.setdefault(verdict, stage.standing.n_matches)
            if verdict != "plateau":
                break
            stage.rest()
    return found


def _wrong(verdict: str, gain: float, effort: Effort, rng: Generator) -> Measured:
    n_runs, n_matches = (2_000, 2_000) if effort == "long" else (120, 250)
    found = [verdict in _verdicts(gain, n_matches, rng) for _ in range(n_runs)]
    what = f"stages of up to {n_matches:,} matches at a true gain of {100 * gain:g} points"
    return at_most(found, ALPHA[verdict], what)


def _found(verdict: str, gain: float, n_matches: int, effort: Effort, rng: Generator) -> Measured:
    n_runs = 400 if effort == "long" else 12
    runs = [_verdicts(gain, n_matches, rng) for _ in range(n_runs)]
    p, error = share(verdict in found for found in runs)
    lengths = [found[verdict] for found in runs if verdict in found]
    mean = float(np.mean(lengths)) if lengths else float("nan")
    detail = f"within {n_matches:,} matches that seat all, after {mean:,.0f} on average"
    return Measured(p, error, detail, p >= 0.8 - 3 * error)


ROWS: tuple[Row, ...] = (
    Row(
        "course-drift",
        "event course_drift at equals",
        "-",
        "in .01 of stages at most",
        lambda effort, rng: _wrong("drift", 0.0, effort, rng),
    ),
    Row(
        "course-progress",
        "event course_progress at equals",
        "-",
        "in .05 of stages at most",
        lambda effort, rng: _wrong("progress", 0.0, effort, rng),
    ),
    Row(
        "course-plateau",
        "event course_plateau at a gain of 5 points",
        "-",
        "in .05 of stages at most",
        lambda effort, rng: _wrong("plateau", GAIN, effort, rng),
    ),
    Row(
        "course-plateau-power",
        "event course_plateau without a gain",
        "-",
        "found in .8",
        lambda effort, rng: _found("plateau", 0.0, 4_000, effort, rng),
    ),
    Row(
        "course-drift-power",
        "event course_drift at a loss of 15 points",
        "-",
        "found in .8",
        lambda effort, rng: _found("drift", -0.15, 1_000, effort, rng),
    ),
)
