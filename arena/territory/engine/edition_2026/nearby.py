"""Who is near a player in edition 2026: across the border, and across a river of up to 4 tiles.

And how a list is kept in order of distance.
"""

from __future__ import annotations

import numpy as np

from arena.territory.engine import rules
from arena.territory.engine.compiled import compiled, int64
from arena.territory.engine.land import border_contact
from arena.territory.engine.numerics import draw
from arena.territory.engine.state import NEAR, SHORE, State

_WATER = rules.WATER
_OFF_MAP = rules.OFF_MAP
_EACH_SHORE = 10  # every tenth shore tile of the border looks across the water
_ACROSS = 5  # tiles further


@compiled(internal=True)
def tile_across(s: State, tile: int, direction: int) -> int:
    """Return the land tile 5 steps from `tile` if the first enters water, else -1.

    Args:
        direction: 0, 2, 4 or 6 for N, E, S, W.
    """
    step = s.offsets[direction]
    if s.owner[tile + step] != _WATER:
        return -1
    stride = s.shape[2]
    y = tile // stride
    x = tile - y * stride
    if direction == 2:
        x += _ACROSS
    elif direction == 6:
        x -= _ACROSS
    elif direction == 4:
        y += _ACROSS
    else:
        y -= _ACROSS
    if x < 1 or x > s.shape[0] or y < 1 or y > s.shape[1]:
        return -1
    across = tile + _ACROSS * step
    return int(across) if s.owner[across] < _OFF_MAP else -1


@compiled(inline=True, internal=True)
def insert_nearest(
    items: np.ndarray, distances: np.ndarray, n: int, item: int, distance: int
) -> None:
    """Insert an item into a list of n, which is in order of distance, behind those as far."""
    at = n
    while at > 0 and distances[at - 1] > distance:
        distances[at] = distances[at - 1]
        items[at] = items[at - 1]
        at -= 1
    distances[at] = distance
    items[at] = item


@compiled(internal=True)
def random_shore(s: State, p: int) -> int:
    """Return a random shore tile of p's border, -1 if it has none."""
    flags, after, streams = s.flags, s.border_next, s.streams
    n = int64(0)
    found = int64(-1)
    tile = int64(s.border_head[p])
    while tile >= 0:
        if flags[tile] & SHORE:
            n += 1
            if draw(streams, p, n) == 0:
                found = tile
        tile = int64(after[tile])
    return found


@compiled(internal=True)
def has_shore(flags: np.ndarray, after: np.ndarray, head: int) -> bool:
    """Return whether a border has a shore tile.

    Args:
        flags, after, head: State.flags, State.border_next, State.border_head of the player.
    """
    tile = head
    while tile >= 0:
        if flags[tile] & SHORE:
            return True
        tile = int64(after[tile])
    return False


@compiled(internal=True)
def find_near(s: State, p: int) -> None:
    """Write State.mind_lists[NEAR]: by owner 0 not near, 1 across the border, 2 across a river."""
    near = s.mind_lists[NEAR]
    for q in range(s.tiles.shape[0]):
        near[q] = 1 if q != p and border_contact(s.contact, p, q) > 0 else 0
    if border_contact(s.contact, p, s.contact.shape[2] - 1) == 0:
        return
    n = 0
    tile = int(s.border_head[p])
    while tile >= 0:
        if s.flags[tile] & SHORE:
            if n % _EACH_SHORE == 0:
                for direction in range(0, 8, 2):
                    across = tile_across(s, tile, direction)
                    if across >= 0:
                        q = int(s.owner[across])
                        if q != p and near[q] == 0:
                            near[q] = 2
            n += 1
        tile = int(s.border_next[tile])
