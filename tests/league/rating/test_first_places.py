"""Chances of the first place: integrals, slopes, and fits to players of known noise."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from numpy.random import Generator

from league.rating import first_places
from league.rating.columns import MatchColumns
from league.rating.first_places import Chance, first_chances, fit
from league.rating.trueskill import BETA, MU, SIGMA

Games = list[tuple[list[int], list[int]]]


def play(rng: Generator, mean: list[float], noise: list[float], n: int, n_seats: int = 4) -> Games:
    """Matches of members 1, 2, ... whose performances are N(mean, noise^2)."""
    games = []
    for _ in range(n):
        seats = rng.permutation(len(mean))[:n_seats]
        performance = rng.normal(np.array(mean)[seats], np.array(noise)[seats])
        places = np.argsort(np.argsort(-performance)) + 1
        games.append(((seats + 1).tolist(), places.tolist()))
    return games


def columns(games: Games) -> MatchColumns:
    return MatchColumns.of_matches(games)


def chances(mean: list[float], noise: list[float]) -> list[float]:
    seats = np.arange(len(mean))[None, :]
    p, _ = first_places._chances(np.array(mean), np.array(noise), seats)
    found: list[float] = p[0].tolist()
    return found


def test_the_chance_of_a_duel_is_the_normal_of_the_difference() -> None:
    # P(N(3, 1^2) > N(0, 2^2)) = Phi(3 / sqrt(5))
    first, second = chances([3.0, 0.0], [1.0, 2.0])
    assert first == pytest.approx(NormalDist().cdf(3.0 / math.sqrt(5.0)), abs=1e-4)
    assert first + second == pytest.approx(1.0, abs=1e-4)


def test_equals_have_equal_chances_and_more_noise_wins_more_among_many() -> None:
    assert chances([5.0] * 10, [2.0] * 10) == pytest.approx([0.1] * 10, abs=1e-4)
    found = chances([5.0] * 10, [4.0] + [2.0] * 9)
    assert found[0] > 0.2 and sum(found) == pytest.approx(1.0, abs=1e-4)


def test_the_slopes_are_those_of_the_chances() -> None:
    mean, noise = np.array([1.0, -0.5, 2.0]), np.array([1.0, 2.5, 0.8])
    seats = np.array([[0, 1, 2], [0, 2, 3]])  # the second line-up has an empty seat
    _, slopes = first_places._chances(mean, noise, seats)
    for number in range(3):
        for by_noise in (False, True):
            low, high = (np.stack((mean, np.log(noise))) for _ in range(2))
            low[int(by_noise), number] -= 1e-5
            high[int(by_noise), number] += 1e-5
            p_low = first_places._chances(low[0], np.exp(low[1]), seats)[0]
            p_high = first_places._chances(high[0], np.exp(high[1]), seats)[0]
            for line_up, row in enumerate(seats.tolist()):
                if number in row:
                    column = row.index(number) + 3 * by_noise
                    slope = slopes[line_up, :, column]
                    measured = (p_high[line_up] - p_low[line_up]) / 2e-5
                    assert slope == pytest.approx(measured, abs=2e-4)


def test_far_apart_members_have_finite_slopes() -> None:
    p, slopes = first_places._chances(
        np.array([0.0, 500.0, 9_000.0]), np.array([1.0, 5.0, 2.0]), np.array([[0, 1, 2]])
    )
    assert np.isfinite(slopes).all() and p[0] == pytest.approx([0.0, 0.0, 1.0], abs=0.02)


def test_a_fit_finds_the_noise_of_each_member() -> None:
    rng = np.random.default_rng(2)
    mean, noise = [27.0, 25.0, 23.0, 25.0, 24.0, 26.0], [1.0, 1.0, 1.0, 6.0, 3.0, 3.0]
    games = play(rng, mean, noise, 1_500)
    model = fit(columns(games), {i: (mu, 0.3) for i, mu in enumerate(mean, start=1)})
    assert model is not None and model.member_ids == (1, 2, 3, 4, 5, 6)
    assert model.noise.argmax() == 3 and model.noise[:3].max() < model.noise[4:].min()
    # what it says of the chances is nearer to the truth than members of one noise could be
    line_up = np.array([[1, 2, 4, 5]])
    truth = chances([27.0, 25.0, 25.0, 24.0], [1.0, 1.0, 6.0, 3.0])
    assert model.chances(line_up)[0] == pytest.approx(truth, abs=0.03)


def test_without_much_to_go_by_a_member_is_what_its_rating_says() -> None:
    games: Games = [([1, 2, 3], [1, 2, 3])]
    model = fit(columns(games), {1: (30.0, 1.0), 2: (25.0, 1.0), 3: (20.0, 1.0)})
    assert model is not None
    assert model.mean == pytest.approx([30.0, 25.0, 20.0], abs=0.5)
    # one match moves what is common to all noises, and hardly one against the others
    assert model.noise == pytest.approx([model.noise.mean()] * 3, rel=0.05)
    assert BETA / 2.0 < model.noise.mean() < 2.0 * BETA


def test_the_chance_is_over_the_company_that_a_member_has_had() -> None:
    rng = np.random.default_rng(3)
    weak = play(rng, [30.0, 20.0, 20.0, 20.0], [3.0] * 4, 300)
    strong: Games = [
        ([1 if m == 1 else m + 3 for m in members], places)
        for members, places in play(rng, [30.0, 40.0, 40.0, 40.0], [3.0] * 4, 100)
    ]
    ratings = {1: (30.0, 0.5)} | {i: (20.0, 0.5) for i in (2, 3, 4)}
    ratings |= {i: (40.0, 0.5) for i in (5, 6, 7)}
    found = first_chances(columns(weak + strong), ratings)
    # 300 matches that it wins nearly always and 100 that it nearly never does
    assert found[1].p == pytest.approx(0.74, abs=0.04) and found[1].matches == 400
    assert found[1].low < 0.74 < found[1].high and found[5].matches == 100
    newest = first_chances(columns(weak + strong), ratings, newest=100)
    assert newest[1].p < 0.1 and set(newest) == {1, 5, 6, 7}


def test_matches_of_one_line_up_do_not_count_as_many() -> None:
    rng = np.random.default_rng(4)
    n_line_ups, each = 12, 16

    def log(copied: bool) -> MatchColumns:
        games: Games = []
        for _ in range(n_line_ups):
            (seats, places), *others = play(rng, [25.0] * 8, [4.0] * 8, each)
            # the same members end in the same order each time, or each match is drawn anew
            games += [(seats, places)] * each if copied else [(seats, places), *others]
        return columns(games)

    ratings = {i: (MU, 0.5) for i in range(1, 9)}
    wide = first_chances(log(True), ratings)
    narrow = first_chances(log(False), ratings)

    def width(found: dict[int, Chance]) -> float:
        return float(np.mean([chance.high - chance.low for chance in found.values()]))

    assert width(wide) > 1.5 * width(narrow)


def test_who_was_never_first_may_still_be_once_in_as_many_matches() -> None:
    games: Games = [([1, 2], [1, 2])] * 50 + [([1, 3], [1, 2])] * 50
    found = first_chances(columns(games), {1: (40.0, 1.0), 2: (10.0, 1.0), 3: (10.0, 1.0)})
    # Wilson's upper limit of 0 of 50 is 7 %; the tail of the normal would say 1e-5.
    assert found[2].p < 0.01 and 0.05 < found[2].high < 0.2


def test_shared_first_places_count_in_shares() -> None:
    games: Games = [([1, 2], [1, 1])] * 40
    found = first_chances(columns(games), {1: (MU, SIGMA), 2: (MU, SIGMA)})
    assert found[1].p == pytest.approx(0.5, abs=1e-6) == found[2].p


def test_line_ups_of_different_size_stand_side_by_side() -> None:
    rng = np.random.default_rng(5)
    games = play(rng, [25.0] * 6, [4.0] * 6, 60, n_seats=3)
    games += play(rng, [25.0] * 6, [4.0] * 6, 60, n_seats=6)
    found = first_chances(columns(games), {i: (MU, 1.0) for i in range(1, 7)})
    mean = sum(found[i].p * found[i].matches for i in found)
    assert mean == pytest.approx(120.0, rel=1e-6)  # each match has one first


def test_a_log_without_matches_has_no_chances() -> None:
    assert first_chances(MatchColumns.empty(), {}) == {} and fit(MatchColumns.empty(), {}) is None
