"""Matches that begin in the middle: which boards, whose seats, what counts, exact resume."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np

from arena.match import MatchSpec, start_match
from arena.territory.engine.rules import MatchRules
from arena.territory.observation.views import Views
from league.learner.environment import LEARNER, LeagueVecEnv
from league.learner.middles import MIN_LIVING, N_BOARDS, Board, Middle, Middles, deal, pack, unpack
from league.matches.worker import cached_maps
from tests.league.learner.test_environment import act, draw_scripted, make_env

MAP = "generated:continents:64x64:1"


def played(n_decisions: int, *, seats: int = 10, seed: int = 5) -> Board:
    """A board after so many decisions in which everybody attacks somebody."""
    rules = MatchRules(n_seats=seats, max_ticks=1_000)
    spec = MatchSpec(seed, MAP, ("scripted:tribe",) * seats, rules, Views(16, 16, 16))
    match = start_match(spec, cached_maps(None), [None] * seats)
    rng = np.random.default_rng(1)
    for _ in range(n_decisions):
        match.advance(np.where(match.living, rng.integers(0, 40, seats), 255))
    return Board(spec, tuple(match.record), match.engine.clone(None))


def test_a_board_is_rebuilt_from_its_decisions() -> None:
    board = played(20)
    again = Board.from_json(json.loads(json.dumps(board.to_json())), cached_maps(None))
    assert again.engine.state_sha256() == board.engine.state_sha256()
    assert len(again.record) == 20 and all(
        (a == b).all() for a, b in zip(again.record, board.record, strict=True)
    )
    assert [a.tolist() for a in unpack(board.to_json())] == [a.tolist() for a in board.record]
    assert pack(again.record) == pack(board.record)


def test_a_match_from_the_middle_has_the_boards_land_and_another_future() -> None:
    board = played(20)
    futures = set()
    for seed in (1, 2):
        match = start_match(board.spec, cached_maps(None), [None] * 10)
        Middle(board, seed).put_into(match)
        assert match.n_decisions == 20 and match.seed == seed
        assert (match.engine.tiles == board.engine.tiles).all()
        assert match.engine.tick == board.engine.tick == 20 * board.spec.rules.ticks_per_decision
        match.advance(np.full(10, 40))
        futures.add(match.engine.state_sha256())
    assert len(futures) == 2
    assert board.engine.tick == 20 * board.spec.rules.ticks_per_decision  # it is not played on


def test_the_learner_holds_its_part_of_the_living(monkeypatch: Any) -> None:
    board = played(20)
    rng = np.random.default_rng(0)
    for n_living, expected in ((10, 5), (7, 4), (6, 3), (4, 2), (3, 2)):  # 3.5 and 1.5, to even
        tiles = np.zeros(10, np.int64)
        tiles[rng.permutation(10)[:n_living]] = 7

        class Engine:
            """A board with these tiles."""

        Engine.tiles = tiles  # type: ignore[attr-defined]
        spec = deal(replace(board, engine=Engine()), 5, LEARNER, draw_scripted, rng)  # type: ignore[arg-type]
        own = np.array([name == LEARNER for name in spec.agents])
        assert own.sum() == 5
        assert (own & (tiles > 0)).sum() == expected
        assert (spec.seed, spec.map) == (board.spec.seed, board.spec.map)


def test_a_board_is_kept_at_the_decision_that_was_drawn_and_the_oldest_goes() -> None:
    middles = Middles(0.5, 1, 40)
    rng = np.random.default_rng(2)
    board = played(0)
    match = start_match(board.spec, cached_maps(None), [None] * 10)
    middles._keep_at = [3]
    for n in range(1, 6):
        match.advance(np.full(10, 40))
        middles.keep(0, board.spec, match)
        assert len(middles.boards) == int(n >= 3)
    assert len(middles.boards[0].record) == 3
    middles.boards.extend([board] * N_BOARDS)
    assert len(middles.boards) == N_BOARDS and middles.boards[0] is board
    drawn = [middles.draw(0, rng) for _ in range(400)]
    n_middle = sum(each is not None for each in drawn)
    assert 160 <= n_middle <= 240  # 200, deviation 10
    middles._keep_at = [match.n_decisions]
    match.engine.state.tiles[1 : 1 + 11 - MIN_LIVING] = 0  # MIN_LIVING - 1 are left
    middles.boards.clear()
    middles.keep(0, board.spec, match)
    assert not middles.boards


def env_with_middles(seed: int = 3, share: float = 0.7) -> LeagueVecEnv:
    return make_env(seed, max_ticks=600, n_matches=3, seats=4, reset_share=share)


def middles_of(env: LeagueVecEnv) -> list[bool]:
    return [origin is not None for origin in env._origins]


def test_matches_begin_in_the_middle_and_count_in_no_score() -> None:
    env = env_with_middles()
    env.reset()
    assert not any(middles_of(env))  # there is no board yet
    rng = np.random.default_rng(3)
    settled: list[bool] = []
    whole_ends = {True: 0, False: 0}
    count = env._settle

    def settle(slot: int, match: Any) -> None:
        before = sum(n for n, _ in env.results.values())
        count(slot, match)
        counted = sum(n for n, _ in env.results.values()) > before
        assert counted is not middles_of(env)[slot]
        settled.append(counted)

    env._settle = settle  # type: ignore[method-assign]
    for _ in range(150):
        _, _, dones, infos = act(env, rng)
        for i in np.flatnonzero(dones):
            whole_ends[infos[i]["whole"]] += 1
        assert env.active.reshape(3, 4).any(axis=1).all()
        for slot in range(3):  # a seat that was dead at the beginning is never asked
            alive = env.lockstep.alive[env.rows[slot * 4 : slot * 4 + 4]]
            assert (alive | ~env.active[slot * 4 : slot * 4 + 4]).all()
    assert set(settled) == {True, False}
    assert all(whole_ends.values())
    assert len(env.middles.boards) > 1
    for board in env.middles.boards:  # whole matches alone: no record longer than its own match
        assert len(board.record) * board.spec.rules.ticks_per_decision == board.engine.tick


def test_a_restored_environment_goes_on_like_the_original_from_the_middle() -> None:
    env = env_with_middles()
    env.reset()
    rng = np.random.default_rng(3)
    n = 0
    while not any(middles_of(env)) or n < 40:
        act(env, rng)
        n += 1
        assert n < 300
    state = json.loads(json.dumps(env.state()))
    other = env_with_middles(99)
    other.set_state(state)
    assert middles_of(other) == middles_of(env)
    assert (other._potential == env._potential).all()
    ours, theirs = np.random.default_rng(4), np.random.default_rng(4)
    for _ in range(60):
        a, b = act(env, ours), act(other, theirs)
        assert (a[1] == b[1]).all() and (a[2] == b[2]).all()
        assert all((a[0][key][env.active] == b[0][key][env.active]).all() for key in a[0])
    assert env.state() == other.state()


def test_by_default_nothing_is_drawn_and_nothing_kept() -> None:
    env = make_env(3, max_ticks=600)
    env.reset()
    assert "middles" not in env.state()
    before = env.rng.bit_generator.state
    assert env.middles.draw(0, env.rng) is None
    assert env.rng.bit_generator.state == before
