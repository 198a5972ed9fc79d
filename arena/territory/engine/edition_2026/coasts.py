"""What boats need of a map: its bodies of water, and what lies across them.

Boats sail on a map of half the size, as in the original: a cell is water if any of its four tiles
is, so a river that is one tile wide carries them. What does not change in a match is worked out
once per map and shared by all its matches: the bodies of water (4-connected cells), the cells with
a landing tile (the coasts), and for each coast what lies straight across the water in each of the
eight directions.

A cell has a frame around it, like a tile: cell = (y // 2 + 1) * (columns + 2) + x // 2 + 1.
"""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from arena.territory.engine.state import (
    COAST_ACROSS,
    COAST_CROSSING,
    COAST_MASS,
    COAST_TILE,
    N_COAST,
)
from arena.territory.maps import TerritoryMap
from arena.territory.maps.terrain import LAND_BIT, OCEAN_BIT, SHORELINE_BIT, label_regions

_NEVER = -1
_LARGE = 3_000  # tiles of a lake on which ports find others
_DIRECTIONS = ((0, -1), (1, -1), (1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1))  # N NE .. NW

Cells = NDArray[np.int32]


class Waterways(NamedTuple):
    """What is known of a map's water before anybody plays on it.

    Attributes:
        water: int32[3, cells]: the body of water of each cell, 0 for land; the row of `coasts` of
            the landing tile in it, -1 for none; and whether its body is ocean or a large lake.
        coasts: int32[coasts, N_COAST]; state.py has the columns.
    """

    water: Cells
    coasts: Cells


_OF_MAP: WeakKeyDictionary[TerritoryMap, Waterways] = WeakKeyDictionary()


def waterways_of(territory: TerritoryMap, passable: TerritoryMap) -> Waterways:
    """Return the water ways of a map, found at the first call for it.

    Args:
        territory: the map, in which impassable land is land.
        passable: the same with impassable land as water, where nothing can land.
    """
    if territory not in _OF_MAP:
        _OF_MAP[territory] = find_waterways(territory, passable)
    return _OF_MAP[territory]


