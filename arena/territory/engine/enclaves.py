"""Enclaves: land that one enemy has surrounded changes hands without fighting.

A player is checked at most every 20 ticks, and only when one of its tiles changed since the last
check. Clusters are the 8-connected components of its *border* tiles; the longest is the main one.

- The main cluster falls when none of its tiles is on the map's edge or touches neutral land or
  water, all its foreign neighbours belong to one enemy, and the bounding box of that enemy's border
  contains the cluster's.
- Every other cluster falls when none of its tiles is on the map's edge or a shore, it has enemy
  neighbours, and the bounding box of those neighbour tiles contains the cluster's.

The captor is the neighbour with the largest running attack on the player, else the first neighbour
met; if that is neutral land (or water), nothing happens.
"""

from __future__ import annotations

from arena.territory.engine import rules
from arena.territory.engine.compiled import compiled, int64
from arena.territory.engine.gold import take_gold
from arena.territory.engine.land import next_stamp, take_tile
from arena.territory.engine.state import EDGE, EDITION, SHORE, State

_WATER = rules.WATER
_OFF_MAP = rules.OFF_MAP


@compiled(internal=True)
def find_clusters(s: State, p: int) -> int:
    """Fill s.clusters and s.cluster_start with p's border clusters; return their number.

    First every border tile is marked, then each loses its mark when a cluster takes it: looking at
    a neighbour is one look-up, where owner, border and "visited" are three (docs/speed.md).
    """
    stamp = next_stamp(s)
    stride = s.shape[2]
    size = 0
    tile = s.border_head[p]
    while tile >= 0:
        s.mark[tile] = stamp
        s.scratch[size] = tile
        size += 1
        tile = s.border_next[tile]
    n = 0
    end = 0
    for i in range(size):
        tile = s.scratch[i]
        if s.mark[tile] != stamp:
            continue
        s.cluster_start[n] = end
        n += 1
        s.mark[tile] = 0
        s.clusters[end] = tile
        at = end
        end += 1
        while at < end:
            current = s.clusters[at]
            at += 1
            for dx in range(-1, 2):
                for dy in range(-1, 2):
                    u = current + dy * stride + dx
                    if s.mark[u] == stamp:
                        s.mark[u] = 0
                        s.clusters[end] = u
                        end += 1
    s.cluster_start[n] = end
    return n


@compiled(internal=True)
def _main_is_surrounded(s: State, p: int, start: int, end: int) -> bool:
    stride = s.shape[2]
    enemy = 0
    x0, x1, y0, y1 = stride, 0, s.shape[3], 0
    for i in range(start, end):
        tile = s.clusters[i]
        if s.flags[tile] & EDGE:
            return False
        for step in (-stride, stride, -1, 1):
            q = s.owner[tile + step]
            if q == 0 or q == _WATER:
                return False
            if q != p and q != _OFF_MAP:
                if enemy == 0:
                    enemy = q
                elif enemy != q:
                    return False
        y = tile // stride
        x = tile - y * stride
        x0, x1, y0, y1 = min(x0, x), max(x1, x), min(y0, y), max(y1, y)
    if enemy == 0:
        return False
    ex0, ex1, ey0, ey1 = stride, 0, s.shape[3], 0
    tile = s.border_head[enemy]
    while tile >= 0:
        y = tile // stride
        x = tile - y * stride
        ex0, ex1, ey0, ey1 = min(ex0, x), max(ex1, x), min(ey0, y), max(ey1, y)
        tile = s.border_next[tile]
    return ex0 <= x0 and ex1 >= x1 and ey0 <= y0 and ey1 >= y1


@compiled(internal=True)
def cluster_is_surrounded(s: State, p: int, start: int, end: int) -> bool:
    """Return whether a cluster that is not the main one falls."""
    stride = s.shape[2]
    x0, x1, y0, y1 = stride, 0, s.shape[3], 0
    ex0, ex1, ey0, ey1 = stride, 0, s.shape[3], 0
    for i in range(start, end):
        tile = s.clusters[i]
        if s.flags[tile] & (EDGE | SHORE):
            return False
        y = tile // stride
        x = tile - y * stride
        x0, x1, y0, y1 = min(x0, x), max(x1, x), min(y0, y), max(y1, y)
        for step in (-stride, stride, -1, 1):
            q = s.owner[tile + step]
            if q != p and q != 0 and q < _OFF_MAP:
                y = (tile + step) // stride
                x = (tile + step) - y * stride
                ex0, ex1, ey0, ey1 = min(ex0, x), max(ex1, x), min(ey0, y), max(ey1, y)
    if ex1 == 0:
        return False
    return ex0 <= x0 and ex1 >= x1 and ey0 <= y0 and ey1 >= y1


@compiled(internal=True)
def _captor(s: State, p: int, start: int, end: int) -> int:
    """Return the owner that captures the cluster, 0 for nobody."""
    stride = s.shape[2]
    first = -1
    largest = 0.0
    captor = 0
    for i in range(start, end):
        tile = s.clusters[i]
        for step in (-stride, stride, -1, 1):
            q = int(s.owner[tile + step])
            if q == p or q == _OFF_MAP:
                continue
            if q == _WATER:
                q = 0
            if first < 0:
                first = q
            if q != 0:
                a = s.slot_of[q, p]
                if a >= 0 and s.attack_troops[a] > largest:
                    largest = s.attack_troops[a]
                    captor = q
    if captor != 0:
        return captor
    return max(first, 0)


@compiled(internal=True)
def capture(s: State, p: int, start: int, end: int, captor: int) -> None:
    """Give the region around a cluster to `captor`, unless some of it has changed hands.

    If it is all that the player has, its gold goes along (2026).

    Args:
        captor: an owner; 0 is nobody, and nothing happens.
    """
    if captor == 0:
        return
    for i in range(start, end):
        if s.owner[s.clusters[i]] != p:
            return
    first = s.clusters[start]
    stamp = next_stamp(s)
    stride = s.shape[2]
    s.scratch[0] = first
    s.mark[first] = stamp
    at = 0
    n = 1
    while at < n:
        tile = s.scratch[at]
        at += 1
        for step in (-stride, stride, -1, 1):
            u = tile + step
            if s.mark[u] != stamp and s.owner[u] == p:
                s.mark[u] = stamp
                s.scratch[n] = u
                n += 1
    if s.clock[EDITION] != 0 and n == s.tiles[p]:
        take_gold(s.ledger, s.kind, int64(captor), int64(p))
    for i in range(n):
        take_tile(s, int64(s.scratch[i]), int64(captor))


@compiled(internal=True)
def _sort_clusters(s: State, n: int) -> None:
    """Fill s.cluster_order: longest first, equal ones in order of discovery (insertion sort)."""
    for c in range(n):
        size = s.cluster_start[c + 1] - s.cluster_start[c]
        at = c
        while at > 0:
            other = s.cluster_order[at - 1]
            if s.cluster_start[other + 1] - s.cluster_start[other] >= size:
                break
            s.cluster_order[at] = other
            at -= 1
        s.cluster_order[at] = c


@compiled(internal=True)
def capture_enclaves(s: State, p: int) -> None:
    """Check player p once, longest border first."""
    n = find_clusters(s, p)
    _sort_clusters(s, n)
    for rank in range(n):
        c = s.cluster_order[rank]
        start = s.cluster_start[c]
        end = s.cluster_start[c + 1]
        if rank == 0:
            surrounded = _main_is_surrounded(s, p, start, end)
        else:
            surrounded = cluster_is_surrounded(s, p, start, end)
        if surrounded:
            capture(s, p, start, end, _captor(s, p, start, end))
