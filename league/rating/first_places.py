"""Who comes first: each member's chance of the first place in company like its own.

TrueSkill gives all members one noise; a member that wins or dies early has more of it, and first
places show that most. Here member i performs as N(m_i, t_i^2) with a noise of its own, and comes
first with the chance that its performance is the largest:

    P(i first) = integral of f_i(x) * product over the others j of F_j(x) dx

m and t are fitted to the first places of the newest matches, drawn towards what is known otherwise:
m_i towards TrueSkill's mu_i, as far as sigma_i and PULL_MEAN let it go, and log t_i towards a
common value, which is fitted too. Promises: pure functions of the log; the interval covers (it
takes line-up by line-up, since matches of one line-up are alike, and never less than the model
itself says); a member without matches among the newest has no chance. "First" is the best of the
rated seats of a match. Means are on TrueSkill's scale, not on the reported one.

Tried on a real league (docs/statistics.md): a logit model of first places, shares of first places
made to sum to 1, chances by kind of map, and terms for each pair of members. Only maps did better
than noises of their own, by less than the error, and what a report shows is over all maps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from league.rating.trueskill import BETA, Gaussian

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

N_NEWEST = 3_000  # matches: chances of 21 members within 1 %, in a quarter of a second
# Standard deviations of the priors: of m around mu beside sigma, of log t around the common value,
# and of that around log BETA. Doubling or halving any of them moves the held-out log-loss by less
# than .002.
PULL_MEAN, PULL_NOISE, PULL_COMMON = 1.0, 0.5, 1.0
REACH = 4.5  # noises above the best and below the worst mean: outside, nobody comes first
PER_NOISE = 1.5  # points of the integral per smallest noise: with REACH, right to 1e-4
MAX_POINTS = 2_000  # a smaller noise counts as the smallest that these resolve
N_STEPS = 30
# Newton decrements per member at which to stop: .001 is a fortieth of a standard error. A few
# line-ups give the start for all: that costs a fraction of a step.
CONVERGED, NEARLY = 1e-3, 2e-2
N_FEW = 500
_FAR = -30.0  # below, the normal's tail is its asymptote to 1e-3 of a number that is 0


class Matches(Protocol):
    """Rated matches in the order of the log, as columns (`league.rating.columns`)."""

    @property
    def starts(self) -> NDArray[np.int64]: ...
    @property
    def members(self) -> NDArray[np.integer]: ...
    @property
    def placements(self) -> NDArray[np.integer]: ...


@dataclass(frozen=True)
class Chance:
    """The chance of the first place, with its 95 % interval, and the matches that it rests on."""

    p: float
    low: float
    high: float
    matches: int


@dataclass(frozen=True)
class _LineUps:
    """Distinct line-ups of members 0..K - 1, padded with K, with how often each seat came first.

    Attributes:
        seats: int64 [L, k].
        firsts: float64 [L, k], first places; shared ones count by their share.
        n_members: K.
    """

    seats: Integers
    firsts: Floats
    n_members: int

    @property
    def n_matches(self) -> Floats:
        """float64 [L]."""
        return np.asarray(self.firsts.sum(axis=1))

    def every(self, step: int) -> _LineUps:
        """Return each `step`-th line-up."""
        return _LineUps(self.seats[::step], self.firsts[::step], self.n_members)

    @cached_property
    def columns(self) -> Integers:
        """int64 [L, 2k]: where means and log noises of the seats stand among 2 (K + 1) numbers."""
        return np.concatenate((self.seats, self.seats + self.n_members + 1), axis=1)

    @cached_property
    def cells(self) -> Integers:
        """int64 [L * 2k * 2k]: where the products of two of them stand in a square matrix."""
        size = 2 * self.n_members + 2
        return (self.columns[:, :, None] * size + self.columns[:, None, :]).ravel()

    @cached_property
    def real(self) -> Integers:
        """int64 [2K]: which of the 2 (K + 1) numbers are of members."""
        n = self.n_members
        return np.append(np.arange(n), np.arange(n + 1, 2 * n + 1))


@dataclass(frozen=True)
class Model:
    """Fitted performances.

    Attributes:
        member_ids: of the members 0..K - 1.
        mean, noise: float64 [K].
        bread: float64 [2K, 2K], inverse of the information of means and log noises, with priors.
        covariance: float64 [2K, 2K] of the same by line-up (sandwich).
    """

    member_ids: tuple[int, ...]
    mean: Floats
    noise: Floats
    bread: Floats
    covariance: Floats

    def chances(self, line_ups: NDArray[np.integer]) -> Floats:
        """Return float64 [L, k]: each seat's chance of the first place, for member ids [L, k]."""
        number = {member_id: at for at, member_id in enumerate(self.member_ids)}
        seats = np.array([[number[int(i)] for i in row] for row in line_ups], np.int64)
        return _chances(self.mean, self.noise, seats)[0]


