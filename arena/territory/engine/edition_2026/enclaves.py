"""Enclaves in edition 2026: what differs from enclaves.py.

A player below 100 tiles is checked in every tick in which one of its tiles changed, any other every
20 ticks. The longest border cluster is the main one; the others follow in order of discovery.

- The main cluster falls when none of its tiles is on the map's edge or touches land of nobody or
  water, all its foreign neighbours belong to one enemy, and the bounding box of *those neighbouring
  tiles* contains the cluster's.
- The captor is the neighbouring enemy with the largest running attack on the player, else the one
  with the most contacts, the first met of equal ones. Neutral neighbours and allies are ignored.
"""

from __future__ import annotations

from arena.territory.engine import rules
from arena.territory.engine.alliances import is_allied
from arena.territory.engine.compiled import compiled
from arena.territory.engine.enclaves import capture, cluster_is_surrounded, find_clusters
from arena.territory.engine.state import EDGE, State

_WATER = rules.WATER
_OFF_MAP = rules.OFF_MAP


@compiled(internal=True)
def _main_is_surrounded(s: State, p: int, start: int, end: int) -> bool:
    stride = s.shape[2]
    enemy = 0
    x0, x1, y0, y1 = stride, 0, s.shape[3], 0
    ex0, ex1, ey0, ey1 = stride, 0, s.shape[3], 0
    for i in range(start, end):
        tile = s.clusters[i]
        if s.flags[tile] & EDGE:
            return False
        y = tile // stride
        x = tile - y * stride
        x0, x1, y0, y1 = min(x0, x), max(x1, x), min(y0, y), max(y1, y)
        for step in (-stride, stride, -1, 1):
            q = s.owner[tile + step]
            if q == 0 or q == _WATER:
                return False
            if q != p and q != _OFF_MAP:
                if enemy == 0:
                    enemy = q
                elif enemy != q:
                    return False
                y = (tile + step) // stride
                x = (tile + step) - y * stride
                ex0, ex1, ey0, ey1 = min(ex0, x), max(ex1, x), min(ey0, y), max(ey1, y)
    if enemy == 0:
        return False
    return ex0 <= x0 and ex1 >= x1 and ey0 <= y0 and ey1 >= y1


@compiled(internal=True)
def _contacts(s: State, q: int, start: int, end: int) -> tuple[int, int]:
    """Return how often a cluster touches q, and where it does so first."""
    stride = s.shape[2]
    n = 0
    first = 0
    for i in range(start, end):
        tile = s.clusters[i]
        for step in (-stride, stride, -1, 1):
            if s.owner[tile + step] == q:
                if n == 0:
                    first = 4 * i
                    if step != -stride:
                        first += 1 if step == stride else (2 if step == -1 else 3)
                n += 1
    return n, first


@compiled(internal=True)
def _captor(s: State, p: int, start: int, end: int) -> int:
    """Return the enemy that captures the cluster, 0 for nobody."""
    largest = 0.0
    attacker = 0
    most = 0
    earliest = 0
    neighbour = 0
    for q in range(1, s.tiles.shape[0]):
        if q == p or s.tiles[q] == 0 or is_allied(s.pacts, s.clock, p, q):
            continue
        n, first = _contacts(s, q, start, end)
        if n == 0:
            continue
        a = s.slot_of[q, p]
        while a >= 0:
            if s.attack_troops[a] > largest:
                largest = s.attack_troops[a]
                attacker = q
            a = s.attack_next[a]
        if n > most or (n == most and first < earliest):
            most = n
            earliest = first
            neighbour = q
    return attacker if attacker != 0 else neighbour


@compiled(internal=True)
def capture_enclaves_2026(s: State, p: int) -> None:
    """Check player p once: its longest border first, then the others as they were found."""
    n = find_clusters(s, p)
    main = 0
    for c in range(1, n):
        size = s.cluster_start[c + 1] - s.cluster_start[c]
        if size > s.cluster_start[main + 1] - s.cluster_start[main]:
            main = c
    if n:
        start = s.cluster_start[main]
        end = s.cluster_start[main + 1]
        if _main_is_surrounded(s, p, start, end):
            capture(s, p, start, end, _captor(s, p, start, end))
    for c in range(n):
        start = s.cluster_start[c]
        end = s.cluster_start[c + 1]
        if c != main and cluster_is_surrounded(s, p, start, end):
            capture(s, p, start, end, _captor(s, p, start, end))
