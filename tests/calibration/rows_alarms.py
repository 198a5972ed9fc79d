"""Calibration of canaries and challenges: how often each is wrong, where the truth is known.

A round is judged on all its pairs at once: the sequential tests remember whether they ever passed,
which is what looking after every pair comes to. An alarm takes two failed rounds in a row.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator

from league.champion.verdicts import (
    ALPHA,
    CHALLENGE_ALPHA,
    DRIFT_PAIRS,
    MAX_PAIRS,
    Reference,
    judge_challenge,
    judge_drift,
    judge_forgetting,
    judge_heldout,
    judge_mirror,
    judge_order,
)
from tests.calibration.harness import Effort, Measured, Row, at_most, share

PAIR_SD = 0.2  # of a pair's score, three seats against three among four anchors


def _scores(mean: float, n: int, rng: Generator) -> list[float]:
    """Draw pair scores in [0, 1] with this mean and spread (a beta distribution)."""
    weight = mean * (1 - mean) / PAIR_SD**2 - 1
    found: list[float] = rng.beta(mean * weight, (1 - mean) * weight, n).tolist()
    return found


def _runs(effort: Effort, fast: int = 400) -> int:
    return 10_000 if effort == "long" else fast


def _order(effort: Effort, rng: Generator) -> Measured:
    verdicts = (
        judge_order("order", _scores(0.6, MAX_PAIRS["order"], rng)) for _ in range(_runs(effort))
    )
    return at_most((v.outcome == "failed" for v in verdicts), ALPHA, "rounds at a true 60 % failed")


def _forgetting(effort: Effort, rng: Generator) -> Measured:
    n = MAX_PAIRS["forgetting"]
    verdicts = (judge_forgetting(_scores(0.5, n, rng)) for _ in range(_runs(effort)))
    return at_most((v.outcome == "failed" for v in verdicts), ALPHA, "rounds of equals failed")


def _forgetting_power(effort: Effort, rng: Generator) -> Measured:
    n = MAX_PAIRS["forgetting"]
    found = [
        judge_forgetting(_scores(0.35, n, rng)).outcome == "failed" for _ in range(_runs(effort))
    ]
    p, error = share(found)
    detail = f"{sum(found):,} of {len(found):,} rounds at a true 35 % failed"
    return Measured(p, error, detail, p >= 0.9 - 3 * error)


def _mirror(effort: Effort, rng: Generator) -> Measured:
    places = np.arange(1, 11)
    verdicts = (
        judge_mirror([rng.permutation(places).tolist() for _ in range(100)])
        for _ in range(_runs(effort, 300))
    )
    return at_most((v.outcome == "failed" for v in verdicts), ALPHA, "fair rounds failed")


def _mirror_power(effort: Effort, rng: Generator) -> Measured:
    strength = np.zeros(10)
    strength[3] = 1.0  # one seat plays a standard deviation better
    found = []
    for _ in range(_runs(effort, 200)):
        games = strength + rng.normal(size=(100, 10))
        places = (-games).argsort(axis=1).argsort(axis=1) + 1
        found.append(judge_mirror(places.tolist()).outcome == "failed")
    p, error = share(found)
    detail = f"{sum(found):,} of {len(found):,} rounds with a favoured seat failed"
    return Measured(p, error, detail, p >= 0.9 - 3 * error)


def _drift(effort: Effort, rng: Generator) -> Measured:
    found = []
    for _ in range(_runs(effort)):
        reference = Reference(0, 0.0, 0.0).joined(_scores(0.6, DRIFT_PAIRS, rng))
        found.append(judge_drift(_scores(0.6, DRIFT_PAIRS, rng), reference).outcome == "failed")
    return at_most(found, ALPHA, "rounds without a change failed")


def _heldout(effort: Effort, rng: Generator) -> Measured:
    found = []
    for _ in range(_runs(effort)):
        reference = Reference(0, 0.0, 0.0).joined(_scores(0.6, DRIFT_PAIRS, rng))
        found.append(judge_heldout(_scores(0.6, DRIFT_PAIRS, rng), reference).outcome == "failed")
    return at_most(found, ALPHA, "rounds without a loss failed")


def _alarm(effort: Effort, rng: Generator) -> Measured:
    """Two failed rounds of equals in a row, the worst case of the canaries above."""
    n = MAX_PAIRS["forgetting"]
    n_alarms, n_runs = 0, _runs(effort, 500)
    for _ in range(n_runs):
        rounds = (judge_forgetting(_scores(0.5, n, rng)).outcome for _ in range(2))
        n_alarms += all(outcome == "failed" for outcome in rounds)
    detail = f"{n_alarms} alarms in {n_runs:,} pairs of rounds of equals"
    error = math.sqrt(ALPHA**2 / n_runs) + 1 / n_runs
    return Measured(n_alarms / n_runs, error, detail, n_alarms / n_runs <= ALPHA**2 + 3 * error)


def _promoted(truth: float, effort: Effort, rng: Generator) -> Measured:
    n = MAX_PAIRS["challenge"]
    found = [
        judge_challenge(_scores(truth, n, rng)).outcome == "passed" for _ in range(_runs(effort))
    ]
    p, error = share(found)
    detail = f"{sum(found):,} of {len(found):,} challengers at {100 * truth:.0f} % were promoted"
    ok = p <= CHALLENGE_ALPHA + 3 * error if truth <= 0.5 else p >= 0.8 - 3 * error
    return Measured(p, error, detail, ok)


ROWS: tuple[Row, ...] = (
    Row("alarm-order", "canary: known order, one round", "-", "false in .01 at most", _order),
    Row("alarm-mirror", "canary: mirror, one round", "-", "false in .01 at most", _mirror),
    Row("alarm-mirror-power", "canary: mirror, a favoured seat", "-", "found in .9", _mirror_power),
    Row("alarm-drift", "canary: anchor drift, one round", "-", "false in .01 at most", _drift),
    Row("alarm-held-out", "canary: held out, one round", "-", "false in .01 at most", _heldout),
    Row(
        "alarm-forgetting",
        "canary: forgetting, one round",
        "-",
        "false in .01 at most",
        _forgetting,
    ),
    Row(
        "alarm-forgetting-power",
        "canary: forgetting, 35 % against the ancestor",
        "-",
        "found in .9",
        _forgetting_power,
    ),
    Row("alarm-twice", "canary: alarm after two rounds", "-", "false in .0001 at most", _alarm),
    Row(
        "champion-not-stronger",
        "champion: a challenger that is not stronger",
        "-",
        "promoted in .05 at most",
        lambda effort, rng: _promoted(0.5, effort, rng),
    ),
    Row(
        "champion-stronger",
        "champion: a challenger that scores 58 %",
        "-",
        "promoted in .8 within 200 pairs",
        lambda effort, rng: _promoted(0.58, effort, rng),
    ),
)
