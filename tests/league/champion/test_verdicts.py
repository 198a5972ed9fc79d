"""When a canary or a challenge is over, and what it says."""

from __future__ import annotations

import numpy as np
import pytest

from league.champion.verdicts import (
    DRIFT_PAIRS,
    MAX_PAIRS,
    Reference,
    judge_challenge,
    judge_drift,
    judge_forgetting,
    judge_heldout,
    judge_mirror,
    judge_order,
)


def test_a_known_order_passes_as_soon_as_it_is_shown() -> None:
    assert judge_order("order", []).outcome == "running"
    assert judge_order("order", [0.95] * 2).outcome == "running"
    found = judge_order("order", [0.95] * 10)
    assert found.outcome == "passed" and found.said == "is above: 95.0 % in 10 mirrored pairs"


def test_a_known_order_fails_when_the_contrary_or_nothing_is_shown() -> None:
    assert judge_order("order", [0.05] * 12).outcome == "failed"
    even = [0.4, 0.6] * (MAX_PAIRS["order"] // 2)
    assert judge_order("order", even[:-1]).outcome == "running"
    found = judge_order("order", even)
    assert found.outcome == "failed" and found.said.startswith("is not shown to be above")


def test_forgetting_fails_only_when_the_ancestor_is_shown_to_be_above() -> None:
    assert judge_forgetting([0.1] * 12).outcome == "failed"
    assert judge_forgetting([0.9] * 12).outcome == "passed"
    even = [0.4, 0.6] * (MAX_PAIRS["forgetting"] // 2)
    assert judge_forgetting(even[:-1]).outcome == "running"
    assert judge_forgetting(even).outcome == "passed"


def test_a_challenge_is_won_given_up_or_left_undecided() -> None:
    assert judge_challenge([0.8] * 20).outcome == "passed"
    assert judge_challenge([0.3] * 30).outcome == "failed"
    # a score of 0.52 is neither shown to be above 0.5 nor to be below 0.55
    close = [0.32, 0.72] * (MAX_PAIRS["challenge"] // 2)
    assert judge_challenge(close).outcome == "undecided"


def test_a_mirror_whose_seats_take_all_places_passes_and_a_favoured_seat_is_named() -> None:
    rng = np.random.default_rng(3)
    fair = [(rng.permutation(4) + 1).tolist() for _ in range(40)]
    assert judge_mirror(fair[:39]).outcome == "running"  # 10 for each of 4 seats
    assert judge_mirror(fair).outcome == "passed"
    # seat 2 is always first: chi-square (40 - 10)^2 / 10 + 3 * 10 = 120 at 3 degrees
    favoured = [[2, 3, 1, 4], [3, 4, 1, 2], [4, 2, 1, 3]] * 14
    found = judge_mirror(favoured[:40])
    assert found.outcome == "failed" and found.said.startswith("seat 2 does not")


def test_agents_that_all_share_the_first_place_favour_no_seat() -> None:
    assert judge_mirror([[1, 1, 1, 1]] * 40).outcome == "passed"


def test_drift_compares_with_earlier_rounds() -> None:
    steady = [0.5, 0.6] * (DRIFT_PAIRS // 2)
    first = judge_drift(steady, None)
    assert first.outcome == "passed" and "reference" in first.said
    reference = Reference(0, 0.0, 0.0).joined(steady)
    assert (reference.n, reference.mean) == (DRIFT_PAIRS, pytest.approx(0.55))
    assert judge_drift(steady, reference).outcome == "passed"
    moved = [x - 0.05 for x in steady]  # 0.05 against an error of 0.05 * sqrt(2 / 39)
    assert judge_drift(moved, reference).outcome == "failed"


def test_a_held_out_member_counts_only_downwards() -> None:
    steady = [0.5, 0.6] * (DRIFT_PAIRS // 2)
    reference = Reference(0, 0.0, 0.0).joined(steady)
    assert judge_heldout([x + 0.05 for x in steady], reference).outcome == "passed"
    assert judge_heldout([x - 0.05 for x in steady], reference).outcome == "failed"
    assert judge_heldout(steady[:-1], reference).outcome == "running"


def test_a_reference_of_two_rounds_is_that_of_all_their_scores() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.random(10), rng.random(30) + 0.5
    both = np.concatenate([first, second])
    found = Reference(0, 0.0, 0.0).joined(first.tolist()).joined(second.tolist())
    assert found.n == 40
    assert (found.mean, found.variance) == pytest.approx((both.mean(), both.var(ddof=1)))