def first_chances(
    matches: Matches, ratings: Mapping[int, Gaussian], *, newest: int = N_NEWEST
) -> dict[int, Chance]:
    """Return the chance of the first place by member id, over the company that each has had.

    Args:
        matches: of one season; the newest ones are used.
        ratings: (mu, sigma) of every member that plays there, on TrueSkill's scale.
    """
    found = _line_ups(matches, newest)
    if found is None:
        return {}
    ids, line_ups = found
    model = _fit(ids, line_ups, ratings)
    return _over_own_company(model, line_ups)


def fit(
    matches: Matches, ratings: Mapping[int, Gaussian], *, newest: int = N_NEWEST
) -> Model | None:
    """Return the performances fitted to the newest matches, None without any."""
    found = _line_ups(matches, newest)
    return None if found is None else _fit(*found, ratings)


def _line_ups(matches: Matches, newest: int) -> tuple[tuple[int, ...], _LineUps] | None:
    """Return the member ids and the distinct line-ups of the newest matches."""
    starts = np.asarray(matches.starts, np.int64)[-newest - 1 :]
    n = len(starts) - 1
    if n < 1:
        return None
    sizes = np.diff(starts)
    rows = slice(int(starts[0]), int(starts[-1]))
    ids, numbers = np.unique(np.asarray(matches.members[rows]), return_inverse=True)
    match = np.repeat(np.arange(n), sizes)
    seat = np.arange(len(numbers)) - np.repeat(starts[:-1] - starts[0], sizes)
    order = np.lexsort((numbers, match))  # one order of members for all matches of a line-up
    seats = np.full((n, int(sizes.max())), len(ids), np.int64)
    seats[match, seat] = numbers[order]
    places = np.full(seats.shape, np.iinfo(np.int64).max)
    places[match, seat] = np.asarray(matches.placements[rows])[order]
    is_first = places == places.min(axis=1, keepdims=True)
    firsts = is_first / is_first.sum(axis=1, keepdims=True)
    distinct, which = np.unique(seats, axis=0, return_inverse=True)
    counts = np.zeros(distinct.shape)
    np.add.at(counts, which.reshape(-1), firsts)
    return tuple(ids.tolist()), _LineUps(distinct, counts, len(ids))


