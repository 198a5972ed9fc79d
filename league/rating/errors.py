"""How far a rating may be from the truth: a covariance of all ratings, from the match log.

TrueSkill's sigma is right if every match is an independent draw. It is not where strength depends
on company: the matches of one line-up (the same set of members) then err together, and sixteen of
them do not count as sixteen. Measured here, from the log and the present ratings:

- the *score* of a member in a match: the derivative of the log-likelihood of its comparisons with
  the others (j is beaten with probability Phi((mu_i - mu_j) / (sqrt(2) beta))), and the
  *information* of all comparisons, the negative second derivative;
- how much the scores vary from match to match, against TrueSkill's sigma, and how much more the
  sums by line-up vary than independent matches would: the design effect. Both are shrunk, as a
  member with three line-ups says little: to 1, and to the pool's design effect;
- from these, the covariance of all ratings by the sandwich: a comparison with one that is far away
  carries the errors of those in between, and the anchor of the scale has an error like any other.

The interval also holds the *step*: how far the ratings, updated match by match, stand from where
all matches together would put them. It is a tenth of a sigma in ordinary pools and grows with the
spread of skill: without it, intervals in a pool of standard deviation 2 beta cover .87.

Measured coverage: tests/calibration/rows_ratings_intervals.py. Sources: Liang and Zeger (1986) for
the sandwich with clusters, Bell and McCaffrey (2002) for its leverage, Varin, Reid and Firth (2011)
for likelihoods of pairs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from league.rating.columns import Group, MatchColumns
from league.rating.trueskill import BETA, MU, SIGMA, Gaussian

if TYPE_CHECKING:
    from db.records import Admission

FloatArray = NDArray[np.float64]

# Weights of what is known beforehand, in degrees of freedom: that scores vary as TrueSkill says,
# and that a member's design effect is the pool's. With these, members of four line-ups are covered
# as well as members of a hundred.
PRIOR_MATCHES = 10.0
PRIOR_LINE_UPS = 8.0
LEAST_LINE_UPS = 3.0  # degrees of freedom of the whole pool below which no design effect is claimed
_MOST_LEVERAGE = 0.95
_SPREAD = math.sqrt(2.0) * BETA
_AT_A_TIME = 8_192  # matches; their arrays stay in the processor's cache


@dataclass(frozen=True)
class RatingErrors:
    """What is known about the errors of n ratings.

    Attributes:
        member_ids: ascending.
        sigma: float64[n], TrueSkill's sigma times the root of the design effect.
        design_effect: float64[n], how many times larger the variance is than TrueSkill's.
        line_ups: int64[n], different sets of members that each has played in.
        freedom: float64[n], degrees of freedom of the design effect.
        covariance: float64[n, n]; only differences mean something, since the level is arbitrary.
        step: float64[n], from the rating to where all matches together would put it.
    """

    member_ids: tuple[int, ...]
    sigma: FloatArray
    design_effect: FloatArray
    line_ups: NDArray[np.int64]
    freedom: FloatArray
    covariance: FloatArray
    step: FloatArray

    @classmethod
    def of_sigmas(cls, ratings: Mapping[int, Gaussian]) -> RatingErrors:
        """Return the errors by TrueSkill's sigmas alone: the hypot of two for a difference."""
        member_ids = tuple(sorted(ratings))
        sigma = np.array([ratings[i][1] for i in member_ids], dtype=np.float64)
        n = len(member_ids)
        return cls(
            member_ids=member_ids,
            sigma=sigma,
            design_effect=np.ones(n),
            line_ups=np.zeros(n, dtype=np.int64),
            freedom=np.full(n, np.inf),
            covariance=np.diag(sigma**2),
            step=np.zeros(n),
        )

    def half_widths(self, at: int | None, *, p: float = 0.975) -> FloatArray:
        """Return float64[n]: the half-widths of intervals of mu_i - mu_at, 0 for `at` itself.

        Args:
            at: position of the anchor; None gives the intervals of each rating by itself.
            p: level of each side, 0.975 for an interval of 95 %.
        """
        if at is None:
            step = self.step - self.step.mean()
            return np.asarray(t_quantiles(p, self.freedom) * np.hypot(self.sigma, step))
        freedom = np.minimum(self.freedom, self.freedom[at])
        return np.asarray(t_quantiles(p, freedom) * np.sqrt(self.variances(at)))

    def variances(self, at: int) -> FloatArray:
        """Return float64[n]: the squared errors of the differences mu_i - mu_at, 0 for `at`."""
        own = np.diag(self.covariance)
        of_rating = own + own[at] - 2.0 * self.covariance[at]
        found = np.maximum(of_rating, 0.0) + (self.step - self.step[at]) ** 2
        found[at] = 0.0
        return np.asarray(found)

    def differences(self, mu: FloatArray, *, p: float) -> NDArray[np.bool_]:
        """Return bool[n, n]: whether row's rating is above column's by the test at level p.

        Args:
            mu: float64[n], the ratings.
            p: level of the side that is tested, 0.975 for 5 % on both sides.
        """
        n = len(mu)
        above = np.zeros((n, n), dtype=np.bool_)
        for at in range(n):
            above[:, at] = mu - mu[at] > self.half_widths(at, p=p)
        np.fill_diagonal(above, False)
        return above


