"""Calibration of the rating engine, and of the chances of the first place.

The engine is held to the package and to arithmetic of 60 digits. Players have a performance with a
noise of their own, and where it says so a form for each line-up, so that matches of one line-up are
alike; their chances are the integrals of the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import mpmath
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from league.rating.columns import MatchColumns
from league.rating.engines import rate_by_chain
from league.rating.first_places import Model, first_chances, fit
from league.rating.trueskill import BETA, DRAW_MARGIN, MU, SIGMA, Gaussian, rate_match
from tests.calibration.harness import Effort, Measured, Row, covers
from tests.league.rating import exact_chain

Floats = NDArray[np.float64]
Games = list[tuple[list[int], list[int]]]

N_SEATS = 10
N_PLAYERS = 20


# --- the engine -----------------------------------------------------------------------------------


def _members(rng: Generator, spread: float) -> list[Gaussian]:
    mu, sigma = rng.normal(MU, spread, N_SEATS), rng.uniform(0.1, SIGMA, N_SEATS)
    return list(zip(mu.tolist(), sigma.tolist(), strict=True))


def _package(effort: Effort, rng: Generator) -> Measured:
    n = 10_000 if effort == "long" else 200
    worst = 0.0
    for number in range(n):
        ratings = _members(rng, (2.0, 5.0, 8.0)[number % 3])
        skill = np.array([mu for mu, _ in ratings])
        performance = rng.normal(skill, BETA) if number % 2 else rng.normal(size=N_SEATS)
        places = (np.argsort(np.argsort(-performance)) + 1).tolist()
        gap = np.array(rate_by_chain(ratings, places)) - np.array(rate_match(ratings, places))
        worst = max(worst, float(np.abs(gap).max()))
    return Measured(worst, 0.0, f"{n:,} matches of ten", worst <= 1e-6)


def _exact(effort: Effort, rng: Generator, *, spread: float, n_places: int) -> Measured:
    n = 300 if effort == "long" else 4
    worst = 0.0
    for _ in range(n):
        ratings = _members(rng, spread)
        places = rng.integers(1, n_places + 1, N_SEATS).tolist()
        exact = exact_chain.rate(ratings, places, beta=BETA, margin=DRAW_MARGIN, digits=60)
        for found, wanted in zip(rate_by_chain(ratings, places), exact, strict=True):
            for number, limit in zip(found, wanted, strict=True):
                worst = max(worst, float(abs(mpmath.mpf(number) - limit)))
    return Measured(worst, 0.0, f"{n:,} matches of ten", worst <= 1e-9)


# --- first places ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Played:
    """Matches of players with a noise of their own.

    Attributes:
        games: member ids, which are 1..N_PLAYERS, and placements.
        chances: float64 [N_PLAYERS], the true chance of the first place over a player's line-ups.
        model: the truth as a model, without errors.
    """

    games: Games
    chances: Floats
    model: Model


def _play(rng: Generator, n_line_ups: int, each: int, form: float) -> Played:
    """Play `each` matches of every line-up; a player's form in it has this standard deviation."""
    mean = MU + rng.normal(0.0, 3.0, N_PLAYERS)
    noise = 3.5 * np.exp(rng.normal(0.0, 0.4, N_PLAYERS))
    line_ups = np.stack([rng.permutation(N_PLAYERS)[:N_SEATS] for _ in range(n_line_ups)])
    members = np.repeat(line_ups, each, axis=0)
    forms = np.repeat(rng.normal(0.0, form, line_ups.shape), each, axis=0)
    performance = rng.normal(mean[members] + forms, noise[members])
    places = np.argsort(np.argsort(-performance, axis=1), axis=1) + 1
    order = rng.permutation(len(members))
    games = [((members[i] + 1).tolist(), places[i].tolist()) for i in order]
    nothing = np.zeros((2 * N_PLAYERS, 2 * N_PLAYERS))
    ids = tuple(range(1, N_PLAYERS + 1))
    truth = Model(ids, mean, np.hypot(noise, form), nothing, nothing)
    p = truth.chances(line_ups + 1)
    of_player = [p[line_ups == player].mean() for player in range(N_PLAYERS)]
    return Played(games, np.array(of_player), truth)