def find_waterways(territory: TerritoryMap, passable: TerritoryMap) -> Waterways:
    """Find the water ways of a map; `waterways_of` remembers them."""
    height, width = territory.terrain.shape
    rows, columns = -(-height // 2), -(-width // 2)
    water = _blocks((territory.terrain & LAND_BIT) == 0, rows, columns)
    bodies = np.zeros((rows + 2, columns + 2), np.int32)
    bodies[1:-1, 1:-1] = label_regions(np.asarray(water.any(axis=2)))[0]
    shores = _blocks(passable.land & ((passable.terrain & SHORELINE_BIT) != 0), rows, columns)
    beside = _beside(bodies != 0) | (bodies != 0)  # a coast without water has no boats
    has_coast = shores.any(axis=2) & beside[1:-1, 1:-1]

    ys, xs = np.nonzero(has_coast)
    corner = shores[ys, xs].argmax(axis=1)
    x, y = 2 * xs + corner % 2, 2 * ys + corner // 2
    coasts = np.full((len(ys), N_COAST), _NEVER, np.int32)
    coasts[:, COAST_TILE] = (y + 1) * (width + 2) + x + 1
    masses = label_regions(passable.land)[0][y, x]
    coasts[:, COAST_MASS] = np.unique(masses, return_inverse=True)[1]
    coast_of = np.full(bodies.shape, _NEVER, np.int32)
    coast_of[ys + 1, xs + 1] = np.arange(len(ys))

    holds_land = np.ones(bodies.shape, np.bool_)
    holds_land[1:-1, 1:-1] = ~water.all(axis=2)
    for d, offset in enumerate(_DIRECTIONS):
        far, crossing = _across(bodies, coast_of, holds_land, offset)
        coasts[:, COAST_ACROSS + d] = far[ys + 1, xs + 1]
        coasts[:, COAST_CROSSING + d] = 2 * crossing[ys + 1, xs + 1]
    is_ocean = _blocks((territory.terrain & OCEAN_BIT) != 0, rows, columns) & water
    wide = _wide(bodies, water.sum(axis=2), np.asarray(is_ocean.any(axis=2)))
    return Waterways(np.stack([each.reshape(-1) for each in (bodies, coast_of, wide)]), coasts)


def _wide(bodies: Cells, tiles: NDArray[np.int64], is_ocean: NDArray[np.bool_]) -> Cells:
    """Return 1 for each cell of a body of water that is ocean or has 3,000 tiles, else 0.

    Args:
        tiles, is_ocean: of the cells without their frame: tiles of water, and whether one is ocean.
    """
    inner = bodies[1:-1, 1:-1].reshape(-1)
    wide = np.bincount(inner, tiles.reshape(-1)) >= _LARGE
    wide |= np.bincount(inner, is_ocean.reshape(-1)) > 0
    wide[0] = False
    return wide[bodies].astype(np.int32)


def _blocks(tiles: NDArray[np.bool_], rows: int, columns: int) -> NDArray[np.bool_]:
    """Return the tiles of each cell, bool[rows, columns, 4]; those off the map repeat the last."""
    height, width = tiles.shape
    even = np.pad(tiles, ((0, 2 * rows - height), (0, 2 * columns - width)), mode="edge")
    cells = even.reshape(rows, 2, columns, 2).swapaxes(1, 2).reshape(rows, columns, 4)
    return np.ascontiguousarray(cells)


def _beside(cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    near = np.zeros(cells.shape, np.bool_)
    near[1:] |= cells[:-1]
    near[:-1] |= cells[1:]
    near[:, 1:] |= cells[:, :-1]
    near[:, :-1] |= cells[:, 1:]
    return near


def _across(
    bodies: Cells, coast_of: Cells, holds_land: NDArray[np.bool_], offset: tuple[int, int]
) -> tuple[Cells, Cells]:
    """Return each cell's coast straight across the water, and how many cells further it is.

    The search goes on over cells of one body that hold no land; the first other cell ends it, and
    counts if it has a landing tile beside that body. From a cell of land it begins with the first
    cell of water.

    Returns:
        int32 like `bodies` each: rows of coasts, -1 for none, and numbers of cells.
    """
    dx, dy = offset
    far = np.full(bodies.shape, _NEVER, np.int32)
    crossing = np.zeros(bodies.shape, np.int32)
    n_rows, n_columns = bodies.shape
    inner = np.arange(1, n_columns - 1)
    # row by row against the direction, so that what is one further is known; east and west need
    # the columns in order instead
    if dy == 0:
        turned = _across(bodies.T, coast_of.T, holds_land.T, (dy, dx))
        return turned[0].T, turned[1].T
    for y in range(n_rows - 2, 0, -1) if dy > 0 else range(1, n_rows - 1):
        here, there = (y, inner), (y + dy, inner + dx)
        body, next_body = bodies[here], bodies[there]
        body = np.where(body != 0, body, next_body)  # of a cell of land: where it enters the water
        ends = holds_land[there]
        lands = ends & (coast_of[there] >= 0) & _touches(bodies, y + dy, inner + dx, body)
        goes_on = ~ends & (next_body == body) & (far[there] >= 0)
        starts = _touches(bodies, y, inner, body) & (body != 0)
        far[here] = np.where(
            starts & lands, coast_of[there], np.where(starts & goes_on, far[there], _NEVER)
        )
        crossing[here] = np.where(goes_on, crossing[there], 0) + 1
    return far, crossing


def _touches(
    bodies: Cells, y: int, xs: NDArray[np.int64], body: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Return whether cells are of a body of water or beside it; on the frame they are not."""
    if not 1 <= y < bodies.shape[0] - 1:
        return np.zeros(len(xs), np.bool_)
    inside = (xs >= 1) & (xs < bodies.shape[1] - 1)
    xs = np.clip(xs, 1, bodies.shape[1] - 2)
    near = bodies[y, xs] == body
    for dx, dy in ((0, -1), (0, 1), (-1, 0), (1, 0)):
        near |= bodies[y + dy, xs + dx] == body
    touches: NDArray[np.bool_] = near & inside
    return touches
