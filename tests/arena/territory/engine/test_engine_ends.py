"""How matches end: the 80 % win, the last one alive, the time limit; and who placed where."""

from __future__ import annotations

import numpy as np
import pytest

from arena.errors import MatchError
from arena.territory.engine import rules
from arena.territory.engine.actions import encode
from arena.territory.engine.engine import Engine
from arena.territory.engine.orders import N_ORDER
from arena.territory.engine.state import MATCH_ENDS, N_ORDERS
from arena.territory.maps import TerritoryMap
from tests.arena.territory.engine.engine_checks import board, give, random_match, random_orders

A, B, C = 1, 2, 3


def ending_board(tiles_of_a: int, tiles_of_b: int, *, playable: int = 100) -> Engine:
    owners = np.zeros((1, playable), np.int64)
    owners[0, :tiles_of_a] = A
    owners[0, playable - tiles_of_b :] = B
    engine = board(owners)
    engine.state.clock[MATCH_ENDS] = 1
    return engine


@pytest.mark.parametrize("playable", [5, 10, 35, 100, 105, 995])
def test_80_percent_is_no_win_and_one_tile_more_is(playable: int) -> None:
    limit = playable * 4 // 5
    engine = ending_board(limit, 1, playable=playable)
    assert engine.run(25) == 25
    assert not engine.is_over
    if limit + 1 < playable:
        engine = ending_board(limit + 1, 1, playable=playable)
        assert engine.run(25) == 0
        assert engine.is_over


def test_the_win_is_checked_every_tenth_tick() -> None:
    engine = ending_board(80, 1)
    engine.run(11)
    engine.conquer(A, 80, 0)  # 81 of 100, found at tick 20
    assert engine.run(100) == 9
    assert engine.tick == 20
    assert engine.is_over
    assert engine.placements() == [1, 2]


def test_land_that_nobody_can_reach_counts_for_nothing() -> None:
    # 100 playable tiles and an island of 50: 81 on the mainland win, 80 and the island do not.
    terrain = np.full((1, 151), 128, np.uint8)
    terrain[0, 100] = 0
    for on_mainland, ran in [(80, 20), (81, 0)]:
        owners = np.zeros((1, 151), np.int64)
        owners[0, :on_mainland] = A
        owners[0, 99] = B
        if on_mainland == 80:
            owners[0, 101:] = A
        engine = board(owners, terrain=terrain)
        engine.state.clock[MATCH_ENDS] = 1
        assert engine.map.n_playable == 100
        assert engine.run(20) == ran


def test_the_last_player_alive_ends_the_match() -> None:
    engine = ending_board(10, 1)
    engine.run(5)
    engine.conquer(A, 99, 0)
    assert engine.is_over
    assert engine.run(10) == 0
    assert engine.tick == 5
    assert engine.placements() == [1, 2]


def test_a_match_stops_at_max_ticks_and_not_before() -> None:
    territory = TerritoryMap.from_terrain("open", np.full((40, 40), 128, np.uint8))
    engine = Engine.new_match(territory, rules.MatchRules(max_ticks=25, n_seats=2), 1)
    assert [engine.run(10), engine.run(10)] == [10, 10]
    assert not engine.is_over
    assert engine.run(10) == 5
    assert engine.is_over
    assert engine.tick == 25
    assert engine.run(10) == 0


def test_decisions_of_a_match_that_ended_pile_up_nowhere() -> None:
    engine = ending_board(10, 1)
    engine.conquer(A, 99, 0)
    guarded = np.full(
        (500, N_ORDER), -7.0
    )  # a longer array behind the real one catches a stray write
    n_rows = len(engine.state.orders)
    engine.state = engine.state._replace(orders=guarded[:n_rows])
    for _ in range(100):
        engine.act(np.full(2, encode(2, 0)))  # east is neutral land: a legal order
        assert engine.run(10) == 0
    assert engine.tick == 0
    assert engine.state.clock[N_ORDERS] <= n_rows
    assert (guarded[n_rows:] == -7.0).all(), "orders were written behind their array"


