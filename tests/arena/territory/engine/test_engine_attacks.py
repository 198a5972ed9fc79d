"""Orders and attacks: when troops leave, what falls when, cancelling, merging and retreat."""

from __future__ import annotations

import numpy as np
import pytest

from arena.errors import MatchError
from arena.territory.engine import rules
from arena.territory.engine.engine import Engine
from arena.territory.engine.state import allocate
from arena.territory.maps import load_map
from tests.arena.territory.engine.engine_checks import board, check_state

A, B, C = 1, 2, 3


def duel(troops_a: int, troops_b: int, *, start_tick: int = 49, seed: int = 1) -> Engine:
    """A owns the left half of 40 x 20 open land, B the right; home troops as of `start_tick`."""
    owners = np.full((20, 40), A)
    owners[:, 20:] = B
    engine = board(owners, seed=seed)
    engine.run(start_tick)
    engine.state.troops[1:] = (troops_a, troops_b)
    return engine


def grown(troops: int, tiles: int, ticks: int = 1) -> int:
    """Home troops of a human after some ticks of growth."""
    cap = 2 * (1000 * tiles**0.6 + 50_000)
    for _ in range(ticks):
        troops += int((10 + troops**0.73 / 4) * (1 - troops / cap))
    return troops


# --- orders ---------------------------------------------------------------------------------------


def test_troops_leave_at_the_end_of_the_tick_and_the_first_tile_falls_in_the_next() -> None:
    owners = np.zeros((20, 20), np.int64)
    owners[10, 10] = A
    engine = board(owners, troops=(25_000,))
    engine.order(A, 0, 10_000.0)
    engine.run(1)  # tick 0: no growth, no attack runs yet
    assert engine.troops[0] == 15_000
    assert engine.tiles[0] == 1
    assert engine.attacks() == [(A, 0, 10_000.0)]
    engine.run(1)
    assert engine.tiles[0] > 1
    taken = int(engine.tiles[0]) - 1
    # plains take 80 / 5 = 16 troops a tile
    assert engine.attacks() == [(A, 0, 10_000.0 - 16 * taken)]


def test_an_order_sends_no_more_than_is_at_home_and_home_loses_whole_troops() -> None:
    engine = duel(1_000, 50_000)
    engine.order(A, B, 5_000.0)
    engine.run(1)
    sent = grown(1_000, 400)
    assert engine.attacks() == [(A, B, float(sent))]
    assert engine.troops[0] == 0

    engine = duel(1_000, 50_000)
    engine.order(A, B, 100.75)
    engine.run(1)
    assert engine.attacks() == [(A, B, 100.75)]
    assert engine.troops[0] == grown(1_000, 400) - 100


def test_orders_on_oneself_by_the_dead_and_of_negative_troops_do_nothing() -> None:
    owners = np.full((10, 10), A)
    owners[:, 5:] = B
    engine = Engine(board(owners).map, 3, seed=1)  # player 3 owns nothing
    engine.never_end()
    for p in (A, B, C):
        engine.place(p)
    engine.paint(owners)
    engine.run(49)
    before = [grown(25_000, 50, ticks=48)] * 2 + [25_000]  # tick 0 has no growth, the dead neither
    assert engine.troops.tolist() == before
    engine.order(A, A, 100.0)
    engine.order(C, A, 100.0)
    engine.order(A, B, -1.0)
    engine.run(1)
    assert engine.attacks() == []
    assert engine.troops.tolist() == [grown(before[0], 50)] * 2 + [25_000]


@pytest.mark.parametrize(("given_before", "is_refused"), [(0, True), (48, True), (49, False)])
def test_an_attack_on_a_player_initialised_before_tick_49_is_refused(
    given_before: int, is_refused: bool
) -> None:
    engine = duel(25_000, 25_000, start_tick=given_before)
    engine.order(A, B, 10_000.0)
    engine.run(1)
    assert (engine.attacks() == []) == is_refused
    home = 25_000 if given_before == 0 else grown(25_000, 400)
    assert engine.troops[0] == (home if is_refused else home - 10_000)


