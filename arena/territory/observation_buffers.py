"""The buffers an observation is written to, and the working memory it is computed in.

`empty_views` and `empty_facts` make what a caller keeps for its seats; `make_scratch` makes what a
match needs once, with the parts of the views that never change on its map.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from arena.territory import rules
from arena.territory.state import CELL, GRID, TERRAIN_BITS, State
from arena.territory.views import N_SCALARS, Views

_WATER = rules.WATER


class SeatViews(NamedTuple):
    """Buffers of n rows, one per observed seat; `empty_views` makes them."""

    global_: NDArray[np.uint8]  # [n, C, G, G]
    local: NDArray[np.uint8]  # [n, C, L, L]
    tactical: NDArray[np.uint8]  # [n, C, T, T]
    scalars: NDArray[np.float32]  # [n, F]


class Facts(NamedTuple):
    """Public facts for agents that do not look at images; n rows."""

    mask: NDArray[np.int8]  # [n, 45]
    own: NDArray[np.int64]  # [n, 6]: tick, max_ticks, tiles, home troops, cap, living seats
    # [n, 8, 7] per direction: target (owner id, 0 neutral, -1 none), contact, its tiles, its home
    # troops, its attack on me, my attack on it, others' attacks on it
    direction: NDArray[np.int64]


class Scratch(NamedTuple):
    """Working memory of `observe`, one per match."""

    packed: NDArray[np.uint64]  # [256] eight channels of each owner byte
    heat_of: NDArray[np.float64]  # [256] how hot a front with this owner is
    heat: NDArray[np.float64]  # [blocks of the tactical lattice]
    out_troops: NDArray[np.float64]  # [P + 1] troops in running attacks
    in_troops: NDArray[np.float64]  # [P + 1] troops attacking the player
    origin: NDArray[np.int64]  # [P + 1, 4] local x, y, tactical x, y of the windows' corners
    row_of: NDArray[np.int64]  # [P + 1] row of each player, -1 when not observed
    line: NDArray[np.uint64]  # [cells per side of the largest view] packed words of one row
    weight_of: NDArray[np.uint64]  # [tiles per cell + 1] 256 * tiles / tiles per cell
    cell_barrier: NDArray[np.uint8]  # [GRID, GRID] share of water / 2 + off-map
    cell_terrain: NDArray[np.uint8]  # [GRID, GRID]
    pair_terrain: NDArray[np.uint8]  # [ceil(height / 2), ceil(width / 2)] of 2 x 2 tiles
    tile_terrain: NDArray[np.uint8]  # [height, width]


def empty_views(n: int, views: Views) -> SeatViews:
    """Zeroed buffers for n rows."""
    shapes = views.shapes()
    return SeatViews(
        np.zeros((n, *shapes["global"]), np.uint8),
        np.zeros((n, *shapes["local"]), np.uint8),
        np.zeros((n, *shapes["tactical"]), np.uint8),
        np.zeros((n, N_SCALARS), np.float32),
    )


def empty_facts(n: int) -> Facts:
    """Zeroed facts for n rows."""
    return Facts(
        np.zeros((n, rules.N_ACTIONS), np.int8),
        np.zeros((n, 6), np.int64),
        np.zeros((n, 8, 7), np.int64),
    )


def make_scratch(state: State, views: Views) -> Scratch:
    """Working memory for matches in this state's map; holds the static parts of the global view."""
    width, height, stride, _ = (int(v) for v in state.shape)
    grid = int(state.clock[GRID])
    if grid != views.global_size:
        raise ValueError(f"The match keeps a pyramid of {grid} cells, not {views.global_size}.")
    cell = int(state.clock[CELL])
    framed = state.owner.reshape(height + 2, stride)[1:-1, 1:-1]
    water = framed == _WATER
    terrain = (state.flags & TERRAIN_BITS).reshape(height + 2, stride)[1:-1, 1:-1]
    tile_terrain = np.where(water, 0, 85 * (terrain.astype(np.int64) + 1))
    barrier = np.where(water, 128, 0)
    block = views.tactical_size // 2
    n_players = len(state.tiles) - 1
    return Scratch(
        packed=np.zeros(256, np.uint64),
        heat_of=np.zeros(256),
        heat=np.zeros((width // block + 1) * (height // block + 1)),
        out_troops=np.zeros(n_players + 1),
        in_troops=np.zeros(n_players + 1),
        origin=np.zeros((n_players + 1, 4), np.int64),
        row_of=np.full(n_players + 1, -1, np.int64),
        line=np.zeros(max(views.to_json().values()), np.uint64),
        weight_of=(np.arange(cell * cell + 1) * 256 // (cell * cell)).astype(np.uint64),
        cell_barrier=_pool(barrier, cell, (grid, grid), 255),
        cell_terrain=_pool(tile_terrain, cell, (grid, grid), 0),
        pair_terrain=_pool(tile_terrain, 2, (-(-height // 2), -(-width // 2)), 0),
        tile_terrain=tile_terrain.astype(np.uint8),
    )


def _pool(
    values: NDArray[np.int64], cell: int, shape: tuple[int, int], outside: int
) -> NDArray[np.uint8]:
    """Means over cells of a map padded with `outside`; uint8 of the given shape."""
    padded = np.full((shape[0] * cell, shape[1] * cell), outside, np.int64)
    padded[: values.shape[0], : values.shape[1]] = values
    sums = padded.reshape(shape[0], cell, shape[1], cell).sum(axis=(1, 3))
    return (sums // (cell * cell)).astype(np.uint8)
