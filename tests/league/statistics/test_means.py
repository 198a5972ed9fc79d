"""Intervals of a mean against numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from league.errors import StatisticsError
from league.statistics.means import cluster_interval, t_interval


def test_students_interval_of_four_values() -> None:
    # mean 2.5, v = 5 / 3, se = sqrt(5 / 12) = 0.6455, t(3) = 3.1824
    found = t_interval([1.0, 2.0, 3.0, 4.0])
    assert found.mean == 2.5 and found.degrees == 3
    assert found.standard_error == pytest.approx(0.6455, abs=1e-4)
    assert found.half_width == pytest.approx(3.1824 * 0.6455, abs=1e-3)
    assert found.p_above(2.5) == 0.5


def test_one_value_says_nothing_about_the_spread() -> None:
    found = t_interval([0.6])
    assert (found.low, found.high) == (-math.inf, math.inf) and found.p_above(0.0) == 0.5
    cut = found.within(0.0, 1.0)
    assert (cut.mean, cut.low, cut.high) == (0.6, 0.0, 1.0)
    assert cluster_interval([0.2, 0.4], ["x", "x"]).high == math.inf


def test_equal_values_have_next_to_no_interval() -> None:
    found = t_interval([0.5] * 8)
    assert 0.0 < found.half_width < 1e-5


def test_clusters_of_one_give_students_interval() -> None:
    values = [0.1, 0.5, 0.4, 0.9, 0.3]
    one, other = t_interval(values), cluster_interval(values, range(5))
    assert (one.low, one.high) == pytest.approx((other.low, other.high))


def test_a_repeated_value_counts_once() -> None:
    values = [0.1, 0.5, 0.4, 0.9, 0.3]
    one = t_interval(values)
    other = cluster_interval(values * 16, [*range(5)] * 16)
    # naively sixteen-fold values would look four times as sure
    assert (one.low, one.high) == pytest.approx((other.low, other.high))


def test_unequal_clusters_by_hand() -> None:
    # mean of 0, 1, 1, 1 = 0.75; sums of deviations: a -0.75 + 0.25, b 0.25 + 0.25 -> -0.5, 0.5
    found = cluster_interval([0.0, 1.0, 1.0, 1.0], "aabb")
    assert found.standard_error == pytest.approx(math.sqrt(2 / 1 * (0.25 + 0.25)) / 4)
    assert found.degrees == 1


def test_a_weight_is_so_many_equal_values() -> None:
    one = cluster_interval([0.2, 0.5, 0.9], "aab", weights=[3, 1, 2])
    other = cluster_interval([0.2, 0.2, 0.2, 0.5, 0.9, 0.9], "aaaabb")
    assert (one.mean, one.low, one.high) == pytest.approx((other.mean, other.low, other.high))


def test_the_cluster_interval_covers_where_values_of_a_cluster_hang_together() -> None:
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(400):
        shared = rng.normal(size=12).repeat(16)
        found = cluster_interval(shared + rng.normal(size=192), np.arange(12).repeat(16).tolist())
        covered += found.low <= 0.0 <= found.high
    # nominal 380 of 400, standard deviation 4.4
    assert 363 <= covered <= 397


@pytest.mark.parametrize("values", [[], [math.nan], [1.0, math.inf]])
def test_nonsense_is_refused(values: list[float]) -> None:
    with pytest.raises(StatisticsError, match="finite"):
        t_interval(values)


def test_clusters_and_values_must_fit() -> None:
    with pytest.raises(StatisticsError, match="each of 2 values, found 1"):
        cluster_interval([0.1, 0.2], ["x"])
    with pytest.raises(StatisticsError, match="confidence"):
        t_interval([0.1, 0.2], confidence=1.0)