def test_neutral_land_may_be_attacked_from_the_first_tick() -> None:
    owners = np.zeros((10, 10), np.int64)
    owners[5, 5] = A
    engine = board(owners)
    engine.order(A, 0, 100.0)
    engine.run(1)
    assert engine.attacks() == [(A, 0, 100.0)]


def test_more_orders_than_a_tick_can_hold_are_refused_with_a_reason() -> None:
    engine = duel(1_000, 1_000)
    with pytest.raises(MatchError, match="orders for one tick"):
        for _ in range(1_000):
            engine.order(A, B, 1.0)
    engine.run(1)
    check_state(engine)


def test_orders_of_one_tick_are_initialised_in_the_order_given() -> None:
    owners = np.zeros((9, 27), np.int64)
    owners[4, [4, 13, 22]] = (A, B, C)
    engine = board(owners)
    for p in (C, A, B):
        engine.order(p, 0, 500.0)
    engine.run(1)
    assert [attack[0] for attack in engine.attacks()] == [C, A, B]


# --- one tick of an attack ------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_at_least_one_tile_falls_per_tick_though_it_costs_more_than_the_budget(seed: int) -> None:
    # A corridor one tile wide: B = 1, so the budget is 2 * (1 + r) <= 10, and a tile costs
    # 2,000 * 16.5 / 400 = 82.5 or more.
    owners = np.zeros((1, 30), np.int64)
    owners[0, 0] = A
    engine = board(owners, seed=seed, troops=(400,))
    engine.order(A, 0, 400.0)
    engine.run(1)
    for n_ticks in range(1, 10):
        engine.run(1)
        assert engine.tiles[0] == 1 + n_ticks
        assert engine.attacks() == [(A, 0, 400.0 - 16 * n_ticks)]


def test_an_attack_dies_in_the_tick_after_it_ran_out() -> None:
    # 40 troops on plains: 16, 16 and 16 a tile leave -8; nothing returns home.
    owners = np.zeros((1, 30), np.int64)
    owners[0, 0] = A
    engine = board(owners, troops=(40,))
    engine.order(A, 0, 40.0)
    engine.run(4)
    assert engine.tiles[0] == 4
    assert engine.attacks() == [(A, 0, -8.0)]
    home = int(engine.troops[0])
    engine.run(1)
    assert engine.attacks() == []
    assert engine.tiles[0] == 4
    assert engine.troops[0] == grown(home, 4)


def test_an_attack_with_nothing_left_to_take_returns_home_whole() -> None:
    # 5 tiles of neutral land at 16 troops each, then the queue is empty.
    owners = np.zeros((1, 6), np.int64)
    owners[0, 0] = A
    engine = board(owners, troops=(1_000,))
    engine.order(A, 0, 1_000.0)
    engine.run(6)
    assert engine.tiles[0] == 6
    assert engine.attacks() == [(A, 0, 1_000.0 - 5 * 16)]
    # B = 0 now, and with r = 0 the budget of a tick is 0 and the attack waits; it then returns.
    home = int(engine.troops[0])
    while engine.attacks():
        home = int(engine.troops[0])
        engine.run(1)
        assert engine.tick < 30
    assert engine.troops[0] == grown(home, 6) + 920


def test_a_defender_pays_its_troops_per_tile_rounded_down() -> None:
    # One row, B = 1: D = 5,050 on 101 tiles loses floor(50) with the first tile.
    owners = np.full((1, 202), A)
    owners[0, 101:] = B
    engine = board(owners)
    engine.run(49)
    engine.state.troops[1:] = (10_000, 5_050)
    engine.order(A, B, 5_000.0)
    engine.run(1)
    home = int(engine.troops[1])
    per_tile = grown(home, 101) // 101
    engine.run(1)
    assert engine.tiles.tolist() == [102, 100]
    assert engine.troops[1] == grown(home, 101) - per_tile


