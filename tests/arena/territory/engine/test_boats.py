"""Boats of edition 2026: when they are refused, how they sail, land, turn back and are lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from arena.errors import MatchError
from arena.territory.engine.edition_2026.landings import landings_of_all
from arena.territory.engine.engine import Engine
from arena.territory.engine.rules import MatchRules
from arena.territory.engine.state import (
    ALLIED_UNTIL,
    BOAT_OWNER,
    BOAT_WAY,
    BOATS_EACH,
    N_ORDERS,
    TICK,
)
from arena.territory.maps import TerritoryMap
from arena.territory.observation.symmetry import renumbered, turned, turned_directions
from tests.arena.territory.engine.engine_checks import (
    board,
    check_state,
    drawn,
    examples,
    random_orders,
    seeds,
)
from tests.arena.territory.engine.test_waterways import islands, water_cells

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


def sailing(seed: int = 1) -> Engine:
    """A match with boats at sea, landings and a retreat."""
    engine = strait(rows=20)
    for p, x, y in ((A, 14, 2), (B, 5, 6), (A, 14, 10)):
        engine.boat(p, x, y, 3_000.0)
        engine.run(2)
    engine.retreat_boats(B)
    engine.run(3)
    assert len(engine.boats_at_sea()) == 3
    return engine


def test_a_twin_with_boats_goes_on_as_the_match_does() -> None:
    engine = sailing()
    twin = engine.clone(None)
    for _ in range(12):
        assert twin.state_sha256() == engine.state_sha256()
        engine.run(3)
        twin.run(3)
    other = engine.clone(7, into=twin)
    assert other.boats_at_sea() == engine.boats_at_sea()


def test_the_hash_tells_where_boats_are_and_where_they_go() -> None:
    engine = sailing()
    hashes = {engine.state_sha256()}
    for change in ("tile", "landing", "way", "troops"):
        other = engine.clone(None)
        boat = other.state.boats[0]
        if change == "way":
            other.state.boat_ways[boat[BOAT_WAY], boat[6]] ^= 1
        elif change == "troops":
            other.state.boat_troops[0] += 1.0
        else:
            boat[2 if change == "tile" else 3] += 1
        hashes.add(other.state_sha256())
    assert len(hashes) == 5


def test_edition_2025_has_no_boats() -> None:
    engine = drawn("aa~~bb", "aa~~bb")
    assert engine.boats_at_sea() == []
    with pytest.raises(MatchError, match="edition 2025 has no boats"):
        engine.boat(A, 4, 0, 1.0)
    with pytest.raises(MatchError, match="edition 2025 has no boats"):
        engine.retreat_boats(A)
    with pytest.raises(MatchError, match=r"expected a tile of the 6 x 2 tiles"):
        drawn("aa~~bb", "aa~~bb", edition="2026").boat(A, 6, 0, 1.0)


def test_a_way_longer_than_what_is_kept_is_found_again_on_the_way() -> None:
    """A river that winds through land, 2 tiles wide, longer than twice the sides of the map."""
    size = 42
    terrain = np.full((size, size), 128, np.uint8)
    for y in range(2, size - 4, 4):
        terrain[y : y + 2, 2:-2] = 0
        end = slice(-4, -2) if (y // 4) % 2 else slice(2, 4)
        terrain[y : y + 6, end] = 0
    owners = np.full((size, size), C, np.int64)
    owners[:2, -6:], owners[-2:, -6:] = A, B
    terrain[1, -3] |= 64
    last = int(np.argwhere(terrain[:, 2:-2].min(axis=1) == 0).max())
    xs = np.flatnonzero(terrain[last] == 0)
    landing = (int(xs[0]), last + 1)
    terrain[landing[1], landing[0]] |= 64
    owners[landing[1], landing[0]] = B
    owners[terrain == 0] = 0
    engine = board(owners, terrain=terrain, troops=(60_000,) * 3, edition="2026")
    engine.state.clock[TICK] = 60
    engine.boat(A, *landing, 100.0)
    engine.run(1)
    kept = engine.state.boat_ways.shape[1]
    assert engine.boats_at_sea()[0].landing == landing
    may_be = water_cells(engine) | {(0, size // 2 - 2), (landing[1] // 2, landing[0] // 2)}
    n_ticks = 0
    while engine.boats_at_sea() and n_ticks < 3 * kept:
        boat = engine.boats_at_sea()[0]
        assert (boat.y // 2, boat.x // 2) in may_be
        engine.run(1)
        n_ticks += 1
    assert engine.owner[landing[1], landing[0]] == A
    assert n_ticks > kept + 20


def check_boats(engine: Engine) -> None:
    """Boats fill the first rows, sail on the map, three for each living player, on ways apart."""
    boats = engine.state.boats
    n = int(np.count_nonzero(boats[:, BOAT_OWNER]))
    assert (boats[:n, BOAT_OWNER] > 0).all()
    assert not boats[n:].any()
    assert not engine.state.boat_troops[n:].any()
    assert len(set(boats[:n, BOAT_WAY].tolist())) == n
    assert np.bincount(boats[:n, BOAT_OWNER], minlength=5).max() <= BOATS_EACH
    for boat in engine.boats_at_sea():
        assert 0 <= boat.x < engine.map.width
        assert 0 <= boat.y < engine.map.height
        x, y = boat.landing
        assert engine.map.land[y, x]


@given(seed=seeds)
@examples(25)
def test_nothing_that_is_counted_goes_wrong_in_matches_of_nonsense(seed: int) -> None:
    engine = islands(seed)
    rng = np.random.default_rng([seed, 10])
    stay = engine.clone(None)
    for _ in range(25):
        orders = random_orders(engine, rng)
        for p in range(1, 5):
            x, y = int(rng.integers(engine.map.width)), int(rng.integers(engine.map.height))
            share = rng.choice([0.0, 0.01, 0.3, 1.0])
            troops = float(engine.troops[p - 1]) * share
            backs = rng.random() < 0.1
            for each in (engine, stay):
                if backs:
                    each.retreat_boats(p)
                else:
                    each.boat(p, x, y, troops)
        for p, target, troops in orders:
            for each in (engine, stay):
                if target < 0:
                    each.retreat(p)
                else:
                    each.order(p, target, troops)
        n = int(rng.integers(1, 9))
        engine.run(n)
        stay.run(n)
        check_boats(engine)
    check_state(engine)
    assert engine.state_sha256() == stay.state_sha256()
    assert engine.state.clock[N_ORDERS] == 0


def test_a_league_match_of_2026_begins_without_boats() -> None:
    engine = Engine.new_match(isles_map(), MatchRules(n_seats=2, edition="2026"), 3)
    engine.run(20)
    assert engine.boats_at_sea() == []


# --- the same board turned, or with other numbers -------------------------------------------------


def compass() -> Engine:
    """Four islands around one, 32 x 32, boats on the way between them."""
    terrain = np.zeros((32, 32), np.uint8)
    owners = np.zeros(terrain.shape, np.int64)
    for p, (x, y) in enumerate(((12, 12), (14, 2), (24, 10), (2, 24), (4, 4)), start=1):
        terrain[y : y + 6, x : x + 6] = 192
        owners[y : y + 6, x : x + 6] = p
    troops = (90_000, 80_000, 70_000, 60_000, 50_000)
    engine = board(owners, terrain=terrain, troops=troops, edition="2026")
    engine.state.clock[TICK] = 60
    for p, x, y in ((1, 14, 7), (2, 15, 12), (3, 17, 13), (4, 12, 16)):
        engine.boat(p, x, y, 1_000.0)
        engine.run(1)
    assert len(engine.boats_at_sea()) == 4
    return engine


def landing_owners(engine: Engine, p: int) -> list[int]:
    """Who has the best landing in each direction, -1 for none."""
    tiles = np.zeros((engine.n_players + 1, 8), np.int64)
    landings_of_all(engine.state, tiles)
    return [int(engine.state.owner[tile]) if tile >= 0 else -1 for tile in tiles[p]]


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_turning_a_board_turns_its_boats_and_landings(quarters: int, mirrored: bool) -> None:
    engine = compass()
    other = turned(engine, quarters, mirrored=mirrored)
    place = np.arange(32 * 32).reshape(32, 32)
    place = np.rot90(np.fliplr(place) if mirrored else place, -quarters)
    for boat, turned_boat in zip(engine.boats_at_sea(), other.boats_at_sea(), strict=True):
        assert place[turned_boat.y, turned_boat.x] == boat.y * 32 + boat.x
        x, y = turned_boat.landing
        assert place[y, x] == boat.landing[1] * 32 + boat.landing[0]
    directions = turned_directions(quarters, mirrored)
    for p in range(1, 6):
        there = np.array(landing_owners(other, p))[directions]
        assert there.tolist() == landing_owners(engine, p), p
    assert landing_owners(engine, 1) == [2, 2, 3, -1, -1, 4, -1, 5]


def test_other_numbers_are_those_of_boats_too() -> None:
    engine = compass()
    number_of = np.array([0, 3, 1, 5, 2, 4])
    other = renumbered(engine, number_of)
    for boat, renamed in zip(engine.boats_at_sea(), other.boats_at_sea(), strict=True):
        assert renamed.owner == number_of[boat.owner]
        assert renamed.target == number_of[boat.target]
        assert renamed[1:4] == boat[1:4]
    for p in range(1, 6):
        owners = [int(number_of[q]) if q >= 0 else -1 for q in landing_owners(engine, p)]
        assert landing_owners(other, int(number_of[p])) == owners
