"""The confidence sequence and the sequential test: what they promise at every look, and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from league.errors import StatisticsError
from league.statistics.betting import (
    MONEY,
    STAKES,
    ConfidenceSequence,
    SequentialTest,
    log_wealth,
    passing_share,
)


def test_the_wealth_of_two_values_by_hand() -> None:
    # m = 1/2: factors 1 + b (2 x - 1); x = 1, 0 gives (1 + b)(1 - b) = 1 - b^2
    found = log_wealth([1.0, 0.0], 0.5)
    assert math.fsum(MONEY) == pytest.approx(1.0)
    by_hand = [
        sum(m * (1 + b) for m, b in zip(MONEY, STAKES, strict=True)),
        sum(m * (1 - b * b) for m, b in zip(MONEY, STAKES, strict=True)),
    ]
    assert np.exp(found) == pytest.approx(by_hand)


def test_the_interval_is_where_the_wealth_is_below_forty() -> None:
    rng = np.random.default_rng(1)
    values = rng.beta(6, 5, size=60)
    low, high = ConfidenceSequence(values=values).interval()
    assert log_wealth(values, low)[-1] == pytest.approx(math.log(40), abs=1e-6)
    assert log_wealth(1 - values, 1 - high)[-1] == pytest.approx(math.log(40), abs=1e-6)
    sequence = ConfidenceSequence(values=values)
    assert sequence.excludes(low - 1e-6) and not sequence.excludes(low + 1e-6)
    assert sequence.excludes(high + 1e-6) and not sequence.excludes(high - 1e-6)


def test_the_order_of_the_values_does_not_matter_and_mirrored_values_mirror_the_interval() -> None:
    values = np.random.default_rng(2).beta(2, 5, size=30)
    low, high = ConfidenceSequence(values=values).interval()
    assert ConfidenceSequence(values=values[::-1]).interval() == pytest.approx((low, high))
    assert ConfidenceSequence(values=1 - values).interval() == pytest.approx((1 - high, 1 - low))
    scaled = ConfidenceSequence(low=1.0, high=10.0, values=1 + 9 * values).interval()
    assert scaled == pytest.approx((1 + 9 * low, 1 + 9 * high))


def test_it_is_useful_at_the_lengths_of_a_head_to_head() -> None:
    values = 0.5 + 0.145 * np.array([-1.0, 1.0] * 32)
    low, high = ConfidenceSequence(values=values).interval()
    # Student's t: 2.0 * 0.145 / 8 = 0.036; twice that is still useful
    assert 0.036 < 0.5 * (high - low) < 0.072


def test_before_the_first_value_everything_is_possible() -> None:
    assert ConfidenceSequence(low=1.0, high=10.0).interval() == (1.0, 10.0)
    assert not ConfidenceSequence().excludes(0.5)


@pytest.mark.parametrize("truth", [0.1, 0.5, 0.9])
def test_it_holds_the_mean_at_every_look(truth: float) -> None:
    wins = (np.random.default_rng(4).random((1000, 300)) < truth).astype(float)
    limit = math.log(40)
    ever = (log_wealth(wins, truth) >= limit).any(1) | (
        log_wealth(1 - wins, 1 - truth) >= limit
    ).any(1)
    # at most 50 of 1000, standard deviation 6.9
    assert ever.sum() <= 50 + 3 * 7


def test_a_test_adds_up_what_the_wealth_says() -> None:
    wins = [1.0, 1.0, 0.0, 0.5, 1.0]
    test = SequentialTest(0.6, values=wins)
    assert test.log_e_value == pytest.approx(log_wealth(wins, 0.6)[-1])
    below = SequentialTest(0.4, side="below", values=[1 - x for x in wins])
    assert below.log_e_value == pytest.approx(test.log_e_value)


def test_a_passed_test_stays_passed_and_its_p_value_is_the_smallest() -> None:
    test = SequentialTest(0.5)
    assert not test.update([1.0] * 4) and test.p_value < 1.0
    assert test.update([1.0] * 8)
    p = test.p_value
    assert p <= 0.05
    assert test.update([0.0] * 12) and test.passed and test.p_value == p
    assert test.log_e_value < 0.0 and test.n_values == 24


def test_looking_after_every_game_opens_the_gate_in_five_percent_at_most_and_it_has_power() -> None:
    rng = np.random.default_rng(5)
    at_the_bar, _ = passing_share(0.7, 0.05, 0.7, 600, rng)
    assert at_the_bar <= 0.05 + 3 * 0.005
    power, n_games = passing_share(0.7, 0.05, 0.85, 200, rng)
    assert power > 0.9 and 20 < n_games < 90


def test_values_and_bars_outside_the_range_are_refused() -> None:
    with pytest.raises(StatisticsError, match="from 0 to 1"):
        ConfidenceSequence().add(1.2)
    with pytest.raises(StatisticsError, match="from 0 to 1"):
        SequentialTest(0.5).add(-0.1)
    with pytest.raises(StatisticsError, match="bar"):
        SequentialTest(1.0)
    with pytest.raises(StatisticsError, match="low < high"):
        ConfidenceSequence(low=1.0, high=1.0)
