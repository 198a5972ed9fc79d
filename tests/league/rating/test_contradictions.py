"""Pairs whose matches or head-to-heads contradict their ratings; how many matches hold a lead."""

from __future__ import annotations

import numpy as np
import pytest

from league.rating.beats import count_beats
from league.rating.columns import MatchColumns
from league.rating.contradictions import (
    PitScores,
    matches_against_ratings,
    pits_against_ratings,
    slope,
)
from league.rating.engines import rate_by_chain
from league.rating.errors import RatingErrors, rating_errors
from league.rating.flips import matches_to_flip
from league.rating.trueskill import MU, SIGMA, Gaussian, win_probability

Match = tuple[tuple[int, ...], tuple[int, ...]]


def _rated(matches: list[Match], without: frozenset[int] = frozenset()) -> dict[int, Gaussian]:
    ratings: dict[int, Gaussian] = {m: (MU, SIGMA) for seats, _ in matches for m in seats}
    for number, (seats, places) in enumerate(matches, start=1):
        if number not in without:
            after = rate_by_chain([ratings[m] for m in seats], places)
            ratings.update(zip(seats, after, strict=True))
    return ratings


def _pool(rng: np.random.Generator, n_matches: int, is_odd: bool) -> list[Match]:
    """Twelve equals, four at a time; where `is_odd`, 1 always loses to 2."""
    matches: list[Match] = []
    for _ in range(n_matches):
        seats = tuple((rng.permutation(12)[:4] + 1).tolist())
        strength = {m: rng.normal() for m in seats}
        if is_odd and 1 in seats and 2 in seats:
            strength[1], strength[2] = sorted((strength[1], strength[2]))
        order = sorted(seats, key=lambda m: -strength[m])
        matches.append((seats, tuple(order.index(m) + 1 for m in seats)))
    return matches


def test_a_pair_that_meets_otherwise_than_it_is_rated_is_listed() -> None:
    matches = _pool(np.random.default_rng(1), 900, is_odd=True)
    columns, ratings = MatchColumns.of_matches(matches), _rated(matches)
    errors = rating_errors(columns, ratings)
    found = matches_against_ratings(count_beats(columns, sorted(ratings)), ratings, errors)
    worst = found[0]
    assert (worst.source, worst.first, worst.second, worst.seen) == ("rated matches", 2, 1, 1.0)
    # The ratings, made in all companies, say two times in three.
    assert worst.predicted == win_probability(ratings[2], ratings[1]) < 0.7 < worst.low


def test_where_ratings_are_all_there_is_the_list_is_empty() -> None:
    for seed in range(5):
        matches = _pool(np.random.default_rng(seed), 300, is_odd=False)
        columns, ratings = MatchColumns.of_matches(matches), _rated(matches)
        beats = count_beats(columns, sorted(ratings))
        assert matches_against_ratings(beats, ratings, rating_errors(columns, ratings)) == []


def test_a_head_to_head_that_contradicts_the_ratings_is_listed_whoever_was_named_first() -> None:
    ratings = {1: (27.0, 0.1), 2: (25.0, 0.1), 3: (25.0, 0.1)}
    errors = RatingErrors.of_sigmas(ratings)
    rng = np.random.default_rng(1)
    scores = tuple(np.clip(rng.normal(0.5, 0.1, 400), 0, 1).tolist())
    even = tuple(np.clip(rng.normal(0.5, 0.1, 400), 0, 1).tolist())
    pits = [PitScores(1, 2, scores), PitScores(2, 3, even), PitScores(1, 9, scores)]
    found, other = pits_against_ratings(pits, ratings, errors)
    assert found.is_sure and not other.is_sure and {other.first, other.second} == {2, 3}
    # 2 points are 63 % by the ratings, and 50 % here: 2 does better than its rating says
    assert (found.source, found.first, found.second, found.n) == ("pit", 2, 1, 400)
    assert found.predicted == pytest.approx(win_probability(ratings[2], ratings[1]))
    assert found.predicted == pytest.approx(0.367, abs=0.001)
    assert found.low < 0.5 < found.high and found.low > found.predicted
    # Two head-to-heads at once: 2.24 errors in place of 1.96
    assert found.predicted_half_width == pytest.approx(
        2.2414 * float(slope(np.array(2.0))) * 0.1 * 2**0.5, rel=1e-4
    )


def test_a_few_pairs_of_a_head_to_head_contradict_nothing() -> None:
    ratings = {1: (27.0, 0.1), 2: (25.0, 0.1)}
    errors = RatingErrors.of_sigmas(ratings)
    (few,) = pits_against_ratings([PitScores(1, 2, (0.4,) * 8)], ratings, errors)
    assert few.seen == pytest.approx(0.6) and not few.is_sure
    assert pits_against_ratings([], ratings, errors) == []


def test_the_matches_named_turn_the_places_round_and_one_fewer_does_not() -> None:
    rng = np.random.default_rng(4)
    matches = _pool(rng, 150, is_odd=False)
    ratings = _rated(matches)
    first, second = sorted(ratings, key=lambda m: -ratings[m][0])[:2]
    columns = MatchColumns.of_matches(matches)
    flip = matches_to_flip(
        columns, ratings, first, second, rerate=lambda without: _rated(matches, without)
    )
    estimate = matches_to_flip(columns, ratings, first, second)
    assert flip.is_rerated and not estimate.is_rerated
    assert flip.n_matches is not None and estimate.n_matches is not None
    assert 0 < flip.n_matches < 60 and abs(flip.n_matches - estimate.n_matches) <= 3
    assert flip.n_common == sum(first in seats or second in seats for seats, _ in matches)


def test_who_never_met_anything_else_cannot_be_turned_round() -> None:
    # 1 won all of 40 matches and 2 lost them all: without any of them both are where they began.
    matches: list[Match] = [((1, 2), (1, 2))] * 40
    ratings = _rated(matches)
    flip = matches_to_flip(
        MatchColumns.of_matches(matches),
        ratings,
        1,
        2,
        rerate=lambda without: _rated(matches, without),
    )
    assert flip.n_matches is None
