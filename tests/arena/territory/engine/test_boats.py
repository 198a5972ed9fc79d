"""Boats of edition 2026: when they are refused, how they sail, land, turn back and are lost."""

from __future__ import annotations

import numpy as np
import pytest

from arena.territory.engine.engine import Engine
from arena.territory.engine.state import (
    ALLIED_UNTIL,
    TICK,
)
from arena.territory.maps import TerritoryMap
from tests.arena.territory.engine.engine_checks import (
    board,
    check_state,
)

A, B, C = 1, 2, 3


def strait(rows: int = 6, water: int = 8, troops: int = 60_000) -> Engine:
    """A in the west, B in the east, neutral land south of B; tick 60, so that nobody is immune."""
    width = 12 + water
    owners = np.zeros((rows + 4, width), np.int64)
    owners[:, :6], owners[:rows, -6:] = A, B
    terrain = np.full(owners.shape, 128, np.uint8)
    terrain[:, 6:-6] = 0
    terrain[:, (5, width - 6)] |= 64
    owners[terrain == 0] = 0
    engine = board(owners, terrain=terrain, troops=(troops, troops), edition="2026")
    engine.state.clock[TICK] = 60
    return engine


def home_after(engine: Engine, p: int, ticks: int) -> int:
    """The home troops of p after some ticks in which it only grows."""
    alone = engine.clone(None)
    alone.run(ticks)
    return int(alone.troops[p - 1])


def test_a_boat_leaves_at_once_sails_a_tile_a_tick_and_takes_its_landing_without_loss() -> None:
    engine = strait()
    home = home_after(engine, A, 1)
    engine.boat(A, 16, 2, 12_000.5)  # inland: it lands on the nearest shore tile of the same owner
    engine.run(1)
    boat = engine.boats_at_sea()[0]
    assert boat == (A, 5, 2, (14, 2), B, 12_000.5, False)
    assert engine.troops[A - 1] == home - 12_000
    places = []
    for _ in range(9):
        engine.run(1)
        places.append(engine.boats_at_sea()[0][1:3])
    assert places == [(x, 2) for x in range(6, 15)]
    assert engine.owner[2, 14] == B
    engine.run(1)
    assert engine.owner[2, 14] == A
    assert engine.boats_at_sea() == []
    assert engine.attacks() == [(A, B, 12_000.5)]
    before = engine.tiles.copy()
    engine.run(1)
    assert engine.tiles[A - 1] > before[A - 1]


@pytest.mark.parametrize(
    ("x", "y", "reason"),
    [(2, 2, "its own land"), (9, 2, "no neutral shore within 50"), (15, 2, "an ally")],
)
def test_an_order_is_refused(x: int, y: int, reason: str) -> None:
    engine = strait(rows=6)
    if reason == "no neutral shore within 50":
        engine.paint(np.where(engine.map.land & (engine.owner == 0), B, engine.owner % 255))
    if reason == "an ally":
        engine.state.pacts[[A, B], [B, A], ALLIED_UNTIL] = 5_000
    alone = home_after(engine, A, 1)
    engine.boat(A, x, y, 1_000.0)
    engine.run(1)
    assert engine.boats_at_sea() == []
    assert engine.troops[A - 1] == alone


def test_water_asked_for_means_the_neutral_shore_nearest_to_it() -> None:
    engine = strait()
    engine.boat(A, 12, 5, 1_000.0)
    engine.run(1)
    assert engine.boats_at_sea()[0].landing == (14, 6)
    assert engine.boats_at_sea()[0].target == 0


def test_a_human_may_not_land_on_another_one_before_tick_50() -> None:
    engine = strait()
    engine.state.clock[TICK] = 48
    for expected in (0, 0, 1):  # 48, 49, 50
        engine.boat(A, 14, 2, 100.0)
        engine.run(1)
        assert len(engine.boats_at_sea()) == expected
    engine = strait()
    engine.state.clock[TICK] = 48
    engine.state.kind[B] = 1  # a tribe is never immune
    engine.boat(A, 14, 2, 100.0)
    engine.run(1)
    assert len(engine.boats_at_sea()) == 1