def _fit(ids: tuple[int, ...], line_ups: _LineUps, ratings: Mapping[int, Gaussian]) -> Model:
    """Maximise the likelihood of the first places and the priors by Fisher scoring."""
    n = len(ids)
    mu = np.array([ratings[i][0] for i in ids])
    spread = np.array([ratings[i][1] for i in ids]) ** 2 + PULL_MEAN**2
    centre = np.append(mu, np.full(n, math.log(BETA)))
    pull = np.zeros((2 * n, 2 * n))  # precision of the priors
    pull[:n, :n] = np.diag(1.0 / spread)
    pull[n:, n:] = np.linalg.inv(np.diag(np.full(n, PULL_NOISE**2)) + PULL_COMMON**2)
    at = centre.copy()
    few = line_ups.every(1 + len(line_ups.seats) // N_FEW)
    for some, enough in ((few, NEARLY), (line_ups, CONVERGED)):
        value, step = -math.inf, np.zeros(2 * n)
        for _ in range(N_STEPS):
            at, value, scores, information = _climb(at, step, value, centre, pull, some)
            gradient = scores.sum(axis=0) - pull @ (at - centre)
            step = np.linalg.solve(information + pull, gradient)
            if float(gradient @ step) < enough * n:
                break
    bread = np.asarray(np.linalg.inv(information + pull), np.float64)
    k = len(scores)
    meat = scores.T @ scores * (k / max(k - 1, 1)) + pull
    return Model(ids, at[:n], np.exp(at[n:]), bread, bread @ meat @ bread)


def _climb(
    at: Floats, step: Floats, value: float, centre: Floats, pull: Floats, line_ups: _LineUps
) -> tuple[Floats, float, Floats, Floats]:
    """Go a step, or a part of it that leads upwards.

    Returns:
        Where that is, how high, and the scores and the information there.
    """
    share = 1.0
    while True:
        there = at + share * step
        height, scores, information = _likelihood(there, line_ups)
        away = there - centre
        height -= 0.5 * float(away @ pull @ away)
        if height >= value - 1e-9 or share < 1e-3:
            return there, height, scores, information
        share *= 0.5


def _likelihood(parameters: Floats, line_ups: _LineUps) -> tuple[float, Floats, Floats]:
    """Return the log-likelihood, float64 [L, 2K] scores by line-up, and the Fisher information."""
    n = line_ups.n_members
    p, slopes = _chances(parameters[:n], np.exp(parameters[n:]), line_ups.seats)
    p = np.maximum(p, 1e-300)  # of the padding, and of who never wins
    height = float((line_ups.firsts * np.log(p)).sum())
    size, real = 2 * n + 2, line_ups.real
    scores = np.zeros((len(p), size))
    at_seats = ((line_ups.firsts / p)[:, None, :] @ slopes)[:, 0]
    scores[np.arange(len(p))[:, None], line_ups.columns] = at_seats
    weighted = slopes * (line_ups.n_matches[:, None] / p)[:, :, None]
    blocks = weighted.transpose(0, 2, 1) @ slopes
    summed = np.bincount(line_ups.cells, blocks.ravel(), minlength=size * size)
    information = np.asarray(summed.reshape(size, size)[np.ix_(real, real)], np.float64)
    return height, scores[:, real], information


def _chances(mean: Floats, noise: Floats, seats: Integers) -> tuple[Floats, Floats]:
    """Return chances of the first place and their slopes.

    With S = the sum of log F_j and r_j = f_j / F_j, P_w is the integral of exp(S) r_w, and its
    slope by m_j that of -exp(S) r_w r_j: products of matrices, for all seats at once.

    Args:
        mean, noise: float64 [K].
        seats: int64 [L, k], members 0..K - 1, or K where there is no seat.

    Returns:
        float64 [L, k] and float64 [L, k, 2k], by the means of the seats and by their log noises.
    """
    widest = float(np.ptp(mean) + 2.0 * REACH * noise.max())
    noise = np.maximum(noise, PER_NOISE * widest / MAX_POINTS)
    # The best of a line-up is hardly ever below where any one of it hardly ever is.
    reach = np.append(mean - REACH * noise, -math.inf)
    low = float(reach[seats].max(axis=1).min())
    high = float((mean + REACH * noise).max())
    n_points = 2 + int(PER_NOISE * (high - low) / float(noise.min()))
    x, dx = np.linspace(low, high, n_points, retstep=True)
    away = x - mean[:, None]
    z = away / noise[:, None]
    log_below, hazard = _tail(z)
    hazard /= noise[:, None]
    # One more row for empty seats: they are below every x and change nothing.
    nothing = np.zeros((1, n_points))
    log_below, hazard, away, own = (
        np.concatenate((each, nothing)) for each in (log_below, hazard, away, z * z - 1.0)
    )
    n_line_ups, k = seats.shape
    p, slopes = np.empty((n_line_ups, k)), np.empty((n_line_ups, k, 2 * k))
    seat = np.arange(k)
    at_a_time = max(1, 250_000 // (k * n_points))  # 2 MB of numbers
    for begin in range(0, n_line_ups, at_a_time):
        part = slice(begin, begin + at_a_time)
        some = seats[part]
        rates = hazard[some]
        weight = np.exp(log_below[some].sum(axis=1)) * float(dx)
        first = rates * weight[:, None]
        p[part] = first.sum(axis=2)
        by_mean = -first @ rates.transpose(0, 2, 1)
        by_mean[:, seat, seat] = 0.0
        by_mean[:, seat, seat] = -by_mean.sum(axis=2)  # moving all together changes nothing
        rates *= away[some]
        by_noise = -first @ rates.transpose(0, 2, 1)
        by_noise[:, seat, seat] = np.einsum("lkx,lkx->lk", first, own[some])
        slopes[part, :, :k], slopes[part, :, k:] = by_mean, by_noise
    return p, slopes


def _tail(z: Floats) -> tuple[Floats, Floats]:
    """Return log cdf(z) and pdf(z) / cdf(z) of the standard normal."""
    inside = np.maximum(z, _FAR)
    below = 0.5 * np.array([math.erfc(-v / math.sqrt(2.0)) for v in inside.ravel()])
    below = below.reshape(z.shape)
    hazard = np.exp(-0.5 * inside * inside) / (math.sqrt(2.0 * math.pi) * below)
    # Further out the cdf is so near 0 that only its order matters.
    return np.log(below) - 0.5 * (z * z - inside * inside), hazard


def _over_own_company(model: Model, line_ups: _LineUps) -> dict[int, Chance]:
    """Return each member's chance over the line-ups that it was in, with its interval."""
    p, slopes = _chances(model.mean, model.noise, line_ups.seats)
    n, size = line_ups.n_members, 2 * line_ups.n_members + 2
    seats, played = line_ups.seats.ravel(), line_ups.n_matches[:, None]
    matches = np.bincount(seats, np.broadcast_to(played, p.shape).ravel(), minlength=n + 1)[:n]
    n_line_ups = np.bincount(seats, minlength=n + 1)
    chances = np.bincount(seats, (p * played).ravel(), minlength=n + 1)[:n] / matches
    cells = line_ups.seats[:, :, None] * size + line_ups.columns[:, None, :]
    summed = np.bincount(cells.ravel(), (slopes * played[:, :, None]).ravel(), (n + 1) * size)
    slope = summed.reshape(n + 1, size)[:n, line_ups.real] / matches[:, None]
    by_line_up, by_match = (
        ((slope @ errors) * slope).sum(axis=1) for errors in (model.covariance, model.bread)
    )
    variances = np.maximum(by_line_up, by_match)
    found = {}
    for at, member_id in enumerate(model.member_ids):
        p_first, n_played = float(chances[at]), float(matches[at])
        freedom = int(n_line_ups[at]) - 1
        low, high = _interval(p_first, float(variances[at]), n_played, freedom)
        found[member_id] = Chance(p_first, low, high, round(n_played))
    return found


def _interval(p: float, variance: float, matches: float, freedom: int) -> tuple[float, float]:
    """Return the 95 % interval of a chance: Wilson's, for as many matches as its variance says.

    Those are never more than the matches that there were: how rarely a member comes first that
    never did is for the matches to say, and not for the tail of a normal.
    """
    effective = min(p * (1.0 - p) / max(variance, 1e-300), matches)
    square = _t_975(freedom) ** 2 / max(effective, 1e-9)
    centre = (p + square / 2.0) / (1.0 + square)
    half = math.sqrt(square * p * (1.0 - p) + square * square / 4.0) / (1.0 + square)
    return max(centre - half, 0.0), min(centre + half, 1.0)


def _t_975(freedom: int) -> float:
    """Return the quantile of Student's t, by Cornish and Fisher; few line-ups count as four."""
    z, v = 1.959963984540054, max(freedom, 4)
    return z + (z**3 + z) / (4 * v) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
