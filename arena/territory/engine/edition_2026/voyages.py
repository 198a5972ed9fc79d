"""Where the minds of edition 2026 send boats: over a river, to a chosen player, or anywhere.

What is compared and drawn is the original's; the rules of boats are in boats.py.
"""

from __future__ import annotations

from arena.territory.engine import rules
from arena.territory.engine.alliances import is_allied
from arena.territory.engine.compiled import compiled, int64
from arena.territory.engine.edition_2026.boats import count_boats, landing_of
from arena.territory.engine.edition_2026.nearby import (
    has_shore,
    insert_nearest,
    random_shore,
    tile_across,
)
from arena.territory.engine.enclaves import find_clusters
from arena.territory.engine.numerics import draw
from arena.territory.engine.orders import BOAT, add_order
from arena.territory.engine.state import (
    BOATS_EACH,
    ENEMIES,
    FORBIDDEN,
    NEAR,
    NO_BOATS,
    SHORE,
    TRIBES,
    State,
)

_BOT = rules.BOT
_OFF_MAP = rules.OFF_MAP
_EACH_SHORE = 10
_REACH = 150  # tiles around a random shore tile
_TRIES = 500
_FAR = 1 << 40
NOWHERE = -1


@compiled(internal=True)
def may_sail(s: State, p: int) -> bool:
    """Return whether p may send one more boat."""
    return not s.clock[FORBIDDEN] & NO_BOATS and count_boats(s, p) < BOATS_EACH


@compiled(internal=True)
def boat_over_river(s: State, p: int) -> bool:
    """Send a fifth of p's troops to the first neutral land across a river; return if there is any.

    Every tenth shore tile looks, as in nearby.py.
    """
    troops = s.troops[p] / 5.0
    if not may_sail(s, p) or troops < 1.0:
        return False
    n = 0
    tile = int64(s.border_head[p])
    while tile >= 0:
        if s.flags[tile] & SHORE:
            if n % _EACH_SHORE == 0:
                for direction in range(0, 8, 2):
                    across = int64(tile_across(s, tile, direction))
                    if across >= 0 and s.owner[across] == 0 and landing_of(s, p, across) >= 0:
                        return add_order(s, p, BOAT, 0, troops, across)
            n += 1
        tile = int64(s.border_next[tile])
    return False


@compiled(internal=True)
def _sort_shores(s: State, p: int, into_clusters: bool) -> int:
    """Write p's shore tiles of the border, by column, to s.clusters or s.cluster_order.

    Those of a column keep the order of the border. Return their number.
    """
    stride = s.shape[2]
    sorted_tiles = s.clusters if into_clusters else s.cluster_order
    starts, flags, after = s.cluster_start, s.flags, s.border_next
    for x in range(stride + 1):
        starts[x] = 0
    n = int64(0)
    tile = int64(s.border_head[p])
    while tile >= 0:
        if flags[tile] & SHORE:
            starts[tile % stride + 1] += 1
            n += 1
        tile = int64(after[tile])
    for x in range(stride):
        starts[x + 1] += starts[x]
    tile = int64(s.border_head[p])
    while tile >= 0:
        if flags[tile] & SHORE:
            x = tile % stride
            sorted_tiles[starts[x]] = tile
            starts[x] += 1
        tile = int64(after[tile])
    return n


