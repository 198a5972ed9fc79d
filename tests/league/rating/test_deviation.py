"""The clone-proof ranking: who is rated against whom, and that copies move nobody."""

from __future__ import annotations

import numpy as np
import pytest

from league.errors import RatingError
from league.rating.deviation import deviation_ratings


def _random_rates(rng: np.random.Generator, n: int) -> np.ndarray:
    skill = rng.normal(size=n)
    game = np.tanh(0.3 * (skill[:, None] - skill[None, :]) + 0.2 * _odd(rng, n)) / 2
    return 0.5 + game


def _odd(rng: np.random.Generator, n: int) -> np.ndarray:
    noise = rng.normal(size=(n, n))
    return noise - noise.T


def _with_copies(rates: np.ndarray, member: int, n: int) -> np.ndarray:
    """Copies meet each other evenly and everybody else as the original does."""
    of = np.append(np.arange(len(rates)), np.full(n, member))
    return rates[np.ix_(of, of)]


@pytest.mark.parametrize("member", range(7))
def test_fifty_copies_of_one_member_move_nobody(member: int) -> None:
    rng = np.random.default_rng(member)
    rates = _random_rates(rng, 7)
    before = deviation_ratings(rates).rating
    after = deviation_ratings(_with_copies(rates, member, 50)).rating
    assert after[:7] == pytest.approx(before, abs=1e-7)
    assert after[7:] == pytest.approx(before[member], abs=1e-7)


def test_the_mean_beat_rate_is_moved_by_copies() -> None:
    # What the clone-proof ranking is for: 50 copies of a weak member lift whoever beats it most.
    rates = 0.5 + np.array([[0, 0.05, 0.1], [-0.05, 0, 0.4], [-0.1, -0.4, 0]])
    many = _with_copies(rates, 2, 50)
    assert many.mean(axis=1)[1] > many.mean(axis=1)[0]
    assert deviation_ratings(many).rating[:2] == pytest.approx([0.0, -0.05])


def test_in_an_ordered_pool_all_are_rated_against_the_best() -> None:
    rates = 0.5 + np.array([[0, 0.1, 0.3], [-0.1, 0, 0.1], [-0.3, -0.1, 0]])
    found = deviation_ratings(rates)
    assert found.rating == pytest.approx([0.0, -0.1, -0.3])
    assert found.weight == pytest.approx([1.0, 0.0, 0.0])


def test_nobody_of_a_cycle_is_passed_over() -> None:
    # rock, scissors, paper, and one that loses to each of them by 0.1
    rates = 0.5 + np.array(
        [[0, 0.4, -0.4, 0.1], [-0.4, 0, 0.4, 0.1], [0.4, -0.4, 0, 0.1], [-0.1, -0.1, -0.1, 0]]
    )
    found = deviation_ratings(rates)
    assert found.rating == pytest.approx([0.0, 0.0, 0.0, -0.1])
    assert found.weight == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0.0])


def test_where_several_mixtures_remain_the_next_largest_win_decides() -> None:
    # 0 and 1 tie and are both unbeaten: any mixture of them is an equilibrium. 2 loses .2 to the
    # first and .4 to the second, 3 the other way round: half and half leaves both least, .3 each.
    rates = 0.5 + np.array(
        [[0, 0, 0.2, 0.4], [0, 0, 0.4, 0.2], [-0.2, -0.4, 0, 0], [-0.4, -0.2, 0, 0]]
    )
    assert deviation_ratings(rates).rating == pytest.approx([0.0, 0.0, -0.3, -0.3])


def test_what_is_no_table_of_beat_rates_is_refused() -> None:
    with pytest.raises(RatingError, match="square"):
        deviation_ratings(np.zeros((2, 3)))
    with pytest.raises(RatingError, match="sum to 1"):
        deviation_ratings(np.full((2, 2), 0.7))
    assert deviation_ratings(np.zeros((0, 0))).rating.size == 0