def test_mountains_fall_after_plains() -> None:
    # Above the row lies plain land, below it mountains: priority (k + 10) * (1 - 1/2 + m / 2) with
    # k <= 6 is at most 16 for plains and at least 15 for mountains (m = 2), so the first tick's
    # tiles are almost surely plains.
    terrain = np.full((3, 40), 128, np.uint8)
    terrain[2] = 128 + 25
    owners = np.zeros((3, 40), np.int64)
    owners[1] = A
    engine = board(owners, terrain=terrain, troops=(500_000,))
    engine.order(A, 0, 400_000.0)
    engine.run(2)
    plains, mountains = (engine.owner[[0, 2]] == A).sum(axis=1)
    assert plains >= 30
    assert mountains < plains


# --- cancelling and merging -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "left"),
    [
        (10_000.0, 4_000.0, [(A, B, 6_000.0)]),  # theirs is larger: it shrinks, ours ends
        (4_000.0, 10_000.0, [(B, A, 6_000.0)]),  # theirs is smaller: it ends, ours shrinks
        (5_000.0, 5_000.0, [(B, A, 0.0)]),  # equal: theirs ends, ours stays with nothing
    ],
)
def test_opposing_attacks_cancel_each_other_and_nothing_returns_home(
    first: float, second: float, left: list[tuple[int, int, float]]
) -> None:
    engine = duel(50_000, 50_000)
    engine.order(A, B, first)
    engine.order(B, A, second)
    engine.run(1)
    assert engine.attacks() == left
    home = grown(50_000, 400)
    assert engine.troops.tolist() == [home - first, home - second]
    check_state(engine)
    if left[0][2] == 0.0:
        engine.run(1)
        assert engine.attacks() == []
        assert engine.tiles.tolist() == [400, 400]


def test_a_second_order_on_the_same_target_absorbs_the_first() -> None:
    engine = duel(50_000, 50_000)
    engine.order(A, B, 5_000.5)
    engine.order(A, B, 3_000.25)
    engine.run(1)
    assert engine.attacks() == [(A, B, 8_000.75)]
    assert engine.troops[0] == grown(50_000, 400) - 5_000 - 3_000
    # Freshly filled: the set holds each of the 20 tiles of B along the front once.
    a = engine.state.slot_of[A, B]
    assert engine.state.attack_border[a] == 20
    check_state(engine)


def test_an_attack_that_absorbs_another_moves_to_the_end_of_the_line() -> None:
    owners = np.full((20, 40), A)
    owners[:, 20:] = B
    owners[8:12, 18:22] = 0
    engine = board(owners, troops=(50_000, 50_000))
    engine.order(A, 0, 10.0)
    engine.order(B, 0, 10.0)
    engine.order(A, 0, 10.0)
    engine.run(1)
    assert engine.attacks() == [(B, 0, 10.0), (A, 0, 20.0)]


def test_attacks_on_different_targets_do_not_merge() -> None:
    owners = np.full((20, 40), A)
    owners[:, 20:] = B
    owners[:3] = 0
    engine = board(owners)
    engine.run(49)
    engine.order(A, B, 100.0)
    engine.order(A, 0, 200.0)
    engine.run(1)
    assert engine.attacks() == [(A, B, 100.0), (A, 0, 200.0)]


# --- retreat --------------------------------------------------------------------------------------


def test_a_retreat_freezes_after_the_next_tick_and_returns_three_quarters_at_plus_21() -> None:
    engine = duel(100_000, 100_000)
    engine.order(A, B, 50_000.0)
    engine.run(3)
    ordered = engine.tick
    engine.retreat(A)
    tiles = [int(engine.tiles[0])]
    homes = []
    for _ in range(21):  # ticks t .. t + 20
        engine.run(1)
        tiles.append(int(engine.tiles[0]))
        homes.append(int(engine.troops[0]))
    assert tiles[0] < tiles[1] < tiles[2]  # it still fights in t and in t + 1
    assert set(tiles[2:]) == {tiles[2]}  # and is frozen from t + 2 on
    (attack,) = engine.attacks()
    assert engine.tick == ordered + 21
    engine.run(1)
    assert engine.attacks() == []
    assert engine.troops[0] == grown(homes[-1], tiles[-1]) + int(attack[2] * 0.75)


