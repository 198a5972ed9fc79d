"""Beat rates, their priors, and cycles that are more than chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from league.rating.payoff import Payoff, with_training
from league.rating.trueskill import win_probability

RATINGS = {1: (30.0, 1.0), 2: (25.0, 1.0), 3: (20.0, 1.0)}


def played(*results: tuple[list[int], list[int], int]) -> Payoff:
    payoff = Payoff()
    for members, placements, times in results:
        for _ in range(times):
            payoff.add_match(members, placements)
    return payoff


def test_a_beat_rate_counts_ties_half() -> None:
    payoff = played(([1, 2, 3], [1, 2, 2], 3), ([2, 1], [1, 2], 1))
    assert payoff.common(1, 2) == 4 and payoff.common(2, 3) == 3
    assert payoff.beat_rate(1, 2) == 0.75  # 3 of 4
    assert payoff.beat_rate(2, 1) == 0.25
    assert payoff.beat_rate(2, 3) == 0.5  # three ties
    assert payoff.beat_rate(1, 9) is None


def test_decay_forgets_old_games_only_when_asked_for() -> None:
    payoff = played(([1, 2], [2, 1], 1), ([1, 2], [1, 2], 1))
    assert payoff.beat_rate(1, 2) == 0.5
    # the loss counts 0.99, the win 1: 1 / 1.99
    assert payoff.beat_rate(1, 2, decayed=True) == pytest.approx(1 / 1.99)


def test_a_whole_log_counts_as_its_matches_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("league.rating.payoff._MATCHES_AT_ONCE", 7)  # several chunks, and a rest
    rng = np.random.default_rng(3)
    one_by_one, at_once, rows = Payoff(), Payoff(), []
    for match_id in range(40):
        members = (100 + rng.permutation(20)[: rng.integers(2, 7)]).tolist()
        placements = rng.integers(1, 4, size=len(members)).tolist()  # with ties
        one_by_one.add_match(members, placements)
        rows += [(len(rows), match_id, *seat) for seat in zip(members, placements, strict=True)]
    at_once.add_log(np.array(rows, dtype=np.int64))
    at_once.add_log(np.zeros((0, 4), dtype=np.int64))
    for i in range(100, 120):
        for j in range(100, 120):
            assert at_once.common(i, j) == one_by_one.common(i, j)
            assert at_once.beats(i, j) == one_by_one.beats(i, j)
            decayed = one_by_one.beat_rate(i, j, decayed=True)
            assert at_once.beat_rate(i, j, decayed=True) == (
                None if decayed is None else pytest.approx(decayed, rel=1e-12)
            )


def test_without_common_matches_the_ratings_are_the_prior() -> None:
    assert Payoff().estimate(1, 2, RATINGS, {}) == win_probability(RATINGS[1], RATINGS[2])
    assert Payoff().estimate(1, 9, RATINGS, {}) == 0.5  # nothing is known of 9
    assert Payoff().estimate(1, 1, RATINGS, {}) == 0.5


def test_the_prior_fades_until_eight_common_matches() -> None:
    prior = win_probability(RATINGS[1], RATINGS[2])
    some = played(([1, 2], [2, 1], 2)).estimate(1, 2, RATINGS, {}, decayed=False)
    assert some == pytest.approx((2 * 0.0 + 6 * prior) / 8)
    assert played(([1, 2], [2, 1], 8)).estimate(1, 2, RATINGS, {}) == 0.0


def test_a_child_inherits_its_parents_row() -> None:
    payoff = played(([1, 2], [1, 2], 9), ([1, 2], [2, 1], 3))
    parents = {3: 1}
    # 3 never met 2; its parent 1 beat 2 in 9 of 12.
    assert payoff.estimate(3, 2, RATINGS, parents, decayed=False) == 0.75
    assert payoff.estimate(2, 3, RATINGS, parents, decayed=False) == 0.25
    # against its own parent only the ratings speak
    assert payoff.estimate(3, 1, RATINGS, parents) == win_probability(RATINGS[3], RATINGS[1])
    # two losses of its own: (2 * 0 + 6 * 0.75) / 8
    payoff.add_match([3, 2], [2, 1])
    payoff.add_match([3, 2], [2, 1])
    assert payoff.estimate(3, 2, RATINGS, parents, decayed=False) == pytest.approx(0.5625)


def test_the_matrix_is_complementary() -> None:
    payoff = played(([1, 2, 3], [2, 1, 3], 5), ([4, 1], [1, 2], 3))
    matrix = payoff.matrix([1, 2, 3, 4], RATINGS, {4: 2, 3: 1})
    assert np.allclose(matrix + matrix.T, 1.0)
    assert matrix[0, 3] == payoff.estimate(1, 4, RATINGS, {4: 2, 3: 1}) or matrix[0, 3] == (
        pytest.approx(payoff.estimate(1, 4, RATINGS, {4: 2, 3: 1}))
    )


def test_rows_of_the_rating_log_are_counted_by_match_and_more_can_follow() -> None:
    @dataclass(frozen=True)
    class Row:
        match_id: int
        member_id: int
        placement: int

    payoff = Payoff()
    payoff.add_rows([Row(7, 1, 1), Row(7, 2, 2), Row(8, 2, 1), Row(8, 3, 2)])
    assert (payoff.common(1, 2), payoff.common(2, 3), payoff.common(1, 3)) == (1, 1, 0)
    payoff.add_rows([Row(9, member, member) for member in range(1, 40)])  # grows past 16
    assert payoff.common(1, 39) == 1 and payoff.beat_rate(1, 2) == 1.0


def test_a_cycle_is_reported_once_and_only_when_it_is_sure() -> None:
    sure = played(([1, 2], [1, 2], 30), ([2, 3], [1, 2], 30), ([3, 1], [1, 2], 30))
    assert sure.cycles([1, 2, 3]) == [(1, 2, 3)]
    assert sure.cycles([3, 2, 1]) == [(1, 2, 3)]
    # 6 of 10 is no evidence: z = (6 - 5) / (sqrt(10) / 2) = 0.63
    edges = [([a, b], placements, times) for a, b in ((1, 2), (2, 3), (3, 1))
             for placements, times in (([1, 2], 6), ([2, 1], 4))]  # fmt: skip
    assert played(*edges).cycles([1, 2, 3]) == []
    assert sure.cycles([1, 2]) == []


def test_training_results_move_the_payoff_of_the_latest_snapshot() -> None:
    assert with_training(0.5, 0, 0.0) == 0.5
    assert with_training(0.5, 8, 8.0) == 0.75  # (8 * 0.5 + 8) / 16
