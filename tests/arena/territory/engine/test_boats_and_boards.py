"""Boats in copies, hashes, long ways, whole matches, and boards that are turned or renumbered."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from arena.errors import MatchError
from arena.territory.engine.edition_2026.landings import landings_of_all
from arena.territory.engine.engine import Engine
from arena.territory.engine.rules import MatchRules
from arena.territory.engine.state import (
    BOAT_OWNER,
    BOAT_WAY,
    BOATS_EACH,
    N_ORDERS,
    TICK,
)
from arena.territory.observation.symmetry import renumbered, turned, turned_directions
from tests.arena.territory.engine.engine_checks import (
    board,
    check_state,
    drawn,
    examples,
    random_orders,
    seeds,
)
from tests.arena.territory.engine.test_boats import isles_map, strait
from tests.arena.territory.engine.test_waterways import islands, water_cells

A, B, C = 1, 2, 3


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
