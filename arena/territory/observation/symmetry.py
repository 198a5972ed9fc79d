"""Equivalent positions: with other owner numbers, rotated, or reached in another order.

What a seat sees is a function of the board and of the seat ("Symmetries" in docs/observation.md).
These functions make the positions to compare. Each returns a new engine for `observe` and
`observe_facts` only: the match must not be continued in it, because the attacks' queues and the
bots' memories remain those of the original.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from arena.errors import MatchError
from arena.territory.engine.engine import Engine, IntArray
from arena.territory.engine.state import (
    BOAT_LANDING,
    BOAT_OWNER,
    BOAT_TARGET,
    BOAT_TILE,
    CELL,
    EVENT_MASK,
    EVENT_RING,
    GRID,
    MAP_ALONE,
    N_ATTACKS,
    N_EVENTS,
    STRUCTURE_OWNER,
    STRUCTURE_TILE,
    State,
)
from arena.territory.maps import TerritoryMap
from arena.territory.observation.views import N_NEIGHBOUR_MEMBERSHIP

_Item = TypeVar("_Item", bound=np.generic)

_ON_NO_BORDER = -2
_BY_PLAYER = (
    *("border_head", "border_tail", "border_size", "contact", "kind", "cap_divisor", "cap_factor"),
    *("growth_factor", "tiles", "playable_tiles", "tiles_before", "tiles_at_death", "troops"),
    *("eliminated_tick", "last_change", "last_cluster_check", "streams", "bot_clock", "bot_ratio"),
    "habits",
    "ledger",
)
_BY_PAIR_2026 = ("pacts", "relations")


def copied(engine: Engine) -> Engine:
    """Return a copy of the position, independent of the match."""
    return _copied_to(engine, engine.whole_map)


def renumbered(engine: Engine, number_of: IntArray) -> Engine:
    """Return the same board with other owner numbers; every seat keeps its land.

    Args:
        number_of: int64[P + 1], the new number of each owner: a permutation of 0..P with 0 (neutral
            land) at 0.
    """
    copy = copied(engine)
    old, new = engine.state, copy.state
    owners = np.arange(256, dtype=np.uint8)
    owners[: len(number_of)] = number_of
    for name in _BY_PLAYER:
        getattr(new, name)[number_of] = getattr(old, name)
    contact = new.contact.copy()
    new.contact[:, :, number_of] = contact[:, :, : len(number_of)]
    new.slot_of[np.ix_(number_of, number_of)] = old.slot_of
    new.dealings[np.ix_(number_of, number_of)] = old.dealings
    new.past[:, number_of] = old.past
    for name in _BY_PAIR_2026:
        if len(getattr(old, name)):
            getattr(new, name)[np.ix_(number_of, number_of)] = getattr(old, name)
    new.structures[:, STRUCTURE_OWNER] = owners[old.structures[:, STRUCTURE_OWNER]]
    new.cell_counts[:, number_of] = old.cell_counts
    for values in (new.owner, new.cell_uniform, new.event_owners):
        values[...] = owners[values]
    for numbers in (new.attacker, new.target, new.boats[:, BOAT_OWNER], new.boats[:, BOAT_TARGET]):
        numbers[...] = owners[numbers]
    copy.seat_of[number_of[1:] - 1] = engine.seat_of
    copy.spawn_of[...] = np.argsort(copy.seat_of)
    return copy


def reordered(engine: Engine, rng: Generator) -> Engine:
    """Return the same board with another history.

    Tiles joined the borders in a random order, attacks were ordered in a random order, and the
    changes within each tick happened in a random order.
    """
    copy = copied(engine)
    s = copy.state
    for p in range(1, engine.n_players + 1):
        tiles = border_of(s, p)
        if len(tiles):
            rng.shuffle(tiles)
            s.border_head[p], s.border_tail[p] = tiles[0], tiles[-1]
            s.border_prev[tiles] = np.concatenate([[-1], tiles[:-1]])
            s.border_next[tiles] = np.concatenate([tiles[1:], [-1]])
    rng.shuffle(s.attack_list[: int(s.clock[N_ATTACKS])])
    newest = int(s.clock[N_EVENTS])
    at = np.arange(max(0, newest - EVENT_RING), newest) & EVENT_MASK
    order = at[np.lexsort((rng.random(len(at)), s.event_tick[at]))]
    for values in (s.event_at, s.event_owners, s.event_tick):
        values[at] = values[order]
    return copy


def turned(engine: Engine, quarters: int, *, mirrored: bool = False) -> Engine:
    """Return the position rotated clockwise, after mirroring it west to east if asked.

    Args:
        quarters: rotations by 90 degrees.
        mirrored: mirror the position first.

    Raises:
        MatchError: the map is not a square that the cells of the global view fill.
    """
    side, grid = engine.map.width, int(engine.state.clock[GRID])
    if side != engine.map.height or side != grid * int(engine.state.clock[CELL]):
        raise MatchError(
            f"expected a square map that {grid} x {grid} cells fill, found {side} x "
            f"{engine.map.height} tiles"
        )
    terrain = _turned_grid(engine.whole_map.terrain, quarters, mirrored)
    copy = _copied_to(engine, TerritoryMap.from_terrain(engine.map.name, terrain))
    old, new = engine.state, copy.state
    # from_new[t]: the tile that is now t; to_new: its inverse
    framed = np.arange(len(old.owner)).reshape(side + 2, side + 2)
    from_new = _turned_grid(framed, quarters, mirrored).reshape(-1)
    to_new = np.argsort(from_new)
    for name in ("owner", "flags"):
        getattr(new, name)[...] = getattr(old, name)[from_new]
    for name in ("border_prev", "border_next"):
        links = getattr(old, name)[from_new]
        links[old.border_prev[from_new] == _ON_NO_BORDER] = _ON_NO_BORDER
        getattr(new, name)[...] = np.where(links >= 0, to_new[links], links)
    new.structures[:, STRUCTURE_TILE] = to_new[old.structures[:, STRUCTURE_TILE]]
    for name in ("border_head", "border_tail"):
        ends = getattr(old, name)
        getattr(new, name)[...] = np.where(ends >= 0, to_new[ends], ends)
    directions = turned_directions(quarters, mirrored)
    new.contact[:, directions] = old.contact
    for column in (BOAT_TILE, BOAT_LANDING):
        new.boats[:, column] = to_new[old.boats[:, column]]
    new.boat_ways[...] = directions[old.boat_ways]
    cells = _turned_grid(np.arange(grid * grid).reshape(grid, grid), quarters, mirrored)
    for name in ("cell_counts", "cell_uniform"):
        getattr(new, name)[...] = getattr(old, name)[cells.reshape(-1)]
    for first, extent in ((0, grid), (2, side)):
        place = np.arange(extent * extent).reshape(extent, extent)
        to_place = np.argsort(_turned_grid(place, quarters, mirrored).reshape(-1))
        x, y = old.event_at[:, first], old.event_at[:, first + 1]
        new.event_at[:, first + 1], new.event_at[:, first] = np.divmod(
            to_place[y * extent + x], extent
        )
    return copy


def turned_directions(quarters: int, mirrored: bool = False) -> IntArray:
    """Return int64[8]: what N, NE, .. NW become under `turned`."""
    directions = np.arange(8, dtype=np.int64)
    return ((-directions if mirrored else directions) + 2 * quarters) % 8


def neighbours_by_direction(neighbours: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each direction's neighbour, zeros where it has no target: float32[n, 8, W].

    The directions of one neighbour show the same row. Rotating a board permutes these rows, and
    their columns of membership.
    """
    membership = neighbours[:, :, :N_NEIGHBOUR_MEMBERSHIP]
    rows: NDArray[np.float32] = membership.swapaxes(1, 2) @ neighbours
    return rows


def border_of(state: State, p: int) -> NDArray[np.int32]:
    """Return p's border tiles in the order in which they joined, int32[n]."""
    tiles = []
    tile = int(state.border_head[p])
    while tile >= 0:
        tiles.append(tile)
        tile = int(state.border_next[tile])
    return np.array(tiles, np.int32)


def _copied_to(engine: Engine, territory: TerritoryMap) -> Engine:
    grid = int(engine.state.clock[GRID])
    edition = engine.edition.name
    copy = Engine(territory, engine.n_players, seed=engine.seed, grid=grid, edition=edition)
    copy.max_ticks = engine.max_ticks
    copy.seat_of, copy.spawn_of = engine.seat_of.copy(), engine.spawn_of.copy()
    copy.illegal = engine.illegal.copy()
    for name in State._fields:
        if name not in MAP_ALONE:
            getattr(copy.state, name)[...] = getattr(engine.state, name)
    return copy


def _turned_grid(values: NDArray[_Item], quarters: int, mirrored: bool) -> NDArray[_Item]:
    return np.ascontiguousarray(np.rot90(np.fliplr(values) if mirrored else values, -quarters))
