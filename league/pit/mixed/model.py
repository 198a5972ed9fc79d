"""A model of who comes first in mixed company: a strength and a noise of its own for every name.

A seat performs as strength + noise of its name (`league.pit.mixed.likelihood`), and places follow
from the performances. A name that gambles comes first more often than one of the same mean place
that does not; Plackett and Luce's model gives all names the same noise, and there the chance of the
first place follows from the strength alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from league.errors import StatisticsError
from league.pit.mixed.likelihood import Counts, first_chances, log_likelihood, pair_chances
from league.pit.statistics import PitMatch
from league.statistics.means import cluster_interval

N_FOLDS = 5
_PRIOR = 0.5  # weight of a standard normal prior, against infinities where a name won everything


@dataclass(frozen=True)
class Matches:
    """Placements of matches as arrays.

    Attributes:
        names: in the order of the columns below.
        name: int64[matches, seats], the name that holds each seat.
        order: int64[matches, seats], seats from the first to the last; ties in the order of seats.
        n_first: number of seats that share the first place.
        seed: int64[matches], which unit a match belongs to.
    """

    names: tuple[str, ...]
    name: NDArray[np.int64]
    order: NDArray[np.int64]
    n_first: NDArray[np.int64]
    seed: NDArray[np.int64]

    def of(self, rows: NDArray[np.bool_]) -> Matches:
        """Return some of the matches."""
        return Matches(
            self.names, self.name[rows], self.order[rows], self.n_first[rows], self.seed[rows]
        )

    @property
    def by_place(self) -> NDArray[np.int64]:
        """int64[matches, seats]: the name at each place."""
        return np.take_along_axis(self.name, self.order, axis=1)

    @property
    def counts(self) -> NDArray[np.float64]:
        """float64[matches, names]: seats of each name."""
        return np.stack([(self.name == i).sum(axis=1) for i in range(len(self.names))], 1) * 1.0


@dataclass(frozen=True)
class Held:
    """How well models predict matches that they have not seen, folds made of seeds.

    Attributes:
        first, first_uniform, first_luce: mean of -ln of the chance given to the seat that came
            first, by this model, by equal chances, and by Plackett and Luce's model.
        pairs, pairs_luce: mean of -ln of the chance of the order of two seats of different names.
        better_error: standard error of first - first_luce, clustered by seed.
    """

    first: float
    first_luce: float
    first_uniform: float
    pairs: float
    pairs_luce: float
    better_error: float


@dataclass(frozen=True)
class Fit:
    """The model of all matches.

    Attributes:
        strength, noise: per name; the mean strength is 0 and the mean log noise 0.
        held: on held-out matches; None where there are too few seeds.
    """

    names: tuple[str, ...]
    strength: tuple[float, ...]
    noise: tuple[float, ...]
    held: Held | None


def as_arrays(units: Sequence[Sequence[PitMatch]], names: Sequence[str]) -> Matches:
    """Return the matches of units as arrays.

    Raises:
        StatisticsError: there is none.
    """
    matches = [match for unit in units for match in unit]
    if not matches:
        raise StatisticsError("expected complete seeds, found none; run `league pit` again")
    index = {name: i for i, name in enumerate(names)}
    places = np.array([match.placements for match in matches])
    return Matches(
        tuple(names),
        np.array([[index[name or ""] for name in match.sides] for match in matches]),
        places.argsort(axis=1, kind="stable"),
        (places == 1).sum(axis=1),
        np.repeat(np.arange(len(units)), [len(unit) for unit in units]),
    )


def fit(matches: Matches) -> Fit:
    """Return the model of all matches, with its losses on held-out ones."""
    strength, noise = fit_thurstone(matches)
    return Fit(
        matches.names,
        tuple(strength.tolist()),
        tuple(noise.tolist()),
        held_out(matches, np.concatenate([strength, np.log(noise)])),
    )


def fit_thurstone(
    matches: Matches, start: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (strength, noise) per name: the best for first places and for pairs of seats.

    The sum of ln P(the name that came first) and of ln P(order) over all pairs of seats, the pairs
    weighted by 1 / (seats - 1) so that each match counts as its seats, is a composite likelihood
    (Varin, Reid and Firth 2011); a weak normal prior keeps it finite.

    Args:
        start: strengths and log noises to begin with, float64[2 * names]; None for equals.
    """
    from scipy.optimize import minimize

    k = len(matches.names)
    counts = counts_of(matches)

    def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        strength, log_noise = _unpack(theta, k)
        value, gradient = log_likelihood(strength, log_noise, counts)
        # Strengths and log noises are taken less their means: so is the gradient.
        gradient = np.concatenate([part - part.mean() for part in np.split(gradient, 2)])
        return -value + 0.5 * _PRIOR * float((theta**2).sum()), _PRIOR * theta - gradient

    first_guess = np.zeros(2 * k) if start is None else start
    found = minimize(loss, first_guess, jac=True, method="L-BFGS-B")
    strength, log_noise = _unpack(found.x, k)
    return strength, np.exp(log_noise)