def t_quantiles(p: float, freedom: FloatArray) -> FloatArray:
    """Return quantiles of Student's t for p from 0.5 to 0.999 and 8 or more degrees of freedom.

    By the expansion in 1 / freedom, to within 3e-4: importing scipy for `league.statistics` would
    take as long as a whole report. Source: Abramowitz and Stegun 26.7.5.
    """
    from statistics import NormalDist

    z = NormalDist().inv_cdf(p)
    inverse = 1.0 / np.maximum(freedom, 8.0)
    first = (z**3 + z) / 4.0
    second = (5.0 * z**5 + 16.0 * z**3 + 3.0 * z) / 96.0
    third = (3.0 * z**7 + 19.0 * z**5 + 17.0 * z**3 - 15.0 * z) / 384.0
    fourth = (79.0 * z**9 + 776.0 * z**7 + 1482.0 * z**5 - 1920.0 * z**3 - 945.0 * z) / 92160.0
    return np.asarray(
        z + inverse * (first + inverse * (second + inverse * (third + inverse * fourth)))
    )


def rating_errors(
    columns: MatchColumns,
    ratings: Mapping[int, Gaussian],
    admissions: Mapping[int, Admission] | None = None,
) -> RatingErrors:
    """Measure the errors of ratings by the matches of their season.

    Args:
        columns: the matches; those of members without a rating are left out.
        ratings: (mu, sigma) of TrueSkill by member id, on its own scale.
        admissions: how members entered the season; as unknown ones where they are not named.
    """
    member_ids = tuple(sorted(ratings))
    if not member_ids:
        return RatingErrors.of_sigmas(ratings)
    mu = np.array([ratings[i][0] for i in member_ids])
    sigma = np.array([ratings[i][1] for i in member_ids])
    sums = _Sums(mu)
    for group, line_up in _seated(columns, member_ids):
        sums.add(group, line_up)
    of_matches = sums.information.sum(axis=1)  # what the matches say of each, the others known
    matches = np.diag(of_matches) - sums.information
    prior, score_of_prior = _priors(member_ids, mu, admissions or {})
    inverse = np.linalg.inv(matches + prior)
    # TrueSkill's variance against the inverse of our information: near 1.
    own = (of_matches + np.diag(prior)) * sigma**2
    effect, freedom, line_ups = _design_effect(sums, of_matches * own)
    share = of_matches / (of_matches + np.diag(prior))
    # The scores of a match sum to zero, and so do the rows of its information: they correlate
    # alike. Scaled so that each member's own variance is its robust one.
    scale = np.sqrt(effect * own)
    middle = _without_level(matches * np.outer(scale, scale)) + prior
    return RatingErrors(
        member_ids=member_ids,
        sigma=sigma * np.sqrt(1.0 + share * (effect - 1.0)),
        design_effect=1.0 + share * (effect - 1.0),
        line_ups=line_ups,
        freedom=freedom / np.maximum(share, 1e-3) ** 2,
        covariance=inverse @ middle @ inverse,
        step=inverse @ (sums.score + score_of_prior),
    )