def test_placements_follow_tiles_then_troops_and_ties_share_the_better_number() -> None:
    owners = np.zeros((5, 30), np.int64)
    for p, n in enumerate([20, 10, 10, 10, 5], start=1):
        owners[p - 1, :n] = p
    engine = board(owners, troops=(1, 500, 700, 500, 9_999))
    assert engine.placements() == [1, 3, 2, 3, 5]


def test_the_dead_come_last_later_deaths_above_earlier_and_then_by_tiles_before() -> None:
    owners = np.zeros((6, 30), np.int64)
    for p, n in enumerate([20, 3, 4, 4, 2, 9], start=1):
        owners[p - 1, :n] = p
    engine = board(owners)
    engine.run(3)
    fall(engine, 6)  # dies in tick 3
    engine.run(2)
    fall(engine, 2, 3, 4)  # die together in tick 5: 4 tiles, 4 tiles and 3 before it
    engine.run(1)
    fall(engine, 5)  # dies in tick 6
    assert engine.state.eliminated_tick[1:].tolist() == [-1, 5, 5, 5, 6, 3]
    #                              player   1  2  3  4  5  6
    assert engine.placements() == [1, 5, 3, 3, 2, 6]


def fall(engine: Engine, *players: int) -> None:
    """Give all land of the players to player 1 in the coming tick, its first events."""
    engine.state.tiles_before[1:] = engine.state.tiles[1:]  # as the tick itself would begin
    for y, x in np.argwhere(np.isin(engine.owner, players)):
        engine.conquer(A, int(x), int(y))


def test_the_80_percent_winner_is_first_even_with_fewer_tiles_than_another() -> None:
    # 20 playable tiles, and 19 unreachable ones that B owns all of, plus 3.
    terrain = np.full((2, 41), 128, np.uint8)
    terrain[:] = 0
    terrain[0, :20] = 128
    terrain[1, 22:41] = 128
    owners = np.zeros((2, 41), np.int64)
    owners[0, :17] = A
    owners[0, 17:20] = B
    owners[1, 22:41] = B
    engine = board(owners, terrain=terrain)
    assert engine.tiles.tolist() == [17, 22]
    assert engine.placements() == [1, 2]  # 17 > 0.8 * 20 = 16


def test_placements_are_given_by_seat_not_by_spawn() -> None:
    territory = TerritoryMap.from_terrain("open", np.full((60, 60), 128, np.uint8))
    engine = Engine.new_match(territory, rules.MatchRules(n_seats=5), 4, rotation=2)
    ys, xs = np.nonzero(engine.owner == 0)
    for i in range(5):  # spawn i gets 10 * i tiles more
        for k in range(10 * i):
            at = 100 * i + k
            engine.conquer(i + 1, int(xs[at]), int(ys[at]))
    by_spawn = [5, 4, 3, 2, 1]
    assert engine.placements() == [by_spawn[engine.spawn_of[seat]] for seat in range(5)]
    assert engine.by_seat(engine.tiles) == [int(engine.tiles[i]) for i in engine.spawn_of]
    assert [int(engine.seat_of[i]) for i in engine.spawn_of] == list(range(5))


@pytest.mark.parametrize("seed", range(10))
def test_placements_of_any_match_are_a_ranking(seed: int) -> None:
    rng = np.random.default_rng(seed)
    engine = random_match(seed)
    for _ in range(150):
        give(engine, random_orders(engine, rng))
        if engine.run(1) == 0:
            break
    placements = engine.placements()
    for k in set(placements):  # k shared by n seats skips the next n - 1 numbers
        assert sum(other < k for other in placements) == k - 1
    tiles = engine.by_seat(engine.tiles)
    alive = [placement for placement, n in zip(placements, tiles, strict=True) if n > 0]
    dead = [placement for placement, n in zip(placements, tiles, strict=True) if n == 0]
    assert not alive or not dead or max(alive) < min(dead)


@pytest.mark.parametrize("wrong", ["kind", "unknown"])
def test_a_player_of_an_unknown_kind_is_refused(wrong: str) -> None:
    territory = TerritoryMap.from_terrain("open", np.full((5, 5), 128, np.uint8))
    with pytest.raises(MatchError, match="human, bot, nation"):
        Engine(territory, 1, seed=1).place(1, kind=wrong)