def counts_of(matches: Matches) -> Counts:
    """Return what the likelihood takes of matches."""
    compositions, which = np.unique(matches.counts, axis=0, return_inverse=True)
    firsts = np.zeros_like(compositions)
    np.add.at(firsts, (which.reshape(-1), matches.by_place[:, 0]), 1.0)
    wins, pairs = _pair_counts(matches)
    return Counts(compositions, firsts, wins, pairs, 1.0 / (matches.name.shape[1] - 1))


def first_losses(
    matches: Matches, strength: NDArray[np.float64], noise: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return -ln of the chance of the seat that came first, float64[matches]."""
    counts, winner = matches.counts, matches.by_place[:, 0]
    chances = first_chances(strength, noise, counts)
    rows = np.arange(len(winner))
    return np.asarray(-np.log(np.maximum(chances[rows, winner] / counts[rows, winner], 1e-12)))


def held_out(matches: Matches, start: NDArray[np.float64] | None = None) -> Held | None:
    """Return losses on held-out matches, five folds of seeds; None for fewer than ten seeds."""
    n_seeds = int(matches.seed.max()) + 1
    if n_seeds < 2 * N_FOLDS:
        return None
    first, luce, pairs, pairs_luce, seeds = [], [], [], [], []
    for fold in range(N_FOLDS):
        left_out = matches.seed % N_FOLDS == fold
        seen, unseen = matches.of(~left_out), matches.of(left_out)
        strength, noise = fit_thurstone(seen, start)
        worth = fit_plackett_luce(seen)
        first.append(first_losses(unseen, strength, noise))
        luce.append(_luce_first_losses(unseen, worth))
        wins, above = _pair_counts(unseen)
        pairs.append(_pair_loss(wins, above, pair_chances(strength, noise)))
        pairs_luce.append(_pair_loss(wins, above, worth[:, None] / (worth[:, None] + worth)))
        seeds.append(unseen.seed)
    ours, theirs = np.concatenate(first), np.concatenate(luce)
    difference = cluster_interval(ours - theirs, np.concatenate(seeds).tolist())
    return Held(
        float(ours.mean()),
        float(theirs.mean()),
        math.log(matches.name.shape[1]),
        float(np.mean(pairs)),
        float(np.mean(pairs_luce)),
        difference.standard_error,
    )


def fit_plackett_luce(matches: Matches, n_rounds: int = 200) -> NDArray[np.float64]:
    """Return the worth of each name in Plackett and Luce's model, mean 1: the yardstick.

    Minorise and maximise (Hunter, "MM algorithms for generalized Bradley-Terry models", 2004): the
    worth is the number of times that a name was chosen over the sum of 1 / (worth of the seats that
    were left) over all choices in which it could have been, per seat.
    """
    k = len(matches.names)
    by_place = matches.by_place
    n_seats = by_place.shape[1]
    left = np.zeros((*by_place.shape, k))
    rows = np.arange(len(by_place))
    running = matches.counts
    for place in range(n_seats):
        left[:, place] = running
        running = running.copy()
        running[rows, by_place[:, place]] -= 1
    left = left[:, :-1].reshape(-1, k)
    chosen = np.bincount(by_place[:, :-1].ravel(), minlength=k) + _PRIOR
    worth = np.ones(k)
    for _ in range(n_rounds):
        worth = chosen / ((left / (left @ worth)[:, None]).sum(axis=0) + _PRIOR)
        worth /= worth.mean()
    return worth


def _unpack(theta: NDArray[np.float64], k: int) -> tuple[NDArray[Any], NDArray[Any]]:
    strength, log_noise = theta[:k], theta[k:]
    return strength - strength.mean(), log_noise - log_noise.mean()


def _pair_counts(matches: Matches) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return float64[k, k]: pairs of seats in which i was above j; and all pairs of i and j."""
    k = len(matches.names)
    by_place = matches.by_place
    wins = np.zeros((k, k))
    for first in range(by_place.shape[1]):
        for second in range(first + 1, by_place.shape[1]):
            np.add.at(wins, (by_place[:, first], by_place[:, second]), 1.0)
    np.fill_diagonal(wins, 0.0)
    upper = np.triu(np.ones((k, k)), 1)  # each pair of names once
    return wins * upper, (wins + wins.T) * upper


def _pair_loss(
    wins: NDArray[np.float64], above: NDArray[np.float64], p: NDArray[np.float64]
) -> float:
    total = (wins * np.log(p) + (above - wins) * np.log1p(-p)).sum()
    return float(-total / max(above.sum(), 1.0))


def _luce_first_losses(matches: Matches, worth: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(-np.log(worth[matches.by_place[:, 0]] / (matches.counts @ worth)))