def _rate(games: Games) -> dict[int, Gaussian]:
    ratings: dict[int, Gaussian] = dict.fromkeys(range(1, N_PLAYERS + 1), (MU, SIGMA))
    for seats, places in games:
        after = rate_by_chain([ratings[i] for i in seats], places)
        ratings.update(zip(seats, after, strict=True))
    return ratings


def _coverage(
    effort: Effort, rng: Generator, *, n_line_ups: int, each: int, form: float
) -> Measured:
    n_runs = 200 if effort == "long" else 5
    hits: list[bool] = []
    for _ in range(n_runs):
        played = _play(rng, n_line_ups, each, form)
        for member, chance in first_chances(
            MatchColumns.of_matches(played.games), _rate(played.games)
        ).items():
            hits.append(chance.low <= played.chances[member - 1] <= chance.high)
    return covers(hits)


def _log_loss(effort: Effort, rng: Generator) -> Measured:
    """Fit on four fifths of the matches, predict the others; the loss above that of the truth."""
    n_runs, n_matches = (40, 4_000) if effort == "long" else (3, 2_000)
    above_truth, below_trueskill = [], []
    for _ in range(n_runs):
        played = _play(rng, n_matches, 1, 0.0)
        known, unseen = played.games[: 4 * n_matches // 5], played.games[4 * n_matches // 5 :]
        ratings = _rate(known)
        model = fit(MatchColumns.of_matches(known), ratings, newest=len(known))
        assert model is not None
        rating = np.array([ratings[i] for i in model.member_ids])
        trueskill = Model(
            model.member_ids, rating[:, 0], np.hypot(rating[:, 1], BETA), model.bread, model.bread
        )
        line_ups = np.array([members for members, _ in unseen])
        won = np.array([places for _, places in unseen]) == 1
        loss = [
            -float(np.log(each.chances(line_ups)[won]).mean())
            for each in (model, played.model, trueskill)
        ]
        above_truth.append(loss[0] - loss[1])
        below_trueskill.append(loss[2] - loss[0])
    value = float(np.mean(above_truth))
    error = float(np.std(above_truth, ddof=1) / np.sqrt(n_runs))
    gain = float(np.mean(below_trueskill))
    detail = f"{n_runs} leagues of {n_matches:,} matches; TrueSkill's is {gain:.3f} higher"
    return Measured(value, error, detail, value <= 0.01 + 3 * error and gain > 0.01)


ROWS: tuple[Row, ...] = (
    Row(
        "engine-package",
        "mu, sigma: largest difference from the package, no ties",
        "-",
        "at most 1e-6",
        _package,
    ),
    Row(
        "engine-ties",
        "mu, sigma: largest error with ties",
        "rounding noise, or an exception",
        "at most 1e-9",
        lambda effort, rng: _exact(effort, rng, spread=8.0, n_places=4),
    ),
    Row(
        "engine-all-tied",
        "mu, sigma: largest error, ten tied",
        "rounding noise, or an exception",
        "at most 1e-9",
        lambda effort, rng: _exact(effort, rng, spread=8.0, n_places=1),
    ),
    Row(
        "engine-gaps-of-200",
        "mu, sigma: largest error at gaps of 200 points, with ties",
        "an exception",
        "at most 1e-9",
        lambda effort, rng: _exact(effort, rng, spread=200.0, n_places=6),
    ),
    Row(
        "first-place-loss",
        "first %: held-out log-loss above that of the true chances",
        "-",
        "at most .01, and lower than TrueSkill's",
        _log_loss,
    ),
    Row(
        "first-place-interval",
        "first %: interval, every match a line-up of its own",
        "-",
        ".93 to .97",
        lambda effort, rng: _coverage(effort, rng, n_line_ups=1_000, each=1, form=0.0),
    ),
    Row(
        "first-place-interval-line-ups",
        "first %: interval, 16 matches of each line-up, form by line-up",
        "-",
        ".93 to .97",
        lambda effort, rng: _coverage(effort, rng, n_line_ups=60, each=16, form=1.5),
    ),
)
