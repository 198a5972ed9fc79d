"""Waves of matches: returns to a seat's end, only matches that began with the wave, labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from league.teaching.collect import MATCH_NUMBERS, discounted, play_wave

IntArray = NDArray[np.int64]


def test_returns_are_discounted_to_each_rows_own_end() -> None:
    both, first = np.array([0, 1]), np.array([0])
    rows = [both, both, first]
    rewards = [np.array(r, np.float32) for r in ([1.0, 2.0], [0.0, 4.0], [8.0])]
    # Row 0: 1 + 0.5 * 0 + 0.25 * 8, 0 + 0.5 * 8, 8; row 1: 2 + 0.5 * 4, 4.
    assert discounted(rows, rewards, 0.5, 2).tolist() == [3.0, 4.0, 4.0, 4.0, 8.0]


class TwoMatches:
    """Two matches of one row each: the first ends after 2 decisions and another follows, the second
    after 3."""

    def __init__(self) -> None:
        self.active = np.array([True, True])
        self.is_first = np.array([True, True])
        self.played: list[list[int]] = []
        self.told: list[list[int]] = []
        self._chosen = np.zeros(2, np.int64)

    def _observe(self) -> dict[str, NDArray[Any]]:
        return {"scalars": np.full((2, 1), len(self.played), np.float32)}

    def reset(self) -> dict[str, NDArray[Any]]:
        return self._observe()

    def action_masks(self) -> NDArray[np.bool_]:
        return np.ones((2, 45), np.bool_)

    def targets(self, rows: IntArray) -> IntArray:
        return np.tile(np.arange(8), (len(rows), 1))

    def ask_teacher(self, rows: IntArray) -> IntArray:
        return np.where(rows == 0, 41, 7)  # a WAIT, and an order

    def tell_teacher(self, rows: IntArray, actions: IntArray) -> None:
        self.told.append(actions.tolist())

    def match_of(self, rows: IntArray) -> IntArray:
        return rows

    def step_async(self, actions: IntArray) -> None:
        self._chosen = actions

    def step_wait(self) -> Any:
        self.played.append(self._chosen.tolist())
        n = len(self.played)
        if n == 2:
            self.is_first[0] = False  # a new match in its place
        if n == 3:
            self.active[1] = False
        return self._observe(), np.array([1.0, 1.0], np.float32), np.zeros(2, np.bool_), [{}, {}]


def test_a_wave_holds_the_matches_that_began_with_it_to_their_end() -> None:
    env, rows = TwoMatches(), []
    wave = play_wave(env, 3, gamma=1.0, step=rows.append)
    assert wave.matches.tolist() == [30_000, 30_001, 30_000, 30_001, 30_001]
    assert MATCH_NUMBERS == 10_000
    assert wave.labels.tolist() == [40, 7, 40, 7, 7]
    assert wave.returns.tolist() == [2.0, 3.0, 1.0, 2.0, 1.0]
    assert rows == [2, 4, 5]
    assert env.played == [[41, 7], [41, 7], [0, 7]]  # the follower's row is not asked
    assert env.told == []


def test_in_a_round_the_learners_choice_is_played_and_the_teacher_hears_it() -> None:
    env = TwoMatches()
    wave = play_wave(env, 0, gamma=1.0, choose=lambda seen, masks: np.full(len(masks), 12))
    assert wave.labels.tolist() == [40, 7, 40, 7, 7]
    assert env.played[0] == [12, 12]
    assert env.told == [[12, 12], [12, 12], [12]]


def test_what_a_step_raises_ends_the_wave() -> None:
    def stop(n_rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        play_wave(TwoMatches(), 0, gamma=1.0, step=stop)
