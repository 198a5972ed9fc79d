"""Beat rates with intervals clustered by line-up, and cycles that are sure together."""

from __future__ import annotations

import numpy as np
import pytest

from league.rating.beats import count_beats, placement_counts
from league.rating.columns import MatchColumns


def test_beat_rates_count_ties_half_and_keep_the_order_of_the_members() -> None:
    matches = [((1, 2, 3), (1, 2, 3)), ((3, 1), (1, 1)), ((2, 3), (1, 2)), ((3, 2), (1, 2))]
    beats = count_beats(MatchColumns.of_matches(matches), [3, 1, 2])
    assert beats.member_ids == (3, 1, 2)
    # 1 and 3 met twice: 1 won once and tied once; 2 and 3 met three times: 2 won twice.
    assert beats.games.tolist() == [[0, 2, 3], [2, 0, 1], [3, 1, 0]]
    assert beats.wins.tolist() == [[0, 0.5, 1], [1.5, 0, 1], [2, 0, 0]]
    assert beats.rates[1, 0] == 0.75 and beats.rates[0, 0] == 0.5
    assert (beats.wins + beats.wins.T == beats.games).all()


def _company(rng: np.random.Generator, n_line_ups: int, share: int) -> MatchColumns:
    """Matches of six equals, four at a time; in each line-up one order is four times as likely."""
    matches = []
    for _ in range(n_line_ups):
        members = (rng.permutation(40)[:4] + 1).tolist()
        shift = rng.normal(0.0, 1.0, 4)
        for _ in range(share):
            order = np.argsort(-(shift + rng.normal(size=4)))
            places = np.empty(4, dtype=int)
            places[order] = np.arange(1, 5)
            matches.append((members, places.tolist()))
    return MatchColumns.of_matches(matches)


def test_matches_of_one_line_up_are_no_independent_ones() -> None:
    rng = np.random.default_rng(5)
    together = count_beats(_company(rng, 1500, 16), range(1, 41))
    alone = count_beats(_company(rng, 24_000, 1), range(1, 41))
    assert alone.design_effect == pytest.approx(1.0, abs=0.1)
    assert together.design_effect > 4.0  # up to 16, if company decided everything
    # All are equal: of 780 intervals of 95 % some 39 miss 1/2, and none of those at once does.
    for beats in (together, alone):
        low, high = beats.intervals()
        upper = np.triu(np.ones((40, 40), dtype=bool), 1)
        missed = ((low > 0.5) | (high < 0.5))[upper].mean()
        assert 0.01 < missed < 0.07
        low, high = beats.intervals(780)
        assert not ((low > 0.5) | (high < 0.5))[upper].any()
    assert not together.cycles() and not alone.cycles()


def test_a_pair_that_was_won_every_time_has_an_interval() -> None:
    beats = count_beats(MatchColumns.of_matches([((1, 2), (1, 2))] * 20), [1, 2])
    low, high = beats.intervals()
    # 20 of 20 matches of one line-up: 0.025^(1/20) = 0.83 for independent ones
    assert 0.75 < low[0, 1] < 0.84 and high[0, 1] == 1.0
    assert low[1, 0] == 0.0 and high[1, 0] == pytest.approx(1 - low[0, 1])


def test_a_pair_without_matches_has_all_of_the_range() -> None:
    beats = count_beats(MatchColumns.of_matches([((1, 2), (1, 2))] * 9), [1, 2, 3])
    low, high = beats.intervals()
    assert (low[0, 2], high[0, 2]) == (0.0, 1.0)
    assert not beats.decided()[0, 2] and beats.decided()[0, 1]


def test_a_cycle_is_found_once_all_its_edges_are_sure() -> None:
    def cycle(n: int) -> list[tuple[int, int, int]]:
        matches = [(pair, (1, 2)) for pair in ((1, 2), (2, 3), (3, 1)) for _ in range(n)]
        return count_beats(MatchColumns.of_matches(matches), [3, 2, 1]).cycles()

    assert cycle(40) == [(1, 2, 3)]
    assert cycle(5) == []  # too few to say anything


def test_no_members_and_no_matches_are_no_trouble() -> None:
    assert count_beats(MatchColumns.empty(), []).games.shape == (0, 0)
    assert count_beats(MatchColumns.empty(), [1, 2]).cycles() == []
    assert placement_counts(MatchColumns.empty(), [1]).shape == (1, 0)


def test_places_are_counted_by_member() -> None:
    columns = MatchColumns.of_matches([((1, 2, 3), (1, 3, 1)), ((2, 1), (1, 2))])
    assert placement_counts(columns, [2, 1]).tolist() == [[1, 0, 1], [1, 1, 0]]
