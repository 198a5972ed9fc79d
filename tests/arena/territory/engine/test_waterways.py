"""Water ways and what lies across the water, against plain searches over the same half-size map."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray

from arena.territory.engine.compiled import compiled
from arena.territory.engine.edition_2026.boats import landing_of
from arena.territory.engine.edition_2026.coasts import waterways_of
from arena.territory.engine.edition_2026.landings import landings_of_all
from arena.territory.engine.edition_2026.waterways import ways_to
from arena.territory.engine.engine import Engine
from arena.territory.engine.state import (
    BODY,
    COAST,
    COAST_ACROSS,
    COAST_CROSSING,
    COAST_TILE,
    State,
)
from arena.territory.maps import TerritoryMap
from tests.arena.territory.engine.engine_checks import OFFSETS, drawn, examples, seeds

Cell = tuple[int, int]


def way(s: State, p: int, tile: int, homewards: bool) -> tuple[int, int]:
    """The shore tile of p at one end of the shortest way to a tile, and the way's steps."""
    found = np.zeros((1, 2), np.int64)
    ways_to(s, p, np.array([tile]), homewards, found)
    return int(found[0, 0]), int(found[0, 1])


@compiled()
def landing(s: State, p: int, tile: int) -> int:
    return landing_of(s, p, tile)


def islands(seed: int) -> Engine:
    """Four players in scattered rectangles of land, on water with some impassable land."""
    rng = np.random.default_rng([seed, 7])
    height, width = (int(n) for n in rng.integers(9, 30, 2))
    terrain = np.zeros((height, width), np.uint8)
    owners = np.zeros((height, width), np.int64)
    for _ in range(int(rng.integers(3, 9))):
        y, x = int(rng.integers(0, height)), int(rng.integers(0, width))
        rows, columns = (int(n) for n in rng.integers(1, 9, 2))
        terrain[y : y + rows, x : x + columns] = 159 if rng.random() < 0.1 else 128
        owners[y : y + rows, x : x + columns] = int(rng.integers(0, 5))
    terrain[0, 0] = 128
    land = terrain != 0
    beside = np.zeros(land.shape, np.bool_)
    beside[1:] |= ~land[:-1]
    beside[:-1] |= ~land[1:]
    beside[:, 1:] |= ~land[:, :-1]
    beside[:, :-1] |= ~land[:, 1:]
    terrain[land & beside] |= 64
    engine = Engine(TerritoryMap.from_terrain("isles", terrain), 4, seed=seed, edition="2026")
    engine.never_end()
    for p in range(1, 5):
        engine.place(p)
    owners[~engine.map.land] = 0
    engine.paint(owners)
    return engine


# --- plain searches -------------------------------------------------------------------------------


