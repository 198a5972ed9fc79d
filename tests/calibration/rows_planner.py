"""Calibration of the planner of rated matches: information, floors, outliers, newcomers."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from league.bench.planner import SPREADS, information, newcomer, planned_line_ups, pool
from league.matchmaking.promotion import RequiredFoe, snapshot_decision
from league.rating.trueskill import BETA, MU
from tests.calibration.harness import Effort, Measured, Row, at_most
from tests.calibration.pools import SEATS, Pool, rated
from tests.calibration.rows_ratings_intervals import ratings_hold


def _worst(what: str, least: float, effort: Effort, rng: Generator) -> Measured:
    """The information of the spread of skill at which it is least, as a multiple of uniform."""
    n_pools, n_matches = (20, 4000) if effort == "long" else (2, 800)
    values, errors = [], []
    for spread, outlier in (*((spread, False) for spread in SPREADS), (2.0, True)):
        pools = [
            getattr(information(spread, rng, n_matches=n_matches, outlier=outlier), what)
            for _ in range(n_pools)
        ]
        values.append(float(np.mean(pools)))
        errors.append(float(np.std(pools, ddof=1)) / math.sqrt(n_pools))
    at = int(np.argmin(values))
    error = max(errors[at], 0.005 if effort == "fast" else 0.001)  # of two pools it may be nothing
    detail = f"50 members, spreads {SPREADS}: {', '.join(f'{v:.2f}' for v in values[:-1])}"
    detail += f"; with one 12 above: {values[-1]:.2f}"
    return Measured(values[at], error, detail, values[at] >= least - 3 * error)


def _outlier(effort: Effort, rng: Generator) -> Measured:
    n_pools = 20 if effort == "long" else 3
    found = [information(2.0, rng, n_matches=1600, outlier=True).last for _ in range(n_pools)]
    error = max(float(np.std(found, ddof=1)) / math.sqrt(n_pools), 0.002)
    value = float(np.mean(found))
    ok = 0.15 - 3 * error <= value <= 0.22 + 3 * error
    return Measured(value, error, f"{n_pools} pools of 50; an equal share is .20", ok)


def _floor(effort: Effort, rng: Generator) -> Measured:
    n_pools = 10 if effort == "long" else 2
    least = []
    for spread in (0.0, 4.0, 16.0):
        for _ in range(n_pools):
            skills = MU + spread * rng.normal(size=50)
            line_ups = planned_line_ups(pool(skills), 1600, rng)
            seats = Counter(member for members in line_ups for member in members)
            least.append(min(seats[i] for i in range(50)) / (1600 * 10 / 50))
    detail = f"{len(least)} pools of 50 members, 1,600 matches each"
    return Measured(min(least), 0.0, detail, min(least) >= 0.5)


def _newcomer(effort: Effort, rng: Generator) -> Measured:
    n = 30 if effort == "long" else 3
    found = [newcomer(MU + 4.0 * float(rng.normal()), rng) for _ in range(n)]
    planned = [each.planned for each in found]
    error = float(np.std(planned, ddof=1)) / math.sqrt(n)
    played = float(np.mean([each.played for each in found]))
    value = float(np.mean(planned))
    detail = f"{n} newcomers; {played:.0f} played, 64 matches in flight at any time"
    return Measured(value, error, detail, 70 - 3 * error <= value <= 120 + 3 * error)


def _gate(effort: Effort, rng: Generator) -> Measured:
    n_runs, n_matches = (10_000, 400) if effort == "long" else (600, 200)
    opened = []
    for _ in range(n_runs):  # what a look has shown stays shown: the last look is all of them
        wins = (rng.random(n_matches) < 0.6).astype(np.float64).tolist()
        foe = RequiredFoe("champion", wins)
        opened.append(snapshot_decision([foe], 1, snapshot_every=2, min_games=1).take)
    return at_most(opened, 0.05, f"gates opened, looked at after each of {n_matches} matches")


def _planned_intervals(effort: Effort, rng: Generator) -> Measured:
    n_pools = 200 if effort == "long" else 4
    held = [ratings_hold(_play_planned(rng, 22, 1600, 0.25)) for _ in range(n_pools)]
    error = max(float(np.std(held, ddof=1)) / math.sqrt(n_pools), 0.015 if n_pools < 10 else 0.0)
    value = float(np.mean(held))
    ok = 0.93 - 3 * error <= value <= 0.97 + 3 * error
    return Measured(value, error, f"{n_pools} leagues of 22 members and 1,600 matches", ok)


def _play_planned(rng: Generator, n_members: int, n_matches: int, company: float) -> Pool:
    """A league as it is planned, in which each companion adds something to each member.

    The truth of a member is its strength in the company that the planner gives it.
    """
    skills = rng.normal(MU, 2.0, n_members)
    companions = rng.normal(size=(n_members, n_members))
    np.fill_diagonal(companions, 0.0)

    def level(seats: NDArray[np.int64]) -> NDArray[np.float64]:
        pairs = np.take_along_axis(companions[seats], seats[:, None, :].repeat(SEATS, 1), axis=2)
        return skills[seats] + pairs.sum(axis=2) / math.sqrt(SEATS - 1.0) * company * BETA

    seats = np.array(planned_line_ups(pool(skills), n_matches, rng))
    often = np.array(planned_line_ups(pool(skills), 3 * n_matches, rng))
    strength = np.bincount(often.ravel(), level(often).ravel()) / np.bincount(often.ravel())
    performance = rng.normal(level(seats), BETA)
    places = np.argsort(np.argsort(-performance, axis=1), axis=1) + 1
    truth = MU + (strength - MU) / math.hypot(1.0, company)
    return Pool(truth, *rated(seats + 1, places, n_members))


ROWS: tuple[Row, ...] = (
    Row(
        "rating-interval-planned",
        "95 % interval of a rating in a league as it is planned, where strength depends on company",
        ".87 to .91 by exact line-up",
        ".93 to .97",
        _planned_intervals,
    ),
    Row(
        "planner-information",
        "information per match on differences between members, as a multiple of uniform line-ups",
        ".76 to .96; .91 to 1.35 by this measure",
        "1 at least (.99) at any spread",
        lambda effort, rng: _worst("differences", 0.99, effort, rng),
    ),
    Row(
        "planner-reported",
        "the same on reported ratings, which are relative to the anchor",
        ".94 at least",
        "1 at least at any spread",
        lambda effort, rng: _worst("reported", 1.0, effort, rng),
    ),
    Row(
        "planner-outlier",
        "share of the matches of a pool of 50 with a member 12 points above all others",
        ".34 to .55",
        ".15 to .22",
        _outlier,
    ),
    Row(
        "planner-floor",
        "fewest matches of a member, as a share of the mean",
        "-",
        ".5 at least",
        _floor,
    ),
    Row(
        "planner-newcomer",
        "matches of a newcomer, in flight ones included, when its interval is +-1 point",
        "up to 880 in flight",
        "70 to 120",
        _newcomer,
    ),
    Row(
        "snapshot-gate",
        "early snapshot of a learner that wins .6 of its matches, at a bar of .7",
        "opened in .24",
        ".05 at most",
        _gate,
    ),
)