def _priors(
    member_ids: tuple[int, ...], mu: FloatArray, admissions: Mapping[int, Admission]
) -> tuple[FloatArray, FloatArray]:
    """Return (float64[n, n], float64[n]): information and scores of what was known at admission.

    A child is known to be near its parent, wherever that stands; everybody else is near 25.
    """
    n = len(member_ids)
    at = {member_id: place for place, member_id in enumerate(member_ids)}
    information, score = np.zeros((n, n)), np.zeros(n)
    for i, member_id in enumerate(member_ids):
        start = admissions.get(member_id)
        precision = 1.0 / (SIGMA if start is None else start.sigma) ** 2
        information[i, i] += precision
        parent = None if start is None else at.get(start.parent_id or -1)
        if parent is None:
            score[i] += precision * ((MU if start is None else start.mu) - mu[i])
            continue
        information[parent, parent] += precision
        information[i, parent] -= precision
        information[parent, i] -= precision
        score[i] += precision * (mu[parent] - mu[i])
        score[parent] += precision * (mu[i] - mu[parent])
    return information, score


def _without_level(middle: FloatArray) -> FloatArray:
    """Return a covariance of scores whose sum is certain, as that of the scores of a match is.

    Scaling takes this property away; what remains of a sum would move all ratings together, and
    with them the distance to whoever has not played.
    """
    total = np.trace(middle)
    if total <= 0.0:
        return middle
    weight = np.diag(middle) / total
    centred = np.eye(len(weight)) - weight[:, None]
    return np.asarray(centred @ middle @ centred.T)


def _seated(
    columns: MatchColumns, member_ids: tuple[int, ...]
) -> Iterator[tuple[Group, NDArray[np.int64]]]:
    """Yield the matches with positions in `member_ids` for members, those of a line-up adjacent."""
    line_ups = columns.line_ups()
    place = np.full(1 + max(member_ids[-1], int(columns.members.max(initial=0))), -1)
    place[list(member_ids)] = np.arange(len(member_ids))
    for group in columns.groups():
        at = place[group.members]
        rated = (at >= 0).all(axis=1)
        line_up = line_ups[group.index[rated]]
        order = np.argsort(line_up, kind="stable")
        seated = Group(group.index[rated][order], at[rated][order], group.placements[rated][order])
        yield seated, line_up[order]


