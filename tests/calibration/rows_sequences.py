"""Calibration of the statements that hold at every look: sequence, test, clusters."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator

from league.statistics.betting import log_wealth, passing_share
from league.statistics.means import cluster_interval, t_interval
from tests.calibration.harness import Effort, Measured, Row, at_most, covers


def _sequence_at_any_look(effort: Effort, rng: Generator) -> Measured:
    n_runs, n_values = (10_000, 1000) if effort == "long" else (1000, 300)
    ever = []
    for _ in range(n_runs // 500):
        truth = rng.uniform(0.2, 0.8)
        values = rng.beta(5 * truth, 5 * (1 - truth), size=(500, n_values))
        limit = math.log(40.0)
        above = (log_wealth(values, truth) >= limit).any(axis=1)
        below = (log_wealth(1 - values, 1 - truth) >= limit).any(axis=1)
        ever += (above | below).tolist()
    return at_most(ever, 0.05, f"sequences of {n_values} looks ever lost the mean")


def _gate(truth: float, effort: Effort, rng: Generator) -> Measured:
    n_runs, n_games = (10_000, 2000) if effort == "long" else (2000, 300)
    opened, n_looks = passing_share(0.7, 0.05, truth, n_games, rng, n_runs)
    error = math.sqrt(max(opened, 0.001) * (1 - min(opened, 0.999)) / n_runs)
    detail = f"{n_runs:,} gates looked at after each of {n_games} games; {n_looks:.0f} games"
    ok = opened <= 0.05 + 3 * error if truth <= 0.7 else opened >= 0.8
    return Measured(opened, error, detail, ok)


def _t_at(n: int, effort: Effort, rng: Generator) -> Measured:
    runs = rng.normal(0.5, 0.145, size=(10_000 if effort == "long" else 1000, n))
    found = (t_interval(run) for run in runs)
    return covers((each.low <= 0.5 <= each.high for each in found), 0.93, 0.96)


def _clusters(effort: Effort, rng: Generator) -> Measured:
    n_runs = 4000 if effort == "long" else 500
    clusters = np.arange(25).repeat(16).tolist()
    found = (
        cluster_interval(rng.normal(size=25).repeat(16) + rng.normal(size=400), clusters)
        for _ in range(n_runs)
    )
    return covers(each.low <= 0.0 <= each.high for each in found)


ROWS: tuple[Row, ...] = (
    Row(
        "sequence-any-look",
        "confidence sequence, looked at after every value",
        "-",
        "ever wrong in .05 at most",
        _sequence_at_any_look,
    ),
    Row(
        "gate-at-0.6",
        "sequential test of a bar of .7 at a true .6, looked at after every game",
        "opened in .24",
        ".05 at most",
        lambda effort, rng: _gate(0.6, effort, rng),
    ),
    Row(
        "gate-at-the-bar",
        "the same at a true .7",
        "-",
        ".05 at most",
        lambda effort, rng: _gate(0.7, effort, rng),
    ),
    Row(
        "gate-power",
        "the same at a true .85 within the games",
        "-",
        ".8 at least",
        lambda effort, rng: _gate(0.85, effort, rng),
    ),
    Row(
        "t-8",
        "Student's t of 8 values",
        "-",
        ".93 to .96",
        lambda effort, rng: _t_at(8, effort, rng),
    ),
    Row(
        "clusters",
        "mean of 400 values in 25 clusters",
        ".82 to .89 without clusters",
        ".93 to .97",
        _clusters,
    ),
)
