"""Water ways: the shortest way of a boat between two coasts, and who has a harbour on which water.

Ways lead over the map of half the size (coasts.py). The way of an order is found by a breadth-first
search from the landing outwards that ends at the first cell beside a shore tile of the player. So
its cost follows the length of the way and not the size of the map; whether there is a way at all is
known before, from the numbers of the bodies of water. docs/territory.md has what it costs.

The original looks for ways that keep away from the shore, and straightens them; ours are the
shortest. Between straight coasts they are the same, tile by tile.
"""

from __future__ import annotations

import numpy as np

from arena.territory.engine.compiled import compiled, int64
from arena.territory.engine.land import next_stamp
from arena.territory.engine.state import BODY, IS_WIDE, SHORE, State


@compiled(inline=True, internal=True)
def taxicab(stride: int, a: int, b: int) -> int:
    """Return the taxicab distance of two framed tiles."""
    ay = a // stride
    by = b // stride
    return int64(abs(ay - by) + abs((a - ay * stride) - (b - by * stride)))


@compiled(inline=True, internal=True)
def columns_of(s: State) -> int:
    """Return how many cells a row of the map of half the size has, with its frame."""
    return int64((s.shape[0] + 1) // 2 + 2)


@compiled(inline=True, internal=True)
def cell_of(s: State, tile: int) -> int:
    """Return the cell of a framed tile."""
    stride = s.shape[2]
    y = tile // stride
    x = tile - y * stride
    return int64(((y + 1) >> 1) * columns_of(s) + ((x + 1) >> 1))


@compiled(inline=True, internal=True)
def _first_tile_of(s: State, cell: int) -> int:
    """Return the upper left tile of a cell, framed."""
    columns = columns_of(s)
    y = cell // columns
    x = cell - y * columns
    return int64((2 * y - 1) * s.shape[2] + 2 * x - 1)


@compiled(inline=True, internal=True)
def begin_flood(s: State, tile: int) -> int:
    """Begin a flood of cells at a tile's: queue it in s.scratch, 0 steps (s.clusters) from there.

    Returns:
        The mark of the cells that were met.
    """
    stamp = next_stamp(s)
    cell = cell_of(s, tile)
    s.mark[cell] = stamp
    s.clusters[cell] = 0
    s.scratch[0] = cell
    return stamp


@compiled(internal=True)
def _mark_bodies(s: State, tile: int, stamp: int) -> None:
    """Mark the bodies of water of a tile or beside it; their marks lie behind the cells' marks."""
    cell = cell_of(s, tile)
    n_cells = s.water.shape[1]
    body = int64(s.water[BODY, cell])
    if body != 0:
        s.mark[n_cells + body] = stamp
        return
    columns = columns_of(s)
    for step in (-columns, columns, -1, 1):
        body = int64(s.water[BODY, cell + step])
        if body != 0:
            s.mark[n_cells + body] = stamp


@compiled(internal=True)
def has_wide_water(s: State, tile: int) -> bool:
    """Return whether a shore tile is of, or beside, ocean or a large lake."""
    cell = cell_of(s, tile)
    if s.water[BODY, cell] != 0:
        return bool(s.water[IS_WIDE, cell] != 0)
    columns = columns_of(s)
    for step in (-columns, columns, -1, 1):
        if s.water[IS_WIDE, cell + step] != 0:
            return True
    return False


@compiled(internal=True)
def mark_waters_of(s: State, p: int) -> int:
    """Mark the bodies of water on which p has a shore tile; return the mark."""
    stamp = next_stamp(s)
    at = int64(s.border_head[p])
    while at >= 0:
        if s.flags[at] & SHORE:
            _mark_bodies(s, at, stamp)
        at = int64(s.border_next[at])
    return stamp


@compiled(internal=True)
def is_on_waters(s: State, tile: int, stamp: int) -> bool:
    """Return whether a tile is of, or beside, a body of water that `mark_waters_of` has marked."""
    cell = cell_of(s, tile)
    n_cells = s.water.shape[1]
    body = int64(s.water[BODY, cell])
    if body != 0:
        return bool(s.mark[n_cells + body] == stamp)
    columns = columns_of(s)
    for step in (-columns, columns, -1, 1):
        body = int64(s.water[BODY, cell + step])
        if body != 0 and s.mark[n_cells + body] == stamp:
            return True
    return False


@compiled(internal=True)
def mark_harbours(s: State, p: int, tile: int) -> tuple[int, int]:
    """Mark the cells of water in which p can board for a voyage to `tile`, or land after one.

    They hold a shore tile of p or lie beside one, and are of the body of water of `tile`, which is
    a shore tile or water.

    Returns:
        The mark, and the number of shore tiles with such a cell.
    """
    stamp = next_stamp(s)
    _mark_bodies(s, tile, stamp)
    n_cells = s.water.shape[1]
    columns = columns_of(s)
    n = 0
    at = int64(s.border_head[p])
    while at >= 0:
        if s.flags[at] & SHORE:
            cell = cell_of(s, at)
            body = int64(s.water[BODY, cell])
            if body != 0:
                if s.mark[n_cells + body] == stamp:
                    s.mark[cell] = stamp
                    n += 1
            else:
                for step in (-columns, columns, -1, 1):
                    body = int64(s.water[BODY, cell + step])
                    if body != 0 and s.mark[n_cells + body] == stamp:
                        s.mark[cell + step] = stamp
                        n += 1
        at = int64(s.border_next[at])
    return stamp, n


@compiled(internal=True)
def _search(s: State, tile: int, harbours: int) -> int:
    """Search from `tile` for the nearest cell with the mark `harbours`; return it, -1 for none.

    s.clusters then leads from each cell that was met back to the one before it, and ends with -1 at
    the cell of `tile`. The search ends with the first harbour met.
    """
    seen = next_stamp(s)
    columns = columns_of(s)
    cell = cell_of(s, tile)
    s.clusters[cell] = -1
    if s.water[BODY, cell] != 0 and s.mark[cell] == harbours:
        return cell
    s.mark[cell] = seen
    s.scratch[0] = cell
    at = 0
    n = 1
    while at < n:
        cell = int64(s.scratch[at])
        at += 1
        for step in (-columns, columns, -1, 1):
            u = cell + step
            mark = s.mark[u]
            if mark == seen or s.water[BODY, u] == 0:
                continue
            s.clusters[u] = cell
            if mark == harbours:
                return u
            s.mark[u] = seen
            s.scratch[n] = u
            n += 1
    return -1


@compiled(internal=True)
def _shore_tile_at(s: State, p: int, harbour: int) -> int:
    """Return the shore tile of p in a cell or in one of land beside it, nearest to the cell's way.

    That is the one nearest to the cell's first tile, on which ways run, in the cell itself if it
    has any; the first in the order of the neighbours, then of rows, if several are as near.
    """
    columns = columns_of(s)
    way = _first_tile_of(s, harbour)
    stride = s.shape[2]
    n_tiles = s.shape[3]
    best = int64(-1)
    nearest = 100
    for step in (0, -columns, columns, -1, 1):
        cell = harbour + step
        if step != 0 and s.water[BODY, cell] != 0:
            continue
        first = _first_tile_of(s, cell)
        for dy in range(2):
            for dx in range(2):
                tile = first + dy * stride + dx
                if tile < 0 or tile >= n_tiles or s.owner[tile] != p:
                    continue
                if not s.flags[tile] & SHORE or cell_of(s, tile) != cell:
                    continue
                distance = taxicab(stride, tile, way)
                if distance < nearest:
                    nearest = distance
                    best = tile
        if step == 0 and best >= 0:
            return best
    return best


@compiled(internal=True)
def find_way(s: State, p: int, tile: int, row: int, homewards: bool) -> tuple[int, int]:
    """Find the shortest way between a tile and the shore of p, and write it to s.boat_ways[row].

    Args:
        tile: a shore tile or water.
        homewards: from the tile to the shore of p, not from there to the tile.

    Returns:
        The shore tile of p, -1 if there is no way, and the number of steps written. A way that
        is longer than the row is cut off.
    """
    harbours, n = mark_harbours(s, p, tile)
    if n == 0:
        return int64(-1), int64(0)
    harbour = _search(s, tile, harbours)
    if harbour < 0:
        return int64(-1), int64(0)
    shore = _shore_tile_at(s, p, harbour)
    if shore < 0:
        return int64(-1), int64(0)
    # the cells from the shore to the tile
    n = 0
    cell = cell_of(s, shore)
    if cell != harbour:
        s.cluster_start[0] = cell
        n = 1
    cell = harbour
    while cell >= 0:
        s.cluster_start[n] = cell
        n += 1
        cell = int64(s.clusters[cell])
    if homewards:
        for i in range(n // 2):
            other = s.cluster_start[n - 1 - i]
            s.cluster_start[n - 1 - i] = s.cluster_start[i]
            s.cluster_start[i] = other
        return shore, _write_way(s, row, n, tile, shore)
    return shore, _write_way(s, row, n, shore, tile)


@compiled()
def ways_to(s: State, p: int, tiles: np.ndarray, homewards: bool, found: np.ndarray) -> None:
    """Find the way between each of several tiles and the shore of p, as `find_way` does.

    It is for tests and measurements, in matches without boats: all ways are written to row 0.

    Args:
        tiles: int64[n], framed shore tiles or tiles of water.
        found: int64[n, 2], filled with p's shore tile, -1 for none, and the number of steps.
    """
    for i in range(tiles.shape[0]):
        found[i, 0], found[i, 1] = find_way(s, p, tiles[i], 0, homewards)


@compiled(internal=True)
def go_on(s: State, row: int, start: int, end: int) -> int:
    """Write the way between two tiles of one body of water; return the number of steps, 0 if none.

    It is asked for where a way was cut off.
    """
    harbour = next_stamp(s)
    s.mark[cell_of(s, start)] = harbour
    if _search(s, end, harbour) < 0:
        return int64(0)
    n = 0
    cell = cell_of(s, start)
    while cell >= 0:
        s.cluster_start[n] = cell
        n += 1
        cell = int64(s.clusters[cell])
    return _write_way(s, row, n, start, end)


@compiled(internal=True)
def _write_way(s: State, row: int, n: int, start: int, end: int) -> int:
    """Write the steps from `start` to `end` through n cells of s.cluster_start.

    The way leads over the first tiles of the cells and the tiles between those. It begins where the
    start lies on it, or with a step to the first of them, and ends likewise.
    """
    columns = columns_of(s)
    stride = s.shape[2]
    at = start
    n_steps = int64(0)
    last = 2 * (n - 1)
    first = int64(0)
    if last >= 1 and _way_tile(s, columns, stride, 1) == start:
        first = int64(1)
    if last - 1 > first and _way_tile(s, columns, stride, last - 1) == end:
        last -= 1
    for i in range(first, last + 2):
        tile = end if i == last + 1 else _way_tile(s, columns, stride, i)
        if tile == at:
            continue
        if n_steps == s.boat_ways.shape[1]:
            break
        for d in range(8):
            if at + s.offsets[d] == tile:
                s.boat_ways[row, n_steps] = d
        n_steps += 1
        at = tile
    return n_steps


@compiled(inline=True, internal=True)
def _way_tile(s: State, columns: int, stride: int, i: int) -> int:
    """Return tile i of the way over the cells of s.cluster_start."""
    cell = int64(s.cluster_start[i >> 1])
    tile = _first_tile_of(s, cell)
    if i & 1:
        step = s.cluster_start[(i >> 1) + 1] - cell
        if step == columns:
            tile += stride
        elif step == -columns:
            tile -= stride
        else:
            tile += step
    return int64(tile)