@compiled(internal=True)
def shore_towards(s: State, p: int, q: int) -> int:
    """Return a shore tile of q that is close to one of p and that a boat of p reaches, else -1.

    The pair is found by going through both coasts from west to east at once, which is about the
    nearest pair.
    """
    n_mine = _sort_shores(s, p, True)
    n_theirs = _sort_shores(s, q, False)
    if n_mine == 0 or n_theirs == 0:
        return int64(NOWHERE)
    stride = s.shape[2]
    least = int64(_FAR)
    best = int64(NOWHERE)
    i = int64(0)
    j = int64(0)
    while i < n_mine and j < n_theirs:
        a = int64(s.clusters[i])
        b = int64(s.cluster_order[j])
        ax, bx = a % stride, b % stride
        distance = abs(ax - bx) + abs(a // stride - b // stride)
        if distance < least:
            least = distance
            best = b
        if j == n_theirs - 1 and i < n_mine - 1:
            i += 1
        elif i == n_mine - 1 or ax >= bx:
            j += 1
        else:
            i += 1
    return best if landing_of(s, p, best) >= 0 else int64(NOWHERE)


@compiled(internal=True)
def _centre(s: State, p: int) -> tuple[int, int]:
    """Return the centre of the box around the longest piece of p's border, as x, y."""
    n = find_clusters(s, p)
    main = 0
    for c in range(1, n):
        size = s.cluster_start[c + 1] - s.cluster_start[c]
        if size > s.cluster_start[main + 1] - s.cluster_start[main]:
            main = c
    stride = s.shape[2]
    x0, x1, y0, y1 = stride, int64(0), s.shape[3], int64(0)
    for i in range(s.cluster_start[main], s.cluster_start[main + 1]):
        tile = int64(s.clusters[i])
        y = tile // stride
        x = tile - y * stride
        x0, x1, y0, y1 = min(x0, x), max(x1, x), min(y0, y), max(y1, y)
    return x0 + (x1 - x0) // 2, y0 + (y1 - y0) // 2


@compiled(internal=True)
def nearest_islander(s: State, p: int) -> int:
    """Return the nearest weaker player that a boat of p reaches, or the next one with 1/3, else 0.

    Distances are those between the middles of the players' lands.
    """
    if not may_sail(s, p) or not has_shore(s.flags, s.border_next, int64(s.border_head[p])):
        return int64(0)
    players = s.mind_lists[ENEMIES]
    distances = s.mind_lists[TRIBES]
    x, y = _centre(s, p)
    n = 0
    for q in range(1, s.tiles.shape[0]):
        if (
            q == p
            or s.tiles[q] == 0
            or s.troops[q] >= s.troops[p]
            or is_allied(s.pacts, s.clock, p, q)
        ):
            continue
        qx, qy = _centre(s, q)
        distance = abs(x - qx) + abs(y - qy)
        insert_nearest(players, distances, n, q, distance)
        n += 1
    first = int64(0)
    for i in range(n):
        q = int64(players[i])
        if shore_towards(s, p, q) < 0:
            continue
        if first != 0:
            return q if draw(s.streams, p, int64(3)) == 0 else first
        first = q
    return first


@compiled(internal=True)
def _random_target(s: State, p: int, source: int, among_weak: bool) -> int:
    """Return a random tile within 150 of a shore tile for a boat of p, -1 if 500 tries found none.

    Args:
        among_weak: neutral land and tribes alone.
    """
    unreached = s.mind_lists[TRIBES]
    for q in range(s.tiles.shape[0]):
        unreached[q] = 0
    stride = s.shape[2]
    y0 = source // stride
    x0 = source - y0 * stride
    for _ in range(_TRIES):
        x = x0 + draw(s.streams, p, int64(2 * _REACH)) - _REACH
        y = y0 + draw(s.streams, p, int64(2 * _REACH)) - _REACH
        if x < 1 or x > s.shape[0] or y < 1 or y > s.shape[1]:
            continue
        tile = int64(y * stride + x)
        q = int64(s.owner[tile])
        if q == p or q >= _OFF_MAP:
            continue
        if q != 0:
            if unreached[q] or (s.mind_lists[NEAR, q] and not is_allied(s.pacts, s.clock, p, q)):
                continue
            if s.troops[q] > s.troops[p] or (among_weak and s.kind[q] != _BOT):
                continue
            if not among_weak and is_allied(s.pacts, s.clock, p, q):
                continue
        if landing_of(s, p, tile) >= 0:
            return tile
        if q != 0:
            unreached[q] = 1
    return int64(NOWHERE)


@compiled(internal=True)
def random_target(s: State, p: int) -> int:
    """Return a random tile for a boat of p, -1 for none: best of nobody or of a tribe."""
    if not may_sail(s, p):
        return int64(NOWHERE)
    source = random_shore(s, p)
    if source < 0:
        return source
    tile = _random_target(s, p, source, True)
    return tile if tile >= 0 else _random_target(s, p, source, False)
