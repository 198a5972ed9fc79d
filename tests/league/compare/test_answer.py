"""From one score per training seed to an interval and a sentence."""

from __future__ import annotations

import math

import pytest

from league.compare.answer import SeedScore, answer
from league.pit.statistics import elo


def seed(score: float, standard_error: float = 0.02, n_pairs: int = 50) -> SeedScore:
    return SeedScore("s", "a", "b", score, standard_error, n_pairs, (5.0, 6.0))


def test_the_interval_over_three_seeds_is_students_t_over_their_scores() -> None:
    found = answer("decisions", "five", [seed(0.50), seed(0.54), seed(0.58)])
    # mean 0.54, standard deviation 0.04, t(2, .975) = 4.3027: 4.3027 * 0.04 / sqrt(3) = 0.09937
    half = 4.302652729911275 * 0.04 / math.sqrt(3)
    assert found.of == "families"
    assert (found.score, found.low, found.high) == pytest.approx((0.54, 0.54 - half, 0.54 + half))
    assert found.stronger is None  # 0.54 - 0.099 < 0.5
    assert found.elo == pytest.approx((elo(0.54), elo(0.54 - half), elo(0.54 + half)))


def test_many_matches_of_three_seeds_do_not_narrow_the_interval_of_the_families() -> None:
    scores = (0.50, 0.54, 0.58)
    few = answer("decisions", "five", [seed(s, 0.02, 50) for s in scores])
    many = answer("decisions", "five", [seed(s, 0.0002, 500_000) for s in scores])
    assert (many.low, many.high) == (few.low, few.high)


def test_seeds_that_agree_by_chance_are_no_more_certain_than_their_matches() -> None:
    found = answer("decisions", "five", [seed(0.40, 0.03)] * 3)
    # the seeds do not differ at all; 0.03 / sqrt(3) over the matches, t(147, .975) = 1.976233
    half = 1.976233 * 0.03 / math.sqrt(3)
    assert (found.low, found.high) == pytest.approx((0.40 - half, 0.40 + half), abs=1e-6)


def test_with_fewer_than_three_seeds_the_interval_is_of_the_matches_alone() -> None:
    found = answer("minutes", "mixed", [seed(0.56, 0.02), seed(0.60, 0.02)])
    # standard error of the mean of two: 0.02 / sqrt(2); t(98, .975) = 1.98447
    half = 1.984467 * 0.02 / math.sqrt(2)
    assert found.of == "snapshots"
    assert (found.low, found.high) == pytest.approx((0.58 - half, 0.58 + half), abs=1e-6)
    assert found.stronger == "a"
    # between the two seeds: t(1, .975) = 12.7062, standard deviation 0.02828 / sqrt(2) = 0.02
    assert found.seeds_low == pytest.approx(0.58 - 12.7062 * 0.02, abs=1e-5)


def test_one_seed_has_no_interval_between_seeds() -> None:
    found = answer("minutes", "mixed", [seed(0.45, 0.01)])
    assert (found.of, found.seeds_low, found.stronger) == ("snapshots", None, "b")
    assert found.high == pytest.approx(0.45 + 2.009575 * 0.01, abs=1e-6)  # t(49, .975)


def test_the_interval_stays_inside_0_and_1() -> None:
    found = answer("decisions", "five", [seed(0.9), seed(0.99), seed(0.6)])
    assert found.high == 1.0
