"""Where structures stand: the rule of the place asked for, and good places for our own agents.

A structure goes to the nearest tile (Euclid) of its owner's own land, connected with the asked
tile through own tiles less than 15 from it, that is at least 15 from every structure of anybody; of
equally near ones the first that a flood from the asked tile meets. A port goes to the nearest such
tile (Manhattan, at most 20) on a shore.

Agents choose only *that* they build. Their places are looked for on a lattice of some 32 x 32
tiles, which costs microseconds at any size of map.
"""

from __future__ import annotations

import numpy as np

from arena.territory.engine import rules
from arena.territory.engine.compiled import compiled, int64
from arena.territory.engine.edition_2026.waterways import taxicab
from arena.territory.engine.land import next_stamp
from arena.territory.engine.posts import distance_squared
from arena.territory.engine.state import (
    CITY_LEVELS,
    DELETED_AT,
    IS_FINISHED,
    N_STRUCTURES,
    SHORE,
    STRUCTURE,
    STRUCTURE_OWNER,
    STRUCTURE_TILE,
    State,
)

_CITY, _PORT = int64(rules.CITY), int64(rules.PORT)
_SPACING = rules.STRUCTURE_SPACING
_SPACING_SQUARED = _SPACING * _SPACING
_PORT_REACH = rules.PORT_REACH
_OFF_MAP = rules.OFF_MAP
_LATTICE = 32  # points along the map's longer side
_SMALLEST_STEP = 4  # tiles between two of them
_FAR = 1_000_000  # steps
_SAFE = 60  # tiles from others' land beyond which a place is no safer


@compiled(internal=True)
def _is_free(s: State, tile: int) -> bool:
    """Return whether a tile keeps the distance to every structure."""
    stride = s.shape[2]
    for i in range(s.clock[N_STRUCTURES]):
        if distance_squared(stride, s.structures[i, STRUCTURE_TILE], tile) < _SPACING_SQUARED:
            return False
    return True


@compiled(internal=True)
def _flood(s: State, p: int, asked: int, found: np.ndarray, is_port: bool) -> int:
    """Fill `found` with the tiles around the asked one in the order in which they are met.

    Those are own tiles less than 15 away (Euclid), or for a port any tiles within 20 (Manhattan).
    The flood works on a stack and looks N, S, W, E. Return how many there are.
    """
    stride = s.shape[2]
    stamp = next_stamp(s)
    s.mark[asked] = stamp
    found[0] = asked
    s.scratch[0] = asked
    n = 1
    waiting = 1
    while waiting > 0:
        waiting -= 1
        tile = int64(s.scratch[waiting])
        for step in (-stride, stride, -1, 1):
            u = tile + step
            if s.mark[u] == stamp or s.owner[u] == _OFF_MAP:
                continue
            if is_port:
                if taxicab(stride, asked, u) > _PORT_REACH:
                    continue
            elif s.owner[u] != p or distance_squared(stride, asked, u) >= _SPACING_SQUARED:
                continue
            s.mark[u] = stamp
            found[n] = u
            s.scratch[waiting] = u
            n += 1
            waiting += 1
    return n


@compiled(internal=True)
def _find_shore(s: State, p: int, asked: int) -> int:
    """Return the place of a port, -1 for none."""
    stride = s.shape[2]
    n_near = _flood(s, p, asked, s.cluster_order, False)
    best = int64(-1)
    least = _PORT_REACH + 1
    for i in range(_flood(s, p, asked, s.clusters, True)):
        tile = int64(s.clusters[i])
        far = taxicab(stride, asked, tile)
        if far < least and s.owner[tile] == p and s.flags[tile] & SHORE and _is_free(s, tile):
            for j in range(n_near):
                if s.cluster_order[j] == tile:
                    best = tile
                    least = far
                    break
    return best


@compiled(internal=True)
def find_place(s: State, p: int, kind: int, asked: int) -> int:
    """Return the framed tile on which p's structure would stand, -1 for none.

    Args:
        kind: 1..6 (rules.py).
        asked: the framed tile asked for.
    """
    if s.owner[asked] != p:
        return int64(-1)
    if kind == _PORT:
        return _find_shore(s, p, asked)
    if _is_free(s, asked):
        return int64(asked)
    stride = s.shape[2]
    best = int64(-1)
    least = int64(_SPACING_SQUARED)
    for i in range(_flood(s, p, asked, s.clusters, False)):
        tile = int64(s.clusters[i])
        far = distance_squared(stride, asked, tile)
        if far < least and _is_free(s, tile):
            best = tile
            least = far
    return best


# --- places for our own agents --------------------------------------------------------------------


