"""What others met with their rating packages, tried on ours.

Each test names the public report whose kind it tries; docs/compatibility.md is the list.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from league.rating.trueskill import MU, SIGMA, rate_match

NEW = (MU, SIGMA)


@pytest.mark.parametrize(
    "placements",
    [
        [1, 2, 2, 2, 2],  # sublee/trueskill#15: one winner, four losers
        [1, 1, 3, 4, 5],  # vivekjoshy/openskill.py#155: two winners below the third
        [1, 2, 4, 2, 5, 6, 7, 8],  # philihp/openskill.js#332: tied seconds below the fourth
        [1, 1],  # vivekjoshy/openskill.py#173: one of two tied players gains
        [1] * 10,
    ],
)
def test_tied_newcomers_get_the_same_rating_and_the_order_is_that_of_the_places(
    placements: list[int],
) -> None:
    after = rate_match([NEW] * len(placements), placements)
    by_place = {p: after[placements.index(p)] for p in placements}
    for place, rating in zip(placements, after, strict=True):
        assert rating == pytest.approx(by_place[place], abs=1e-6)
    mus = [by_place[place][0] for place in sorted(by_place)]
    assert mus == sorted(mus, reverse=True)


def test_the_order_in_which_seats_are_listed_makes_no_difference() -> None:
    """vivekjoshy/openskill.py#166: tied players rated by their place in the list."""
    generator = np.random.default_rng(1)
    before = [(20 + 1.3 * i, 1 + 0.3 * i) for i in range(8)]
    placements = [1, 2, 2, 4, 5, 5, 5, 8]
    expected = rate_match(before, placements)
    for _ in range(20):
        order = generator.permutation(8)
        after = rate_match([before[i] for i in order], [placements[i] for i in order])
        for i, rating in zip(order, after, strict=True):
            assert rating == pytest.approx(expected[i], abs=1e-7)


@pytest.mark.parametrize(
    ("winner", "loser"),
    [
        ((-323.263, 2.965), (-48.441, 2.190)),  # sublee/trueskill#5: division by zero
        ((1253.1997, 1.3154), (2038.3497, 1.1361)),  # scttcper/ts-trueskill#228
    ],
)
def test_a_win_against_all_odds_is_a_finite_change_in_the_right_direction(
    winner: tuple[float, float], loser: tuple[float, float]
) -> None:
    (mu, sigma), (other_mu, other_sigma) = rate_match([winner, loser], [1, 2])
    assert winner[0] < mu < other_mu < loser[0]
    assert 0 < sigma < winner[1] and 0 < other_sigma < loser[1]


def test_a_first_match_of_64_seats_stays_on_the_scale() -> None:
    """sublee/trueskill#22: ratings of 600 and below 0 after one large free-for-all."""
    after = rate_match([NEW] * 64, list(range(1, 65)))
    mus = [mu for mu, _ in after]
    assert mus == sorted(mus, reverse=True) and math.isclose(float(np.mean(mus)), MU, abs_tol=0.05)
    assert min(mus) > 0.0 and max(mus) < 50.0
