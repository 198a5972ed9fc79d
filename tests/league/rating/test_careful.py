"""Matches on which the package's arithmetic fails are rated by the limit; no others change."""

from __future__ import annotations

import math

import pytest

from league.rating.careful import v_draw, v_win, w_draw, w_win
from league.rating.trueskill import BETA, Gaussian, environment, rate_match

# Ratings of a real match whose tie the package divides by 0 over.
TIE = [(24.817976215318552, 0.11), (20.613745216844066, 0.11)]


def tie_in_the_limit(a: Gaussian, b: Gaussian) -> Gaussian:
    """The rating of `a` when both performed exactly alike: a normal of two, conditioned."""
    spread = 2.0 * BETA**2 + a[1] ** 2 + b[1] ** 2
    mu = a[0] + a[1] ** 2 / spread * (b[0] - a[0])
    return mu, a[1] * math.sqrt(1.0 - a[1] ** 2 / spread)


def package(ratings: list[Gaussian], placements: list[int]) -> list[Gaussian]:
    rules = environment()
    rated = rules.rate([(rules.create_rating(*rating),) for rating in ratings], ranks=placements)
    return [(team[0].mu, team[0].sigma) for team in rated]


def test_a_tie_that_the_package_divides_by_zero_over_is_rated_by_the_limit() -> None:
    with pytest.raises(ZeroDivisionError):
        package(TIE, [1, 1])
    first, second = rate_match(TIE, [1, 1])
    assert first == pytest.approx(tie_in_the_limit(*TIE), rel=1e-9)
    assert second == pytest.approx(tie_in_the_limit(TIE[1], TIE[0]), rel=1e-9)


@pytest.mark.parametrize(
    ("mus", "placements"),
    [((0.0, 300.0), [1, 2]), ((300.0, 0.0), [1, 2]), ((0.0, 300.0), [1, 1]), ((9e3, 0.0), [1, 1])],
)
def test_members_however_far_apart_get_finite_ratings(
    mus: tuple[float, float], placements: list[int]
) -> None:
    before = [(mu, 1.0) for mu in mus]
    after = rate_match(before, placements)
    assert all(math.isfinite(mu) and 0.0 < sigma <= 1.0 for mu, sigma in after)
    # they come nearer, or, when the stronger one won as expected, stay as they are
    assert abs(after[0][0] - after[1][0]) <= abs(mus[0] - mus[1])


def test_a_tie_within_a_larger_match_goes_on_with_the_others() -> None:
    after = rate_match([*TIE, (25.0, 8.0), (20.0, 3.0)], [1, 1, 3, 4])
    assert all(math.isfinite(mu) and 0.0 < sigma < 8.1 for mu, sigma in after)


@pytest.mark.parametrize("placements", [[1, 2, 3], [3, 1, 2], [1, 1, 3], [2, 2, 2]])
def test_other_matches_keep_the_packages_numbers_to_the_last_bit(placements: list[int]) -> None:
    ratings = [(25.0, 25.0 / 3.0), (31.2, 1.7), (18.5, 0.6)]
    assert rate_match(ratings, placements) == package(ratings, placements)


@pytest.mark.parametrize("diff", [-29.0, -3.0, 0.0, 3.0])
def test_a_win_is_truncated_as_the_package_does_it(diff: float) -> None:
    rules = environment()
    assert v_win(diff, 0.1) == pytest.approx(rules.v_win(diff, 0.1), rel=1e-9)
    assert w_win(diff, 0.1) == pytest.approx(rules.w_win(diff, 0.1), rel=1e-9)


def test_the_far_tail_of_a_win_joins_its_series() -> None:
    for function in (v_win, w_win):
        inside, outside = function(-30.0 + 1e-9, 0.0), function(-30.0 - 1e-9, 0.0)
        assert inside == pytest.approx(outside, rel=1e-8)


@pytest.mark.parametrize("diff", [-2.0, 0.5])
def test_a_tie_with_a_visible_margin_is_truncated_as_the_package_does_it(diff: float) -> None:
    rules, margin = environment(), 1e-3
    assert v_draw(diff, margin) == pytest.approx(rules.v_draw(diff, margin), rel=1e-5)
    # what is left of the variance of a uniform density on -margin..margin: margin^2 / 3
    assert 1.0 - w_draw(diff, margin) == pytest.approx(margin**2 / 3.0, rel=1e-5)