def water_cells(engine: Engine) -> set[Cell]:
    land = engine.whole_map.land
    return {(y // 2, x // 2) for y, x in np.argwhere(~land).tolist()}


def neighbours(cell: Cell) -> list[Cell]:
    y, x = cell
    return [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]


def shore_tiles(engine: Engine, p: int) -> list[tuple[int, int]]:
    """The shore tiles of a player as (y, x); p = 0 for neutral land."""
    is_shore = engine.map.land & ((engine.map.terrain & 64) != 0)
    return [(int(y), int(x)) for y, x in np.argwhere(is_shore & (engine.owner == p))]


def entries(cell: Cell, water: set[Cell]) -> list[Cell]:
    """The cells of water that a shore tile in `cell` gives on to."""
    return [cell] if cell in water else [each for each in neighbours(cell) if each in water]


def slow_distance(engine: Engine, p: int, tile: tuple[int, int]) -> int | None:
    """How many cells of water lie between a shore tile and the nearest shore tile of p."""
    water = water_cells(engine)
    first = entries((tile[0] // 2, tile[1] // 2), water)
    distance = dict.fromkeys(first, 1)
    goals = {c for y, x in shore_tiles(engine, p) for c in entries((y // 2, x // 2), water)}
    waiting = deque(first)
    while waiting:
        cell = waiting.popleft()
        if cell in goals:
            return distance[cell]
        for each in neighbours(cell):
            if each in water and each not in distance:
                distance[each] = distance[cell] + 1
                waiting.append(each)
    return None


def walked(engine: Engine, start: int, n_steps: int) -> list[tuple[int, int]]:
    """The tiles (y, x) of the way in row 0, from framed tile `start`."""
    s = engine.state
    stride = int(s.shape[2])
    tiles = [start]
    for d in s.boat_ways[0, :n_steps]:
        tiles.append(tiles[-1] + int(s.offsets[d]))
    return [(tile // stride - 1, tile % stride - 1) for tile in tiles]


def framed(engine: Engine, tile: tuple[int, int]) -> int:
    return (tile[0] + 1) * int(engine.state.shape[2]) + tile[1] + 1


def cells_of(tiles: list[tuple[int, int]]) -> list[Cell]:
    """The cells that a walk passes through, each once as long as it stays in it."""
    cells: list[Cell] = []
    for y, x in tiles:
        if not cells or cells[-1] != (y // 2, x // 2):
            cells.append((y // 2, x // 2))
    return cells


@given(seed=seeds)
@examples(60)
def test_a_way_is_the_shortest_by_water_and_leads_to_the_landing(seed: int) -> None:
    engine = islands(seed)
    water = water_cells(engine)
    rng = np.random.default_rng([seed, 8])
    for p in range(1, 5):
        others = [t for q in range(5) if q != p for t in shore_tiles(engine, q)]
        if not others:
            continue
        tile = others[int(rng.integers(len(others)))]
        expected = slow_distance(engine, p, tile)
        for homewards in (False, True):
            shore, n_steps = way(engine.state, p, framed(engine, tile), homewards)
            assert (shore >= 0) == (expected is not None)
            if expected is None:
                continue
            start = framed(engine, tile) if homewards else shore
            tiles = walked(engine, start, n_steps)
            own, other = (tiles[-1], tiles[0]) if homewards else (tiles[0], tiles[-1])
            assert other == tile
            assert own in shore_tiles(engine, p)
            cells = cells_of(tiles)
            assert sum(cell in water for cell in cells) == expected
            assert all(cell in water for cell in cells[1:-1])  # the ends may be of land alone
            steps = np.abs(np.diff(np.array(tiles), axis=0))
            assert (steps.max(axis=1) == 1).all()
            assert (steps[1:-1].sum(axis=1) == 1).all()  # aslant at most at the ends


@given(seed=seeds)
@examples(60)
def test_a_landing_is_the_nearest_shore_tile_of_the_owner_with_a_way(seed: int) -> None:
    engine = islands(seed)
    engine.state.clock[0] = 60  # nobody is immune
    rng = np.random.default_rng([seed, 9])
    for _ in range(6):
        p = int(rng.integers(1, 5))
        y, x = int(rng.integers(engine.map.height)), int(rng.integers(engine.map.width))
        q = int(engine.owner[y, x]) % 255
        found = landing(engine.state, p, framed(engine, (y, x)))
        at = {abs(v - y) + abs(u - x): (v, u) for v, u in shore_tiles(engine, q)}
        nearest = min(at, default=51)
        if q == p or engine.tiles[p - 1] == 0 or nearest > 50:
            assert found == -1
        elif found >= 0:
            stride = int(engine.state.shape[2])
            v, u = found // stride - 1, found % stride - 1
            assert abs(v - y) + abs(u - x) == nearest
            assert (v, u) in shore_tiles(engine, q)
            assert slow_distance(engine, p, (v, u)) is not None
        else:  # every one as near is out of reach, or one of them is and was chosen
            tied = [t for t in shore_tiles(engine, q) if abs(t[0] - y) + abs(t[1] - x) == nearest]
            assert any(slow_distance(engine, p, tile) is None for tile in tied)


@given(seed=seeds)
@examples(40)
def test_what_lies_across_is_what_a_walk_over_the_water_meets(seed: int) -> None:
    engine = islands(seed)
    water, s = water_cells(engine), engine.state
    columns = (engine.map.width + 1) // 2 + 2
    bodies = s.water[BODY].reshape(-1, columns)
    coasts = s.water[COAST].reshape(-1, columns)
    all_water = {
        (y, x)
        for y, x in water
        if not engine.whole_map.land[2 * y : 2 * y + 2, 2 * x : 2 * x + 2].any()
    }
    for cy, cx in np.argwhere(coasts >= 0).tolist():
        row = s.coasts[coasts[cy, cx]]
        tile = divmod(int(row[COAST_TILE]), int(s.shape[2]))
        assert ((tile[0] - 1) // 2 + 1, (tile[1] - 1) // 2 + 1) == (cy, cx)
        for d, (dx, dy) in enumerate(OFFSETS):
            y, x = cy - 1 + dy, cx - 1 + dx
            body = bodies[cy, cx] or bodies[cy + dy, cx + dx]
            n, met = 1, -1
            while (y, x) in all_water and bodies[y + 1, x + 1] == body:
                y, x, n = y + dy, x + dx, n + 1
            inside = 0 <= y < bodies.shape[0] - 2 and 0 <= x < columns - 2
            if inside and (y, x) not in all_water and body:
                around = {(y, x), *neighbours((y, x))}
                back = {(cy - 1, cx - 1), *neighbours((cy - 1, cx - 1))}
                if all(
                    any(c in water and bodies[c[0] + 1, c[1] + 1] == body for c in each)
                    for each in (around, back)
                ):
                    met = int(coasts[y + 1, x + 1])
            assert row[COAST_ACROSS + d] == met, (cy, cx, d)
            if met >= 0:
                assert row[COAST_CROSSING + d] == 2 * n


def best(engine: Engine, p: int) -> list[tuple[int, int] | None]:
    """The landing of each direction as (x, y)."""
    tiles = np.zeros((engine.n_players + 1, 8), np.int64)
    landings_of_all(engine.state, tiles)
    stride = int(engine.state.shape[2])
    return [(int(t) % stride - 1, int(t) // stride - 1) if t >= 0 else None for t in tiles[p]]


def test_land_that_cannot_be_attacked_from_ones_own_is_preferred_and_then_the_shortest_way() -> (
    None
):
    engine = drawn(
        "aaabbb~~~~~~",
        "AAAbbb~~~~~~",
        "aaabbb~~~~~~",
        "~~~~~~~~~~~~",
        "bb~~~~~~~~~~",
        "bb~~cc~~~~~~",
        "~~~~cc~~~~~~",
        "~~~~~~~~~~~~",
        "cc~~~~~~~~~~",
        "cc~~~~~~~~~~",
        edition="2026",
    )
    engine.state.clock[0] = 60
    for x, y in ((0, 8), (1, 8), (0, 9), (1, 9)):
        engine.conquer(0, x, y)
    # to the south lies land of B, whom A touches, two tiles off; C's lies to the south-east
    north, _, _, south_east, south = best(engine, 1)[:5]
    assert north is None
    assert south_east == (4, 5)
    assert south == (0, 4)
    engine.conquer(3, 0, 4)  # whom A does not touch
    assert best(engine, 1)[4] == (0, 4)
    for x, y in ((0, 4), (1, 4), (0, 5), (1, 5)):
        engine.conquer(1, x, y)
    assert best(engine, 1)[4] == (0, 8)  # neutral land where A has no coast
    engine.conquer(1, 0, 8)
    assert best(engine, 1)[4] is None


def test_of_equal_crossings_neutral_land_comes_first_and_then_the_weaker_player() -> None:
    engine = drawn("aa~~bb", "aa~~bb", "aa~~cc", "aa~~cc", "aa~~cc", edition="2026")
    engine.state.clock[0] = 60
    for weaker, landing in ((2, (4, 0)), (3, (4, 2))):
        engine.state.troops[2:4] = 50_000
        engine.state.troops[weaker] = 40_000
        assert best(engine, 1)[2] == landing
    engine.conquer(0, 4, 4)
    assert best(engine, 1)[2] == (4, 4)


def test_nothing_is_found_without_troops_or_with_three_boats() -> None:
    engine = drawn("aa~~bb", "aa~~bb", edition="2026")
    engine.state.clock[0] = 60
    assert best(engine, 1)[2] == (4, 0)
    engine.state.troops[1] = 4
    assert best(engine, 1)[2] is None
    engine.state.troops[1] = 60_000
    for _ in range(3):
        engine.boat(1, 4, 0, 10.0)
    engine.run(1)
    assert len(engine.boats_at_sea()) == 3
    assert best(engine, 1)[2] is None
    assert best(engine, 2)[6] is not None


def test_the_water_of_a_map_is_found_once_and_shared_by_matches_and_clones() -> None:
    engine = drawn("aa~~bb", "aa~~bb", edition="2026")
    other = Engine(engine.whole_map, 2, seed=2, grid=16, edition="2026")
    assert other.state.water is engine.state.water
    assert engine.clone(None).state.coasts is engine.state.coasts
    again = waterways_of(engine.whole_map, engine.map)
    assert again.water is engine.state.water
    assert engine.clone(3, into=other).state.water is again.water


@pytest.mark.parametrize("edition", ["2025"])
def test_a_match_without_boats_holds_no_water(edition: str) -> None:
    engine = drawn("aa~~bb", "aa~~bb", edition=edition)
    sizes: list[NDArray[np.generic]] = [engine.state.water, engine.state.coasts, engine.state.boats]
    assert [each.size for each in sizes] == [0, 0, 0]