class _Sums:
    """Sums of scores over matches, by member."""

    def __init__(self, mu: FloatArray) -> None:
        n = self._n = len(mu)
        self.games = np.zeros(n)
        self.score = np.zeros(n)
        self.information = np.zeros((n, n))  # of pairs, 0 on the diagonal
        self.by_match = np.zeros(n)  # sums of squares of scores
        self._clusters: list[tuple[NDArray[np.int64], FloatArray, FloatArray]] = []
        z = (mu[:, None] - mu[None, :]) / _SPREAD
        p = 0.5 * np.asarray(np.frompyfunc(math.erfc, 1, 1)(-z / math.sqrt(2.0)), np.float64)
        self._p = np.clip(p, 1e-12, 1.0 - 1e-12)
        density = np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
        # d ln p / d mu for a win, and that times 1 - p for the expectation of both results
        self._weight = density / (self._p * (1.0 - self._p)) / _SPREAD
        self._per_game = self._weight * density / _SPREAD

    def add(self, group: Group, line_up: NDArray[np.int64]) -> None:
        """Add the matches of one number of seats, those of a line-up adjacent."""
        members = np.ascontiguousarray(group.members.T, dtype=np.int64)
        placements = np.ascontiguousarray(group.placements.T)
        scores = np.empty(members.shape)
        for begin in range(0, members.shape[1], _AT_A_TIME):
            part = slice(begin, begin + _AT_A_TIME)
            scores[:, part] = self._scores(members[:, part], placements[:, part])
        flat = members.ravel()
        self.games += np.bincount(flat, minlength=self._n)
        self.score += np.bincount(flat, scores.ravel(), minlength=self._n)
        self.by_match += np.bincount(flat, (scores**2).ravel(), minlength=self._n)
        begins = np.flatnonzero(np.diff(line_up, prepend=-1))
        if begins.size:
            of_line_up = np.add.reduceat(scores, begins, axis=1)
            counts = np.diff(np.append(begins, len(line_up))).astype(np.float64)
            self._clusters.append(
                (
                    members[:, begins].ravel(),
                    of_line_up.ravel(),
                    np.tile(counts, members.shape[0]),
                )
            )

    def _scores(self, members: NDArray[np.int64], placements: NDArray[np.int16]) -> FloatArray:
        scores = np.zeros(members.shape)
        weight, expected = self._weight.ravel(), (self._weight * self._p).ravel()
        together = np.zeros(self._n**2)
        for a in range(members.shape[0]):
            for b in range(a + 1, members.shape[0]):
                pair = members[a] * self._n + members[b]
                result = (placements[a] < placements[b]) + 0.5 * (placements[a] == placements[b])
                score = weight[pair] * result - expected[pair]
                scores[a] += score
                scores[b] -= score
                together += np.bincount(pair, minlength=self._n**2)
        games = together.reshape(self._n, self._n)
        self.information += (games + games.T) * self._per_game
        return scores

    def by_line_up(self) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
        """Return sums of squares by line-up, corrected for leverage, their freedom and number.

        A rating follows its own line-ups, more so the fewer there are: the residual of one with
        share h of the matches is divided by 1 - h.
        """
        squares, n_squares = np.zeros(self._n), np.zeros(self._n)
        line_ups = np.zeros(self._n, dtype=np.int64)
        for member, score, count in self._clusters:
            share = np.minimum(count / self.games[member], _MOST_LEVERAGE)
            squares += np.bincount(member, score**2 / (1.0 - share), minlength=self._n)
            n_squares += np.bincount(member, count**2, minlength=self._n)
            line_ups += np.bincount(member, minlength=self._n)
        effective = np.divide(self.games**2, n_squares, where=n_squares > 0, out=np.ones(self._n))
        return squares, np.maximum(effective - 1.0, 0.0), line_ups


def _design_effect(
    sums: _Sums, expected: FloatArray
) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
    """Return (design effect, degrees of freedom, line-ups) of the matches of each member.

    Args:
        expected: float64[n], sums of squares of scores by TrueSkill's variances.
    """
    n = len(expected)
    matches = np.maximum(sums.games - 1.0, 0.0)
    by_match = sums.by_match / (1.0 - np.minimum(1.0 / np.maximum(sums.games, 1.0), _MOST_LEVERAGE))
    dispersion = np.divide(by_match, expected, where=expected > 0, out=np.ones(n))
    dispersion = (PRIOR_MATCHES + matches * dispersion) / (PRIOR_MATCHES + matches)
    by_line_up, freedom, line_ups = sums.by_line_up()
    if freedom.sum() < LEAST_LINE_UPS:  # one company: strength in it is what is rated
        return dispersion, PRIOR_MATCHES + matches, line_ups
    ratio = np.divide(by_line_up, by_match, where=by_match > 0, out=np.ones(n))
    of_pool = float(freedom @ ratio) / float(freedom.sum())
    ratio = (PRIOR_LINE_UPS * of_pool + freedom * ratio) / (PRIOR_LINE_UPS + freedom)
    return dispersion * ratio, PRIOR_LINE_UPS + freedom, line_ups
