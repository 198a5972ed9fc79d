"""Where the rating is not one number: pairs whose matches contradict what their ratings predict.

Strength in a game of ten depends on company: a pair may meet otherwise than two numbers say, and
otherwise again when nobody else takes part (a head-to-head). Promises: all intervals of one list
hold together, so that in a pool where ratings are all there is, the list is empty in 95 %.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from league.rating.beats import Beats
from league.rating.errors import RatingErrors
from league.rating.trueskill import BETA, Gaussian, win_probability
from league.statistics.betting import ConfidenceSequence

Source = Literal["rated matches", "pit"]


@dataclass(frozen=True)
class Contradiction:
    """A pair that is met otherwise than predicted: beat rates of the first over the second.

    Attributes:
        predicted: by the ratings; its error is `predicted_half_width`.
        seen: in the matches, `low` to `high` with all intervals of the list at once.
        n: common matches, or mirrored pairs of a head-to-head.
        is_sure: whether seen and predicted differ by more than both errors, all of the list
            together.
    """

    source: Source
    first: int
    second: int
    n: int
    predicted: float
    predicted_half_width: float
    seen: float
    low: float
    high: float
    is_sure: bool = True


def matches_against_ratings(
    beats: Beats,
    ratings: Mapping[int, Gaussian],
    errors: RatingErrors,
    *,
    confidence: float = 0.95,
) -> list[Contradiction]:
    """Return the pairs whose common matches contradict their ratings, the furthest off first.

    The difference of seen and predicted is tested with the errors of both. A pair's own matches
    count in its ratings too, which brings the two closer: the test is strict, not lax.
    """
    from scipy.special import ndtri

    decided = np.triu(beats.decided(), 1)
    n_claims = int(decided.sum())
    if not n_claims:
        return []
    quantile = float(ndtri(1.0 - (1.0 - confidence) / (2.0 * n_claims)))
    rates, (lows, highs) = beats.rates, beats.intervals(n_claims, confidence=confidence)
    errors_of = quantile * _errors_of_predictions(beats, ratings, errors)
    found = []
    for i, j in np.argwhere(decided).tolist():
        if rates[i, j] < win_probability(*(ratings[beats.member_ids[at]] for at in (i, j))):
            i, j = j, i
        first, second = beats.member_ids[i], beats.member_ids[j]
        predicted = win_probability(ratings[first], ratings[second])
        seen, low = float(rates[i, j]), float(lows[i, j])
        if seen - predicted > math.hypot(seen - low, errors_of[i, j]):
            found.append(
                Contradiction(
                    "rated matches",
                    first,
                    second,
                    int(beats.games[i, j]),
                    predicted,
                    float(errors_of[i, j]),
                    seen,
                    low,
                    float(highs[i, j]),
                )
            )
    return sorted(found, key=lambda row: row.predicted - row.seen)


@dataclass(frozen=True)
class PitScores:
    """A head-to-head: scores of its mirrored pairs for the first member, in the order of seeds."""

    first: int
    second: int
    scores: tuple[float, ...]


def pits_against_ratings(
    pits: Sequence[PitScores],
    ratings: Mapping[int, Gaussian],
    errors: RatingErrors,
    *,
    confidence: float = 0.95,
) -> list[Contradiction]:
    """Return all head-to-heads between rated members, the furthest from the ratings first.

    The first member is the one that does better than its rating says. A head-to-head may have been
    stopped when it pleased: its interval is a confidence sequence, which holds at any stop.
    """
    known = [pit for pit in pits if pit.first in ratings and pit.second in ratings and pit.scores]
    found = []
    for pit in known:
        error = (1.0 - confidence) / len(known)
        low, high = ConfidenceSequence(1.0 - error, values=pit.scores).interval()
        seen = math.fsum(pit.scores) / len(pit.scores)
        first, second = pit.first, pit.second
        if seen < win_probability(ratings[first], ratings[second]):
            first, second, seen, low, high = second, first, 1.0 - seen, 1.0 - high, 1.0 - low
        predicted = win_probability(ratings[first], ratings[second])
        half_width = NormalDist().inv_cdf(1.0 - error / 2.0) * _error_of_prediction(
            ratings, errors, first, second
        )
        found.append(
            Contradiction(
                source="pit",
                first=first,
                second=second,
                n=len(pit.scores),
                predicted=predicted,
                predicted_half_width=half_width,
                seen=seen,
                low=low,
                high=high,
                is_sure=seen - predicted > math.hypot(seen - low, half_width),
            )
        )
    return sorted(found, key=lambda row: row.predicted - row.seen)


def _errors_of_predictions(
    beats: Beats, ratings: Mapping[int, Gaussian], errors: RatingErrors
) -> NDArray[np.float64]:
    """Return float64[n, n]: standard errors of the predicted beat rates."""
    at = [errors.member_ids.index(member_id) for member_id in beats.member_ids]
    mu = np.array([ratings[member_id][0] for member_id in beats.member_ids])
    variances = np.array([errors.variances(place)[at] for place in at])
    return np.asarray(slope(mu[:, None] - mu[None, :]) * np.sqrt(variances))


def _error_of_prediction(
    ratings: Mapping[int, Gaussian], errors: RatingErrors, first: int, second: int
) -> float:
    i, j = errors.member_ids.index(first), errors.member_ids.index(second)
    difference = np.array(ratings[first][0] - ratings[second][0])
    return float(slope(difference) * math.sqrt(errors.variances(i)[j]))


def slope(difference: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by how much a predicted beat rate changes with each point of difference."""
    spread = math.sqrt(2.0) * BETA
    return np.asarray(
        np.exp(-0.5 * (difference / spread) ** 2) / (spread * math.sqrt(2.0 * math.pi))
    )