def test_three_boats_are_at_sea_at_most_and_one_that_landed_makes_room() -> None:
    engine = strait()
    for y in (0, 2, 4, 6):
        engine.boat(A, 14, y, 100.0)
    engine.run(1)
    assert [boat.landing for boat in engine.boats_at_sea()] == [(14, 0), (14, 2), (14, 4)]
    engine.run(10)
    assert engine.boats_at_sea() == []
    engine.boat(A, 14, 8, 100.0)
    engine.run(1)
    assert len(engine.boats_at_sea()) == 1


def test_on_land_that_is_its_own_by_then_three_quarters_come_home() -> None:
    engine = strait()
    engine.boat(A, 14, 8, 1_001.0)
    engine.run(10)
    engine.conquer(A, 14, 8)
    lost = engine.clone(None)
    lost.state.boat_troops[0] = 0.0
    engine.run(1)
    lost.run(1)
    assert engine.boats_at_sea() == []
    assert engine.troops[A - 1] - lost.troops[A - 1] == 750
    assert engine.attacks() == []


def test_the_attack_is_on_the_owner_at_the_time_of_the_order() -> None:
    engine = strait()
    engine.boat(A, 14, 8, 5_000.0)  # neutral land
    engine.run(10)
    engine.conquer(B, 14, 8)
    engine.run(1)
    assert engine.owner[8, 14] == A  # it is taken from B all the same
    assert engine.attacks() == [(A, 0, 5_000.0)]
    before = engine.tiles[B - 1]
    engine.run(30)
    assert engine.tiles[B - 1] == before


def test_if_the_target_is_an_ally_on_arrival_all_troops_come_home_and_the_tile_is_kept() -> None:
    engine = strait()
    engine.boat(A, 14, 2, 5_000.0)
    engine.run(10)
    engine.state.pacts[[A, B], [B, A], ALLIED_UNTIL] = 5_000
    lost = engine.clone(None)
    lost.state.boat_troops[0] = 0.0
    engine.run(1)
    lost.run(1)
    assert engine.owner[2, 14] == A
    assert engine.attacks() == []
    assert engine.troops[A - 1] - lost.troops[A - 1] == 5_000


def test_a_boat_ordered_back_turns_two_ticks_later_and_loses_a_quarter() -> None:
    engine = strait()
    engine.boat(A, 14, 2, 1_000.0)
    engine.run(3)
    assert engine.boats_at_sea()[0][1:3] == (7, 2)
    engine.retreat_boats(A)
    engine.run(1)  # the order's tick: it sails on, and so it does in the next
    assert engine.boats_at_sea()[0][1:3] == (8, 2)
    assert engine.boats_at_sea()[0].is_ordered_back
    xs = []
    for _ in range(5):
        engine.run(1)
        xs.append(engine.boats_at_sea()[0].x)
    assert xs == [9, 8, 7, 6, 5]
    assert engine.boats_at_sea()[0].landing == (5, 2)
    lost = engine.clone(None)
    lost.state.boat_troops[0] = 0.0
    engine.run(1)
    lost.run(1)
    assert engine.boats_at_sea() == []
    assert engine.troops[A - 1] - lost.troops[A - 1] == 750


def test_without_a_shore_to_go_back_to_all_troops_are_home() -> None:
    engine = strait()
    engine.boat(A, 14, 2, 1_000.0)
    engine.run(3)
    for y in range(engine.map.height):
        engine.conquer(B, 5, y)  # A keeps land without a coast
    engine.retreat_boats(A)
    engine.run(2)
    lost = engine.clone(None)
    lost.state.boat_troops[0] = 0.0
    engine.run(1)
    lost.run(1)
    assert engine.boats_at_sea() == []
    assert engine.troops[A - 1] - lost.troops[A - 1] == 1_000


