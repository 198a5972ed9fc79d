"""The buffers that observations are written to, and the working memory they are computed in.

`empty_views` and `empty_facts` make what a caller keeps for its seats; `make_scratch` makes what a
match needs once, with the parts of the views that never change on its map.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from arena.territory.engine import rules
from arena.territory.engine.by_reference import by_reference
from arena.territory.engine.state import CELL, EDITION, GRID, TERRAIN_BITS, State
from arena.territory.observation.views import Views

_WATER = rules.WATER


@by_reference
class SeatViews(NamedTuple):
    """Buffers of n rows, one per observed seat; `empty_views` makes them."""

    global_: NDArray[np.uint8]  # [n, C, G, G]
    local: NDArray[np.uint8]  # [n, C, L, L]
    tactical: NDArray[np.uint8]  # [n, C, T, T]
    scalars: NDArray[np.float32]  # [n, F]
    neighbours: NDArray[np.float32]  # [n, 8, W], one per direction; W = 0 in version 1
    landings: NDArray[np.float32]  # [n, 8, L], one per direction; L = 0 before version 3


@by_reference
class Facts(NamedTuple):
    """Public facts for agents that do not use images; n rows."""

    mask: NDArray[np.int8]  # [n, actions]
    # [n, 6]: tick, max_ticks, tiles, home troops, cap, living seats; [n, 15] in edition 2026
    # (agent.py names the columns)
    own: NDArray[np.int64]
    # [n, 8, 7] per direction: target (owner id, 0 neutral, -1 none), contact, its tiles, its home
    # troops, its attack on me, my attack on it, others' attacks on it; [n, 8, 17] in edition 2026
    direction: NDArray[np.int64]


@by_reference
class Scratch(NamedTuple):
    """Working memory of `observe`, one per match."""

    # by owner byte, as one player sees it
    packed: NDArray[np.uint64]  # [256] eight channels
    shades: NDArray[np.uint32]  # [256] the upper four of them
    heat_of: NDArray[np.float64]  # [256] how hot a front with this owner is
    # by player
    out_troops: NDArray[np.float64]  # [P + 1] troops in running attacks
    in_troops: NDArray[np.float64]  # [P + 1] troops attacking the player
    origin: NDArray[np.int64]  # [P + 1, 4] local x, y, tactical x, y of the windows' corners
    row_of: NDArray[np.int64]  # [P + 1] row of each player, -1 when not observed
    # of one row of a view
    owners: NDArray[np.uint8]  # [cells per side of the largest view]
    ground: NDArray[np.uint8]  # the same: flags of tiles
    words: NDArray[np.uint32]  # the same
    heat: NDArray[np.float64]  # [blocks of the tactical lattice]
    # for following the engine's changes
    seen_events: NDArray[np.int64]  # [1] number of tile changes that the next arrays include
    pair_owner: NDArray[np.uint8]  # [ceil(height / 2), ceil(width / 2)] owner of 2 x 2 tiles, MIXED
    mixed_cells: NDArray[np.int32]  # [GRID * GRID + 1] cells of several owners, in order
    mixed_start: NDArray[np.int32]  # [GRID * GRID + 1] where the owners of each begin
    mixed_owner: NDArray[np.uint8]  # [owners of mixed cells]
    mixed_weight: NDArray[np.uint64]  # the same: 256 * tiles / tiles per cell
    # static
    weight_of: NDArray[np.uint64]  # [tiles per cell + 1] 256 * tiles / tiles per cell
    cell_barrier: NDArray[np.uint8]  # [GRID, GRID] share of water / 2 + off-map
    cell_terrain: NDArray[np.uint8]  # [GRID, GRID]
    pair_barrier: NDArray[np.uint8]  # [ceil(height / 2), ceil(width / 2)]
    pair_terrain: NDArray[np.uint8]  # the same
    # edition 2026, of all players before a decision (facts_2026.py); no rows in 2025
    at_sea: NDArray[np.int64]  # [P + 1, P + 1] troops in boats by owner and whom they shall land on
    sea_out: NDArray[np.int64]  # [P + 1] troops in boats of the player
    sea_in: NDArray[np.int64]  # [P + 1] troops in boats that shall land on the player
    n_boats: NDArray[np.int64]  # [P + 1] boats at sea
    n_allies: NDArray[np.int64]  # [P + 1]
    levels_near: NDArray[np.int64]  # [P + 1, P + 1] levels of q's cities near land of p, [q, p]
    posts_near: NDArray[np.int64]  # the same: finished defence posts whose radius has land of p
    near: NDArray[np.int64]  # [P + 1] marks of one city; [0] is the newest mark
    landing: NDArray[np.int64]  # [P + 1, 8] framed tile of a boat's landing by direction, or -1
    crossing: NDArray[np.int64]  # [P + 1, 8] how far it is, see find_landings


def empty_views(n: int, views: Views) -> SeatViews:
    """Return zeroed buffers for n rows."""
    shapes = views.shapes()
    return SeatViews(
        np.zeros((n, *shapes["global"]), np.uint8),
        np.zeros((n, *shapes["local"]), np.uint8),
        np.zeros((n, *shapes["tactical"]), np.uint8),
        np.zeros((n, *shapes["scalars"]), np.float32),
        np.zeros((n, *shapes.get("neighbours", (8, 0))), np.float32),
        np.zeros((n, *shapes.get("landings", (8, 0))), np.float32),
    )


def empty_facts(n: int, edition: rules.Edition = rules.EDITIONS["2025"]) -> Facts:
    """Return zeroed facts for n rows of matches of an edition."""
    n_own, n_direction = (6, 7) if edition.number == 0 else (15, 17)
    return Facts(
        np.zeros((n, edition.n_actions), np.int8),
        np.zeros((n, n_own), np.int64),
        np.zeros((n, 8, n_direction), np.int64),
    )


def make_scratch(state: State, views: Views) -> Scratch:
    """Return working memory for a match, with the static parts of the views on its map."""
    width, height, stride, _ = (int(v) for v in state.shape)
    grid = int(state.clock[GRID])
    if grid != views.global_size:
        raise ValueError(
            f"expected views of global size {grid} like the match, found {views.global_size}"
        )
    cell = int(state.clock[CELL])
    framed = state.owner.reshape(height + 2, stride)[1:-1, 1:-1]
    water = framed == _WATER
    terrain = (state.flags & TERRAIN_BITS).reshape(height + 2, stride)[1:-1, 1:-1]
    tile_terrain = np.where(water, np.uint8(0), np.uint8(85) * (terrain + np.uint8(1)))
    barrier = np.where(water, np.uint8(128), np.uint8(0))
    block = views.tactical_size // 2
    n_players = len(state.tiles) - 1
    pairs = (-(-height // 2), -(-width // 2))
    largest = max(views.sizes().values())
    n_cells = grid * grid
    n_2026 = n_players + 1 if state.clock[EDITION] else 0
    return Scratch(
        packed=np.zeros(256, np.uint64),
        shades=np.zeros(256, np.uint32),
        heat_of=np.zeros(256),
        out_troops=np.zeros(n_players + 1),
        in_troops=np.zeros(n_players + 1),
        origin=np.zeros((n_players + 1, 4), np.int64),
        row_of=np.full(n_players + 1, -1, np.int64),
        owners=np.zeros(largest, np.uint8),
        ground=np.zeros(largest, np.uint8),
        words=np.zeros(largest, np.uint32),
        heat=np.zeros((width // block + 1) * (height // block + 1)),
        seen_events=np.full(1, -1, np.int64),
        pair_owner=np.zeros(pairs, np.uint8),
        mixed_cells=np.zeros(n_cells + 1, np.int32),
        mixed_start=np.zeros(n_cells + 1, np.int32),
        mixed_owner=np.zeros(n_cells * min(n_players + 1, cell * cell), np.uint8),
        mixed_weight=np.zeros(n_cells * min(n_players + 1, cell * cell), np.uint64),
        weight_of=(np.arange(cell * cell + 1) * 256 // (cell * cell)).astype(np.uint64),
        cell_barrier=_pool(barrier, cell, (grid, grid), 255, 0),
        cell_terrain=_pool(tile_terrain, cell, (grid, grid), 0, 0),
        pair_barrier=_pool(barrier, 2, pairs, 255, 2),
        pair_terrain=_pool(tile_terrain, 2, pairs, 0, 0),
        at_sea=np.zeros((n_2026, n_2026), np.int64),
        sea_out=np.zeros(n_2026, np.int64),
        sea_in=np.zeros(n_2026, np.int64),
        n_boats=np.zeros(n_2026, np.int64),
        n_allies=np.zeros(n_2026, np.int64),
        levels_near=np.zeros((n_2026, n_2026), np.int64),
        posts_near=np.zeros((n_2026, n_2026), np.int64),
        near=np.zeros(n_2026, np.int64),
        landing=np.full((n_2026, 8), -1, np.int64),
        crossing=np.zeros((n_2026, 8), np.int64),
    )


def _pool(
    values: NDArray[np.uint8], cell: int, shape: tuple[int, int], outside: int, rounding: int
) -> NDArray[np.uint8]:
    """Return (sum + rounding) // area per cell of a map padded with `outside`, uint8 of `shape`."""
    sums = np.full(shape, outside * cell * cell, np.int32)
    tops, lefts = (np.arange(0, side, cell) for side in values.shape)
    heights, widths = (
        np.minimum(cell, side - starts)
        for side, starts in zip(values.shape, (tops, lefts), strict=True)
    )
    rows = np.add.reduceat(values, tops, 0, np.int32)
    sums[: len(tops), : len(lefts)] = np.add.reduceat(rows, lefts, 1) + outside * (
        cell * cell - np.outer(heights, widths)
    )
    return ((sums + rounding) // (cell * cell)).astype(np.uint8)
