"""The railway of edition 2026: which structures are stations, and which are joined by rail.

A factory is a station as soon as it is finished, and makes stations of all finished cities, ports
and factories within 110 tiles; a city or port that is finished within 110 tiles of one becomes a
station too. A new station is joined to the stations within 110 tiles, nearest first, unless they
are nearer than 15 or can be reached from it over at most four rails already, and if there is a way
by land of at most 155 tiles. Rails cross water where each step has land beside it on the map of
half the size. Whoever owns the land does not matter. With its structure a station and its rails
are gone; nothing is joined anew.

Two things are simpler than in the original: a rail is as long as the shortest way, and has no
place, so that a station that is built beside a rail is not put into it.
"""

from __future__ import annotations

from arena.territory.engine import rules
from arena.territory.engine.compiled import compiled, int64
from arena.territory.engine.edition_2026.waterways import begin_flood, cell_of, columns_of
from arena.territory.engine.posts import distance_squared
from arena.territory.engine.state import (
    BODY,
    IS_FINISHED,
    IS_STATION,
    N_STRUCTURES,
    STRUCTURE,
    STRUCTURE_TILE,
    State,
)
from arena.territory.engine.traffic import RAILS_EACH

_CITY, _PORT, _FACTORY = rules.CITY, rules.PORT, rules.FACTORY
LEAST_APART, MOST_APART = 15 * 15, 110 * 110  # tiles between two joined stations, squared
_LONGEST = 77  # cells of a rail: 155 tiles
_NEAR = 4  # rails over which stations are not joined once more
_UNREACHED = -1


@compiled(internal=True)
def count_stops(s: State, start: int, most: int) -> None:
    """Write to s.stops[0] over how many rails each structure is from `start`, -1 beyond `most`."""
    steps, queue = s.stops[0], s.stops[1]
    for j in range(s.clock[N_STRUCTURES]):
        steps[j] = _UNREACHED
    steps[start] = 0
    queue[0] = start
    at = 0
    n = 1
    while at < n:
        i = int64(queue[at])
        at += 1
        if steps[i] >= most:
            return
        for k in range(RAILS_EACH):
            j = int64(s.rails[i, k, 0]) - 1
            if j < 0:
                break
            if steps[j] < 0:
                steps[j] = steps[i] + 1
                queue[n] = j
                n += 1


@compiled(inline=True, internal=True)
def _is_on_map(s: State, cell: int, columns: int) -> bool:
    """Return whether a cell is of the map and not of its frame."""
    x = cell % columns
    inside = 0 < x < columns - 1
    return inside and columns <= cell < s.water.shape[1] - columns


@compiled(internal=True)
def _is_open_water(s: State, cell: int, columns: int) -> bool:
    """Return whether a cell is water without land beside it."""
    if s.water[BODY, cell] == 0:
        return False
    for step in (-columns, columns, -1, 1):
        u = cell + step
        if s.water[BODY, u] == 0 and _is_on_map(s, u, columns):
            return False
    return True


@compiled(internal=True)
def _flood(s: State, tile: int) -> int:
    """Write to s.clusters how many cells of railway each is from a tile, up to 77; return the mark.

    A step over water needs land beside either of its cells.
    """
    stamp = begin_flood(s, tile)
    columns = columns_of(s)
    at = 0
    n = 1
    while at < n:
        cell = int64(s.scratch[at])
        at += 1
        if s.clusters[cell] >= _LONGEST:
            break
        is_open = _is_open_water(s, cell, columns)
        for step in (-columns, columns, -1, 1):
            u = cell + step
            if s.mark[u] == stamp or not _is_on_map(s, u, columns):
                continue
            if is_open and _is_open_water(s, u, columns):
                continue
            s.mark[u] = stamp
            s.clusters[u] = s.clusters[cell] + 1
            s.scratch[n] = u
            n += 1
    return stamp