def test_the_boats_of_a_player_without_land_are_lost() -> None:
    engine = strait()
    engine.boat(A, 14, 2, 1_000.0)
    engine.boat(B, 5, 9, 1_000.0)
    engine.run(2)
    ours = np.where(engine.owner == A, B, engine.owner % 255)
    for y, x in np.argwhere(engine.owner == A).tolist():
        engine.conquer(int(ours[y, x]), x, y)
    engine.run(1)
    assert [boat.owner for boat in engine.boats_at_sea()] == [B]
    assert engine.state.boats[1:].sum() == 0


# --- several attacks on one target ----------------------------------------------------------------


def test_landings_stand_beside_other_attacks_and_a_later_order_takes_them_all() -> None:
    engine = strait(rows=20)
    engine.state.troops[B] = 500_000
    for y in (2, 10, 18):
        engine.boat(A, 14, y, 4_000.0)
    engine.run(11)
    assert [attack[:2] for attack in engine.attacks()] == [(A, B)] * 3
    assert sum(attack[2] for attack in engine.attacks()) == 12_000.0
    check_state(engine)
    apart = engine.clone(None)
    apart.run(1)
    engine.order(A, B, 7_000.0)
    engine.run(1)
    assert engine.attacks() == [(A, B, sum((a[2] for a in apart.attacks()), 7_000.0))]
    check_state(engine)
    engine.boat(A, 14, 6, 4_000.0)  # a landing absorbs nothing
    engine.run(11)
    assert [attack[:2] for attack in engine.attacks()] == [(A, B)] * len(engine.attacks())
    check_state(engine)


def test_an_order_cancels_opposing_landings_one_after_the_other() -> None:
    engine = strait(rows=20)
    engine.state.troops[B] = 500_000
    for y in (2, 10, 18):
        engine.boat(A, 14, y, 4_000.0)
    engine.run(11)
    first, second, third = (attack[2] for attack in engine.attacks())
    engine.boat(B, 5, 2, 1_000.0)  # at sea nothing is cancelled
    engine.order(B, A, first + second + 100.0)
    # B's order comes after the attacks of the tick
    engine.run(1)
    check_state(engine)
    assert len(engine.attacks()) == 1
    attacker, target, left = engine.attacks()[0]
    assert (attacker, target) == (A, B)
    assert third - 200.0 - 2_000.0 < left < third


def test_an_attack_of_several_can_end_alone() -> None:
    engine = strait(rows=20)
    engine.state.troops[B] = 500_000
    for y, troops in ((2, 4_000.0), (10, 30.0), (18, 4_000.0)):
        engine.boat(A, 14, y, troops)
    engine.run(11)
    assert len(engine.attacks()) == 3
    engine.run(6)  # 30 troops are spent on a tile or two
    assert len(engine.attacks()) == 2
    check_state(engine)
    engine.retreat(A)
    engine.run(25)
    assert engine.attacks() == []
    check_state(engine)


# --- the win, clones, other matches ---------------------------------------------------------------


def isles_map() -> TerritoryMap:
    """Two islands of 60 and 40 % of the land."""
    terrain = np.zeros((24, 44), np.uint8)
    terrain[2:22, 2:20] = terrain[2:22, 28:40] = 128
    inner = np.zeros(terrain.shape, np.bool_)
    inner[3:21, 3:19] = inner[3:21, 29:39] = True
    terrain[(terrain != 0) & ~inner] |= 64
    return TerritoryMap.from_terrain("two isles", terrain)


def test_the_win_takes_four_fifths_of_all_islands_and_boats_bring_it() -> None:
    engine = Engine(isles_map(), 2, seed=1, edition="2026")
    engine.place(A, troops=400_000)
    engine.place(B, troops=2_000)
    owners = np.zeros(engine.map.land.shape, np.int64)
    owners[2:22, 2:20], owners[2:22, 28:40] = A, B
    engine.paint(owners)
    engine.run(60)
    assert not engine.is_over  # all of the larger island is not enough
    while not engine.is_over and engine.tick < 600:
        if not engine.boats_at_sea() and not engine.attacks():
            engine.boat(A, 28, 10, 100_000.0)
        engine.run(1)
    assert engine.is_over
    assert engine.tiles[A - 1] > 0.8 * engine.map.n_land
    assert engine.placements()[engine.seat_of[A - 1]] == 1
