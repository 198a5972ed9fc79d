"""Line-ups: floors, anchors, newcomers, nearness, distinctness, as the docstrings promise."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from league.errors import MatchmakingError
from league.matchmaking.lineups import (
    FLOOR_SHARE,
    NEWCOMER_MATCHES,
    Candidate,
    LineUp,
    choose_line_ups,
    matches_wanted,
)


def pool(n: int, *, n_anchors: int = 1, sigma: float = 0.3) -> list[Candidate]:
    return [
        Candidate(i, 25.0 + i, sigma, 1000, anchor=i <= n_anchors, is_free=i <= n_anchors)
        for i in range(1, n + 1)
    ]


def one(candidates: list[Candidate], n_seats: int, seed: int) -> LineUp:
    return choose_line_ups(candidates, n_seats, 1, np.random.default_rng(seed))[0]


def play(candidates: list[Candidate], n_batches: int, seed: int = 0) -> Counter[int]:
    """Seats per member of batches of 16 matches; recent are as many as give everybody 40."""
    rng = np.random.default_rng(seed)
    seats: Counter[int] = Counter()
    recent: deque[frozenset[int]] = deque(maxlen=4 * len(candidates))
    for _ in range(n_batches):
        counts = Counter(member for members in recent for member in members)
        known = [replace(c, recent=counts[c.member_id]) for c in candidates]
        for line_up in choose_line_ups(known, 10, 16, rng, share=16):
            recent.append(frozenset(m for m, is_rated in line_up if is_rated))
            seats.update(recent[-1])
    return seats


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 30), st.integers(2, 12), st.integers(0, 3), st.integers(0, 5), st.integers(0))
def test_every_line_up_is_legal(
    n: int, n_seats: int, n_anchors: int, n_scripts: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    known = [replace(c, is_free=c.member_id > n - n_scripts) for c in pool(n, n_anchors=n_anchors)]
    for line_up in choose_line_ups(known, n_seats, 5, rng, share=3):
        assert len(line_up) == n_seats
        rated = [member_id for member_id, is_rated in line_up if is_rated]
        assert len(rated) == len(set(rated)) == min(n, n_seats)  # one rated seat per member
        if n_anchors:
            assert any(member_id <= n_anchors for member_id in rated)
        counts = Counter(member_id for member_id, _ in line_up)
        assert max(counts.values()) - min(counts.values()) <= 1  # further seats: spread evenly


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.0, 20.0), st.integers(12, 40))
def test_nobody_starves_at_any_spread_of_skill(seed: int, spread: float, n: int) -> None:
    rng = np.random.default_rng(seed)
    known = [replace(c, mu=25.0 + spread * rng.normal()) for c in pool(n, n_anchors=3)]
    n_batches = 5 * n  # 8 * 100 matches on average of each member
    seats = play(known, n_batches, seed)
    assert min(seats.values()) >= FLOOR_SHARE * n_batches * 16 * 10 / n
    assert len(seats) == n


def test_a_member_far_from_all_others_gets_its_share_and_no_more() -> None:
    rng = np.random.default_rng(3)
    known = [replace(c, mu=25.0 + 2.0 * rng.normal()) for c in pool(50, n_anchors=6)]
    known[-1] = replace(known[-1], mu=42.0, sigma=2.5)  # 12 points above the best: never certain
    share = play(known, 150)[50] / (150 * 16)
    # 10 seats of 50 members: 0.2 each; it used to sit in 0.34 of the matches
    assert 0.15 <= share <= 0.22


def test_a_newcomer_plays_first_and_only_until_its_interval_is_one_point() -> None:
    # 1/0.51^2 - 1/8.33^2 = 3.83 = 85.1 matches at 0.045 each
    assert matches_wanted(25 / 3, 0, 0) == 86
    assert matches_wanted(25 / 3, 30, 30) == 56  # those in flight count as played
    assert matches_wanted(0.6, 70, 0) == 24  # 3.842 - 2.778 = 1.064
    assert matches_wanted(0.51, 90, 0) == 0
    assert matches_wanted(3.0, NEWCOMER_MATCHES, 0) == 0  # it will hardly get certain
    known = [*pool(30, n_anchors=6), Candidate(99, 25.0, 8.3, 80, in_flight=80)]
    line_ups = choose_line_ups(known, 10, 16, np.random.default_rng(0), share=16)
    # of these 16 matches it still wants 6; then it is one of 31 members, and not the lead
    assert sum((99, True) in line_up for line_up in line_ups[:6]) == 6


def test_a_new_member_plays_at_once() -> None:
    candidates = [*pool(20), Candidate(99, 60.0, 8.0, 0)]
    for seed in range(20):
        assert (99, True) in one(candidates, 10, seed)


def test_opponents_are_near_by_mu_more_often_than_not() -> None:
    candidates = [Candidate(0, 25.0, 8.0, 1)]  # a newcomer: it leads
    candidates += [Candidate(i, 25.0 + 3.0 * i, 0.3, 1000) for i in range(1, 20)]
    met = Counter(m for seed in range(200) for m, _ in one(candidates, 5, seed))
    assert sum(met[i] for i in range(1, 6)) > 2 * sum(met[i] for i in range(15, 20)) > 0


def test_the_same_stream_gives_the_same_line_up() -> None:
    assert one(pool(20), 10, 5) == one(pool(20), 10, 5)


def test_a_pool_of_one_cannot_play() -> None:
    with pytest.raises(MatchmakingError, match="found 1 active"):
        one(pool(1), 10, 0)


def members_of(line_ups: list[LineUp]) -> list[frozenset[int]]:
    return [frozenset(member_id for member_id, _ in line_up) for line_up in line_ups]


def test_matches_of_a_batch_share_their_networks_and_not_their_line_up() -> None:
    rng = np.random.default_rng(0)
    line_ups = choose_line_ups(pool(40, n_anchors=6), 10, 32, rng, share=16)
    members = members_of(line_ups)
    assert len(set(members)) == 32
    for start in (0, 16):
        batch = members[start : start + 16]
        networks = frozenset.union(*batch) - set(range(1, 7))
        # each match has 10 - (its scripts) networks, the batch has one more than one match
        assert len(networks) == max(len(line_up - set(range(1, 7))) for line_up in batch) + 1


def test_no_line_up_in_flight_is_drawn_again_while_there_are_others() -> None:
    # 5 members and 4 seats: 5 line-ups, of which 4 hold the only anchor, member 1
    in_flight = {frozenset({1, 2, 3, 4}), frozenset({1, 2, 3, 5}), frozenset({1, 2, 4, 5})}
    for seed in range(20):
        rng = np.random.default_rng(seed)
        line_up = choose_line_ups(pool(5), 4, 1, rng, in_flight=in_flight)
        assert members_of(line_up) == [frozenset({1, 3, 4, 5})]