def test_a_retreat_from_neutral_land_loses_nothing() -> None:
    owners = np.zeros((60, 60), np.int64)
    owners[30, 30] = A
    engine = board(owners, troops=(50_000,))
    engine.order(A, 0, 20_000.0)
    engine.run(2)
    engine.retreat(A)
    engine.run(21)
    (attack,) = engine.attacks()
    home, tiles = int(engine.troops[0]), int(engine.tiles[0])
    engine.run(1)
    assert engine.attacks() == []
    assert engine.troops[0] == grown(home, tiles) + int(attack[2])


def test_a_new_order_absorbs_a_retreating_attack_and_fights_on() -> None:
    engine = duel(100_000, 100_000)
    engine.order(A, B, 50_000.0)
    engine.run(2)
    engine.retreat(A)
    engine.run(5)
    (frozen,) = engine.attacks()
    tiles = int(engine.tiles[0])
    engine.order(A, B, 1_000.0)
    engine.run(1)
    assert engine.attacks() == [(A, B, frozen[2] + 1_000.0)]
    engine.run(30)
    assert engine.tiles[0] > tiles


def test_a_retreat_of_an_overdrawn_attack_takes_nothing_from_home() -> None:
    # The second tile leaves 20 - 32 = -12 troops just before the freeze; there is nothing to
    # return, and home troops are never negative.
    owners = np.zeros((1, 30), np.int64)
    owners[0, 0] = A
    engine = board(owners, troops=(20,))
    engine.order(A, 0, 20.0)
    engine.run(1)
    engine.retreat(A)
    engine.run(2)
    assert engine.attacks() == [(A, 0, -12.0)]
    for _ in range(25):
        engine.state.troops[A] = 0
        engine.run(1)
        assert engine.troops[0] in (0, 10)  # what grows from nothing in a tick
    assert engine.attacks() == []


def test_a_dead_players_attacks_drain() -> None:
    owners = np.full((20, 40), A)
    owners[:, 20:] = B
    owners[:, :2] = 0
    engine = board(owners)
    engine.run(49)
    engine.order(A, 0, 5_000.0)
    engine.run(1)
    for y, x in np.argwhere(engine.owner == A):
        engine.conquer(B, int(x), int(y))
    assert engine.tiles[0] == 0
    engine.run(10)
    assert engine.attacks() == []
    assert engine.tiles.tolist() == [0, 38 * 20]
    engine.order(A, 0, 100.0)
    engine.run(1)
    assert engine.attacks() == []
    assert rules.NEUTRAL in engine.owner
    check_state(engine)


# --- room -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_players", "edition", "n_slots"),
    [
        (10, 0, 10 * 10 + 10),  # one on each owner but oneself, and room to merge
        (10, 1, 10 * 10 + 10 + 16 * 10),  # and for landings
        (31, 0, 31 * 31 + 31),
        (64, 0, 1_024),
        (128, 1, 1_024),
        (250, 1, 8 * 250),
    ],
)
def test_there_are_slots_for_more_attacks_than_a_crowd_has(
    n_players: int, edition: int, n_slots: int
) -> None:
    plain = load_map("generated:plains:64x64:1")
    assert len(allocate(plain, n_players, 32, edition=edition).attacker) == n_slots


def test_an_attack_without_a_slot_ends_the_match_with_a_sentence() -> None:
    engine = duel(1_000, 50_000)
    engine.state.free_slots[-1] = 0
    engine.order(A, B, 500.0)
    with pytest.raises(MatchError, match=r"their number outgrew the 6 slots at tick 50; please"):
        engine.run(1)
    assert engine.troops[0] >= 1_000  # nobody left