@compiled(internal=True)
def _next_station(s: State, i: int, far: int, last: int) -> tuple[int, int]:
    """Return the station that follows (far, last) in order of distance from i, and how far it is.

    Returns:
        Squared distance and row; row -1 when there is none within 110 tiles.
    """
    stride = s.shape[2]
    least = int64(MOST_APART + 1)
    found = int64(-1)
    for j in range(s.clock[N_STRUCTURES]):
        if s.structures[j, IS_STATION] == 0 or j == i:
            continue
        d = distance_squared(
            stride, s.structures[i, STRUCTURE_TILE], s.structures[j, STRUCTURE_TILE]
        )
        if d < least and (d > far or (d == far and j > last)):
            least = int64(d)
            found = int64(j)
    return least, found


@compiled(internal=True)
def _add_rail(s: State, i: int, j: int, tiles: int) -> bool:
    """Join two stations; return False if either has no room for a rail more."""
    last = RAILS_EACH - 1
    if s.rails[i, last, 0] != 0 or s.rails[j, last, 0] != 0:
        return False
    for _ in range(2):
        k = 0
        while s.rails[i, k, 0] != 0:
            k += 1
        s.rails[i, k, 0] = j + 1
        s.rails[i, k, 1] = tiles
        i, j = j, i
    return True


@compiled(internal=True)
def _join(s: State, i: int) -> None:
    """Make a station of structure i, and lay its rails."""
    s.structures[i, IS_STATION] = 1
    count_stops(s, i, _NEAR)
    mark = int64(-1)
    far, j = _next_station(s, i, int64(LEAST_APART), int64(s.clock[N_STRUCTURES]))
    while j >= 0:
        if s.stops[0, j] < 0:
            if mark < 0:
                mark = _flood(s, s.structures[i, STRUCTURE_TILE])
            cell = cell_of(s, s.structures[j, STRUCTURE_TILE])
            if s.mark[cell] == mark and _add_rail(s, i, j, 2 * int64(s.clusters[cell]) + 1):
                count_stops(s, i, _NEAR)
        far, j = _next_station(s, i, far, j)


@compiled(internal=True)
def _may_stop(kind: int) -> bool:
    return kind == _CITY or kind == _PORT or kind == _FACTORY


@compiled(internal=True)
def open_station(s: State, i: int) -> None:
    """Let structure i, which is finished, join the railway if it can."""
    kind = s.structures[i, STRUCTURE]
    if not _may_stop(kind):
        return
    stride = s.shape[2]
    tile = s.structures[i, STRUCTURE_TILE]
    if kind == _FACTORY:
        _join(s, i)
    for j in range(s.clock[N_STRUCTURES]):
        other = s.structures[j]
        if j == i or other[IS_FINISHED] == 0 or not _may_stop(other[STRUCTURE]):
            continue
        if distance_squared(stride, tile, other[STRUCTURE_TILE]) > MOST_APART:
            continue
        if kind != _FACTORY:
            if other[STRUCTURE] == _FACTORY:
                _join(s, i)
                return
        elif other[IS_STATION] == 0:
            _join(s, int64(j))


@compiled(internal=True)
def close_station(s: State, i: int) -> None:
    """Take the rails of structure i away, which is about to go; the later rows move up."""
    n = s.clock[N_STRUCTURES]
    for j in range(n):
        kept = 0
        for k in range(RAILS_EACH):
            other = s.rails[j, k, 0]
            if other == 0:
                break
            tiles = s.rails[j, k, 1]
            s.rails[j, k, 0] = 0
            s.rails[j, k, 1] = 0
            if other == i + 1:
                continue
            s.rails[j, kept, 0] = other - 1 if other > i + 1 else other
            s.rails[j, kept, 1] = tiles
            kept += 1
    for j in range(i, n - 1):
        for k in range(RAILS_EACH):
            s.rails[j, k, 0] = s.rails[j + 1, k, 0]
            s.rails[j, k, 1] = s.rails[j + 1, k, 1]
    clear_rails(s, n - 1)


@compiled(internal=True)
def clear_rails(s: State, i: int) -> None:
    """Leave row i without rails; free entries are 0, so that equal boards have equal hashes."""
    for k in range(RAILS_EACH):
        s.rails[i, k, 0] = 0
        s.rails[i, k, 1] = 0