@compiled(inline=True, internal=True)
def _lattice_step(s: State) -> int:
    side = max(s.shape[0], s.shape[1])
    return max(_SMALLEST_STEP, int64((side + _LATTICE - 1) // _LATTICE))


@compiled(inline=True, internal=True)
def _nearer(distances: np.ndarray, at: int, neighbour: int) -> None:
    distances[at] = min(distances[at], distances[neighbour] + 1)


@compiled(internal=True)
def _spread(distances: np.ndarray, n_x: int, n_y: int) -> None:
    """Turn 0 at the sources into steps (of a king) to the nearest source, in two sweeps."""
    for y in range(n_y):
        for x in range(n_x):
            at = y * n_x + x
            if x > 0:
                _nearer(distances, at, at - 1)
            if y > 0:
                for u in range(max(0, x - 1), min(n_x, x + 2)):
                    _nearer(distances, at, at - n_x - x + u)
    for y in range(n_y - 1, -1, -1):
        for x in range(n_x - 1, -1, -1):
            at = y * n_x + x
            if x + 1 < n_x:
                _nearer(distances, at, at + 1)
            if y + 1 < n_y:
                for u in range(max(0, x - 1), min(n_x, x + 2)):
                    _nearer(distances, at, at + n_x - x + u)


@compiled(internal=True)
def _measure(s: State, p: int) -> None:
    """Fill s.scratch and s.clusters with distances of the lattice's points, in steps.

    s.scratch: to the nearest point on another player's land; s.clusters: to the nearest that is not
    p's own.
    """
    step = _lattice_step(s)
    stride = s.shape[2]
    n_x = (s.shape[0] + step - 1) // step
    n_y = (s.shape[1] + step - 1) // step
    for j in range(n_y):
        y = min(j * step + step // 2, s.shape[1] - 1) + 1
        for i in range(n_x):
            q = s.owner[y * stride + min(i * step + step // 2, s.shape[0] - 1) + 1]
            at = j * n_x + i
            s.scratch[at] = 0 if q != p and q != 0 and q < _OFF_MAP else _FAR
            s.clusters[at] = 0 if q != p else _FAR
    _spread(s.scratch, n_x, n_y)
    _spread(s.clusters, n_x, n_y)


@compiled(inline=True, internal=True)
def _safety(s: State, at: int, step: int) -> int:
    """Return how far from others a lattice point is, then how deep in own land."""
    return min(s.scratch[at], _SAFE // step + 1) * 64 + min(s.clusters[at], 63)


@compiled(internal=True)
def best_city_place(s: State, p: int) -> int:
    """Return a good tile for p's next city, -1 if there is none; the city will stand right there.

    Of the lattice's points on p's land that keep the distance to all structures it is the one
    farthest from other players' land (60 tiles and more are equal), of those the one deepest in own
    land, of those the first in row order. Where no point fits (little land, or crowded): the
    nearest fitting tile to p's oldest border tile, or to its newest.
    """
    if s.tiles[p] == 0:
        return int64(-1)
    _measure(s, p)
    step = _lattice_step(s)
    stride = s.shape[2]
    n_x = (s.shape[0] + step - 1) // step
    best = int64(-1)
    safest = -1
    for at in range(n_x * ((s.shape[1] + step - 1) // step)):
        if s.clusters[at] == 0:
            continue
        safety = _safety(s, at, step)
        if safety > safest:
            y = min(at // n_x * step + step // 2, s.shape[1] - 1) + 1
            x = min(at % n_x * step + step // 2, s.shape[0] - 1) + 1
            if _is_free(s, y * stride + x):
                safest = safety
                best = int64(y * stride + x)
    if best < 0 and s.border_head[p] >= 0:
        best = find_place(s, p, _CITY, int64(s.border_head[p]))
        if best < 0:
            best = find_place(s, p, _CITY, int64(s.border_tail[p]))
    return best


@compiled(internal=True)
def has_city_place(s: State, p: int) -> bool:
    """Return whether `best_city_place` finds one, without looking for the best."""
    step = _lattice_step(s)
    stride = s.shape[2]
    for y in range(step // 2, s.shape[1] + step // 2, step):
        row = (min(y, s.shape[1] - 1) + 1) * stride + 1
        for x in range(step // 2, s.shape[0] + step // 2, step):
            tile = int64(row + min(x, s.shape[0] - 1))
            if s.owner[tile] == p and _is_free(s, tile):
                return True
    if s.border_head[p] < 0:
        return False
    if find_place(s, p, _CITY, int64(s.border_head[p])) >= 0:
        return True
    return bool(find_place(s, p, _CITY, int64(s.border_tail[p])) >= 0)


@compiled(internal=True)
def has_city_to_upgrade(s: State, p: int) -> bool:
    """Return whether `best_upgrade` finds a city."""
    if s.ledger[p, CITY_LEVELS] == 0:
        return False
    for i in range(s.clock[N_STRUCTURES]):
        if _may_be_upgraded(s, s.structures[i], p):
            return True
    return False


@compiled(inline=True, internal=True)
def _may_be_upgraded(s: State, row: np.ndarray, p: int) -> bool:
    """Return whether a structure is a finished city of p that it may upgrade."""
    return bool(
        row[STRUCTURE] == _CITY
        and row[STRUCTURE_OWNER] == p
        and row[IS_FINISHED] != 0
        and row[DELETED_AT] == 0
        and s.owner[row[STRUCTURE_TILE]] == p
    )


@compiled(internal=True)
def best_upgrade(s: State, p: int) -> int:
    """Return the tile of the city that p does best to upgrade, -1 if it has none to upgrade.

    It is the finished one farthest from other players' land, as above; of equal ones the oldest.
    """
    best = int64(-1)
    if s.ledger[p, CITY_LEVELS] == 0:
        return best
    _measure(s, p)
    step = _lattice_step(s)
    stride = s.shape[2]
    n_x = (s.shape[0] + step - 1) // step
    safest = -1
    for i in range(s.clock[N_STRUCTURES]):
        row = s.structures[i]
        tile = row[STRUCTURE_TILE]
        if not _may_be_upgraded(s, row, p):
            continue
        y = tile // stride - 1
        x = tile - (y + 1) * stride - 1
        safety = _safety(s, y // step * n_x + x // step, step)
        if safety > safest:
            safest = safety
            best = tile
    return best


@compiled()
def best_places(s: State, p: int) -> tuple[int, int]:
    """Return the tiles of `best_city_place` and `best_upgrade`, for callers in Python."""
    return best_city_place(s, p), best_upgrade(s, p)
