"""Intervals of a mean: Student's t, and a cluster-robust one where values come in groups.

Pure functions of plain numbers; scipy is imported where it is needed, because `league --help` must
answer at once.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from league.errors import StatisticsError

# Variance that stands for none at all: far below that of any score, and nothing divides by zero.
TINY_VARIANCE = 1e-12


@dataclass(frozen=True)
class MeanInterval:
    """A mean with its interval, in the unit of the values.

    Attributes:
        low, high: infinite where one unit alone says nothing about the spread.
        standard_error: of the mean; infinite likewise.
        degrees: degrees of freedom of Student's t: units (values or clusters) less one.
    """

    mean: float
    low: float
    high: float
    standard_error: float
    degrees: int

    @property
    def half_width(self) -> float:
        """Half the length of the interval."""
        return 0.5 * (self.high - self.low)

    def within(self, low: float, high: float) -> MeanInterval:
        """Return the interval cut to what the mean can be, for example 0 to 1 for a share."""
        return MeanInterval(
            self.mean,
            min(max(self.low, low), high),
            min(max(self.high, low), high),
            self.standard_error,
            self.degrees,
        )

    def p_above(self, value: float) -> float:
        """Return the share of the t distribution of the mean that lies above a value."""
        if not self.degrees:
            return 0.5
        return t_cdf((self.mean - value) / self.standard_error, self.degrees)


def t_interval(values: Iterable[float], confidence: float = 0.95) -> MeanInterval:
    """Return the mean of independent values with Student's t interval, at every n.

    mean +- t(n - 1) sqrt(v / n), with the sample variance v and no floor but `TINY_VARIANCE`. A
    single value has an infinite interval.

    Raises:
        StatisticsError: there is no value, or one is not finite.
    """
    found = _checked(values)
    n = len(found)
    mean = math.fsum(found) / n
    squares = math.fsum((x - mean) ** 2 for x in found)
    variance = max(squares / (n - 1), TINY_VARIANCE) if n > 1 else math.inf
    return _around(mean, math.sqrt(variance / n), n - 1, confidence)


def cluster_interval(
    values: Iterable[float],
    clusters: Sequence[Hashable],
    confidence: float = 0.95,
    *,
    weights: Sequence[float] | None = None,
) -> MeanInterval:
    """Return the mean of values that are independent between clusters and not inside them.

    The sandwich estimator with k / (k - 1) and t(k - 1): the standard error is
    sqrt(k / (k - 1) sum_c (sum_i (x_i - mean))^2) / n for k clusters c of values i. Every value
    counts alike, so that the mean of unequal clusters is a ratio of sums. Source: Liang and Zeger,
    "Longitudinal data analysis using generalized linear models" (1986); the correction for few
    clusters: Cameron and Miller, "A practitioner's guide to cluster-robust inference" (2015).

    Args:
        clusters: the cluster of each value, in the same order; any hashable.
        weights: how many values each one stands for, above 0; None for one each.

    Raises:
        StatisticsError: there is no value, one is not finite, or the lengths differ.
    """
    found = _checked(values)
    counts = [1.0] * len(found) if weights is None else list(weights)
    if not len(found) == len(clusters) == len(counts):
        raise StatisticsError(
            f"expected a cluster and a weight for each of {len(found)} values, found "
            f"{len(clusters)} and {len(counts)}"
        )
    n = math.fsum(counts)
    mean = math.fsum(w * x for x, w in zip(found, counts, strict=True)) / n
    sums: dict[Hashable, list[float]] = {}
    for x, w, cluster in zip(found, counts, clusters, strict=True):
        sums.setdefault(cluster, []).append(w * (x - mean))
    k = len(sums)
    if k == 1:
        return _around(mean, math.inf, 0, confidence)
    squares = math.fsum(math.fsum(parts) ** 2 for parts in sums.values())
    variance = max(k / (k - 1) * squares / n**2, TINY_VARIANCE / k)
    return _around(mean, math.sqrt(variance), k - 1, confidence)


def t_quantile(p: float, degrees: float) -> float:
    """Return the p point of Student's t; infinite (for p above 1/2) without a degree."""
    if degrees < 1:
        return math.copysign(math.inf, p - 0.5)
    from scipy.special import stdtrit

    return float(stdtrit(degrees, p))


def t_cdf(t: float, degrees: float) -> float:
    """Return the share of Student's t below t."""
    from scipy.special import stdtr

    return float(stdtr(degrees, t))


def _checked(values: Iterable[float]) -> list[float]:
    found = [float(x) for x in values]
    if not found or not all(math.isfinite(x) for x in found):
        raise StatisticsError(f"expected one finite value or more, found {found[:5]}")
    return found


def _around(mean: float, standard_error: float, degrees: int, confidence: float) -> MeanInterval:
    if not 0.0 < confidence < 1.0:
        raise StatisticsError(f"expected a confidence between 0 and 1, found {confidence:g}")
    if not degrees:
        return MeanInterval(mean, -math.inf, math.inf, math.inf, 0)
    half = t_quantile(0.5 + confidence / 2, degrees) * standard_error
    return MeanInterval(mean, mean - half, mean + half, standard_error, degrees)
