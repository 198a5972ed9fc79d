"""The table: the reported scale, intervals, ranks and tiers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from league.rating.columns import MatchColumns
from league.rating.errors import RatingErrors, rating_errors, t_quantiles
from league.rating.standings import RANK_LEVEL, Z_95, scale_shift, standings
from league.rating.trueskill import conservative


def test_the_scale_is_shifted_so_that_the_anchor_stands_at_25() -> None:
    ratings = {1: (22.0, 1.0), 2: (30.0, 1.0)}
    assert scale_shift(ratings, 1) == 3.0
    table = standings(ratings, anchor_id=1)
    assert [(s.member_id, s.mu) for s in table] == [(2, 33.0), (1, 25.0)]
    assert table[0].conservative == 30.0 == conservative(33.0, 1.0)
    assert scale_shift(ratings, None) == scale_shift(ratings, 9) == 0.0


def test_an_interval_on_the_anchors_scale_holds_the_errors_of_both() -> None:
    table = standings({1: (22.0, 0.3), 2: (30.0, 0.4)}, anchor_id=1)
    by_id = {s.member_id: s for s in table}
    assert by_id[2].half_width == pytest.approx(Z_95 * 0.5)  # hypot(0.3, 0.4)
    assert by_id[1].half_width is None  # 25 by definition
    alone = standings({1: (22.0, 0.3), 2: (30.0, 0.4)})
    assert alone[0].half_width == pytest.approx(Z_95 * 0.4)


def test_rank_intervals_come_from_tests_of_differences_and_hold_the_rank() -> None:
    # The error of a difference is hypot(1, 1) = 1.414; the test behind a rank needs 1.96 / sqrt(2)
    # of them, which is 1.96, and a tier 1.96 of them, which is 2.77.
    table = standings({1: (40.0, 1.0), 2: (38.1, 1.0), 3: (36.1, 1.0), 4: (10.0, 1.0)})
    # 40 - 38.1 = 1.9 and 38.1 - 36.1 = 2.0; 40 - 36.1 = 3.9
    assert [(s.rank_low, s.rank_high) for s in table] == [(1, 2), (1, 2), (3, 3), (4, 4)]
    assert [s.tier for s in table] == [1, 1, 2, 3]
    assert pytest.approx(0.9171, abs=1e-4) == RANK_LEVEL


def test_ranks_are_inside_their_intervals_whatever_the_ratings() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        ratings = {i: (rng.normal(25, 3), rng.uniform(0.1, 8)) for i in range(1, 13)}
        table = standings(ratings, anchor_id=5)
        assert all(s.rank_low <= s.rank <= s.rank_high for s in table)
        assert [s.mu for s in table] == sorted((s.mu for s in table), reverse=True)


def test_quantiles_of_t_are_those_of_scipy() -> None:
    from scipy.special import stdtrit

    freedom = np.array([8.0, 9.5, 20.0, 1e6])
    for p in (0.9171, 0.975, 0.999):
        assert t_quantiles(p, freedom) == pytest.approx(stdtrit(freedom, p), abs=3e-3)


def _league(
    rng: np.random.Generator, n_line_ups: int, share: int, company: float, n_members: int = 14
) -> MatchColumns:
    """Matches of equals in which a line-up gives each member an error of its own, in betas."""
    matches = []
    for _ in range(n_line_ups):
        members = rng.permutation(n_members)[:10] + 1
        shift = rng.normal(0.0, company, 10)
        for _ in range(share):
            order = np.argsort(-(shift + rng.normal(size=10)))
            places = np.empty(10, dtype=int)
            places[order] = np.arange(1, 11)
            matches.append((members.tolist(), places.tolist()))
    return MatchColumns.of_matches(matches)


def _ratings(n: int, sigma: float) -> dict[int, tuple[float, float]]:
    return {i: (25.0, sigma) for i in range(1, n + 1)}


def test_matches_of_one_line_up_that_err_together_count_for_less() -> None:
    rng = np.random.default_rng(1)
    independent = rating_errors(_league(rng, 200, 8, 0.0), _ratings(14, 0.25))
    together = rating_errors(_league(rng, 200, 8, 0.5), _ratings(14, 0.25))
    # Company has 0.25 of the variance of a match: 8 matches of a line-up have 1 + 7 * 0.2 = 2.4
    # times the variance of independent ones with noise 1.25, and 0.2 is what 0.25 / 1.25 is.
    ratio = together.design_effect.mean() / independent.design_effect.mean()
    assert ratio == pytest.approx(2.4, rel=0.25)
    assert independent.line_ups.min() > 100 and independent.line_ups.sum() <= 10 * 200
    assert (together.sigma > 1.1 * independent.sigma).all()


def test_a_comparison_with_one_that_is_far_away_holds_the_errors_in_between() -> None:
    # Members in a chain: 1 meets 2, 2 meets 3, ..., 100 matches each of which half are won.
    rng = np.random.default_rng(2)
    matches = [
        ((i, i + 1), (1, 2) if won else (2, 1))
        for i in range(1, 8)
        for won in rng.permutation([True, False] * 50)
    ]
    errors = rating_errors(MatchColumns.of_matches(matches), _ratings(8, 0.5))
    variances = errors.variances(0)
    assert (np.diff(variances) > 0).all()
    assert variances[7] > 4 * variances[1]  # seven comparisons in series
    assert RatingErrors.of_sigmas(_ratings(8, 0.5)).variances(0)[7] == pytest.approx(0.5)


def test_who_has_not_played_keeps_the_sigma_of_its_admission() -> None:
    rng = np.random.default_rng(1)
    errors = rating_errors(
        _league(rng, 60, 8, 0.5), {**_ratings(14, 0.25), 15: (25.0, 8.0), 16: (25.0, 8.0)}
    )
    assert errors.design_effect[14:] == pytest.approx(1.0)
    assert errors.sigma[14:] == pytest.approx(8.0)
    assert (errors.half_widths(0)[14:] > 1.9 * 8.0).all()


def test_a_pool_with_one_line_up_claims_no_design_effect_of_company() -> None:
    rng = np.random.default_rng(1)
    errors = rating_errors(_league(rng, 1, 300, 0.5, n_members=10), _ratings(10, 0.25))
    assert (errors.line_ups == 1).all()
    assert (errors.freedom > 300).all()


def test_no_match_and_no_member_are_no_trouble() -> None:
    assert standings({}) == []
    errors = rating_errors(MatchColumns.empty(), {3: (25.0, 8.0), 5: (26.0, 8.0)})
    assert errors.sigma == pytest.approx(8.0)
    assert math.isfinite(float(errors.half_widths(0)[1]))
    assert rating_errors(MatchColumns.empty(), {}).member_ids == ()


def test_where_the_log_contradicts_the_ratings_the_interval_reaches_there() -> None:
    # 200 matches of two, each won half of the time: ratings 4 points apart are wrong by 4.
    matches = [((1, 2), (1, 2) if turn % 2 else (2, 1)) for turn in range(200)]
    errors = rating_errors(MatchColumns.of_matches(matches), {1: (27.0, 0.4), 2: (23.0, 0.4)})
    assert errors.half_widths(0)[1] > 4.0
    sure = RatingErrors.of_sigmas({1: (27.0, 0.4), 2: (23.0, 0.4)})
    assert sure.half_widths(0)[1] < 4.0
