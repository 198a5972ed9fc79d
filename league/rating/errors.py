"""How far a rating may be from the truth: a covariance of all ratings, from the match log.

TrueSkill's sigma is right if every match is an independent draw. It is not where strength depends
on company: the matches of one line-up (the same set of members) then err together, and sixteen of
them do not count as sixteen. Measured here, from the log and the present ratings:

- the *score* of a member in a match, and the *information* of all its comparisons: see
  league.rating.scores;
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

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from league.rating.columns import MatchColumns
from league.rating.scores import MOST_LEVERAGE, ScoreSums, seated
from league.rating.trueskill import MU, SIGMA, Gaussian

if TYPE_CHECKING:
    from db.records import Admission

FloatArray = NDArray[np.float64]

# Weights of what is known beforehand, in degrees of freedom: that scores vary as TrueSkill says,
# and that a member's design effect is the pool's. With these, members of four line-ups are covered
# as well as members of a hundred.
PRIOR_MATCHES = 10.0
PRIOR_LINE_UPS = 8.0
LEAST_LINE_UPS = 3.0  # degrees of freedom of the whole pool below which no design effect is claimed


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
    sums = ScoreSums(mu)
    for group, line_up in seated(columns, member_ids):
        sums.add(group, line_up)
    of_matches = sums.information.sum(axis=1)  # what the matches say of each, the others known
    matches = np.diag(of_matches) - sums.information
    prior, score_of_prior = priors(member_ids, mu, admissions or {})
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


def priors(
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


def _design_effect(
    sums: ScoreSums, expected: FloatArray
) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
    """Return (design effect, degrees of freedom, line-ups) of the matches of each member.

    Args:
        expected: float64[n], sums of squares of scores by TrueSkill's variances.
    """
    n = len(expected)
    matches = np.maximum(sums.games - 1.0, 0.0)
    by_match = sums.by_match / (1.0 - np.minimum(1.0 / np.maximum(sums.games, 1.0), MOST_LEVERAGE))
    dispersion = np.divide(by_match, expected, where=expected > 0, out=np.ones(n))
    dispersion = (PRIOR_MATCHES + matches * dispersion) / (PRIOR_MATCHES + matches)
    by_line_up, freedom, line_ups = sums.by_line_up()
    if freedom.sum() < LEAST_LINE_UPS:  # one company: strength in it is what is rated
        return dispersion, PRIOR_MATCHES + matches, line_ups
    ratio = np.divide(by_line_up, by_match, where=by_match > 0, out=np.ones(n))
    of_pool = float(freedom @ ratio) / float(freedom.sum())
    ratio = (PRIOR_LINE_UPS * of_pool + freedom * ratio) / (PRIOR_LINE_UPS + freedom)
    return dispersion * ratio, PRIOR_LINE_UPS + freedom, line_ups
