"""The attacks' priority queues: exact bucket queues that share one array of nodes.

priority = (k + 10) * (1 - 0.5 * own + m / 2) + t with k in 0..6, own in 0..4, m in {1, 1.5, 2}.
Four times that is the integer 4 t + x with x in -32..128, so a queue needs no heap: a circular
window of 256 buckets holds every priority that can still be pushed, and entries that leave the
window as t advances are appended, in order, to one first-in-first-out list of old entries. All old
entries are below all others, so the lowest entry is always found in constant time.

A tile may be queued several times; the border set (one bit per tile and attack) holds it once.
"""

from __future__ import annotations

import numpy as np

from arena.territory.engine import rules
from arena.territory.engine.compiled import compiled, int64
from arena.territory.engine.numerics import draw
from arena.territory.engine.state import (
    FAULT,
    FAULT_NODES,
    FREE_NODE,
    NEXT_NODE,
    TERRAIN_BITS,
    TICK,
    WINDOW,
    State,
)

_LOWEST = -32
_JITTER = int64(7)  # k in 0..6
_MASK = WINDOW - 1
_OFF_MAP = rules.OFF_MAP


@compiled(inline=True, internal=True)
def advance_window(s: State, a: int, tick: int) -> None:
    """Move the window of attack a to the priorities that can be pushed at `tick`."""
    base = 4 * tick + _LOWEST
    low = s.queue_base[a]
    last = min(base, low + WINDOW)
    for priority in range(low, last):
        b = priority & _MASK
        head = s.bucket_head[a, b]
        if head >= 0:
            if s.old_tail[a] < 0:
                s.old_head[a] = head
            else:
                s.node_next[s.old_tail[a]] = head
            s.old_tail[a] = s.bucket_tail[a, b]
            s.bucket_head[a, b] = -1
            s.bucket_tail[a, b] = -1
    s.queue_base[a] = base
    if s.queue_low[a] < base:
        s.queue_low[a] = base


@compiled(inline=True, internal=True)
def push(s: State, a: int, tile: int, priority: int) -> None:
    """Queue a tile at an integer priority inside the window."""
    node = s.clock[FREE_NODE]
    if node >= 0:
        s.clock[FREE_NODE] = s.node_next[node]
    else:
        node = s.clock[NEXT_NODE]
        if node >= s.node_tile.shape[0]:
            s.clock[FAULT] = FAULT_NODES
            return
        s.clock[NEXT_NODE] = node + 1
    s.node_tile[node] = tile
    s.node_next[node] = -1
    b = priority & _MASK
    tail = s.bucket_tail[a, b]
    if tail < 0:
        s.bucket_head[a, b] = node
    else:
        s.node_next[tail] = node
    s.bucket_tail[a, b] = node
    if priority < s.queue_low[a]:
        s.queue_low[a] = priority
    s.queue_size[a] += 1


@compiled(inline=True, internal=True)
def pop(s: State, a: int) -> int:
    """Remove and return the tile with the lowest priority; the queue must not be empty."""
    node = s.old_head[a]
    if node >= 0:
        after = s.node_next[node]
        s.old_head[a] = after
        if after < 0:
            s.old_tail[a] = -1
    else:
        low = s.queue_low[a]
        while s.bucket_head[a, low & _MASK] < 0:
            low += 1
        s.queue_low[a] = low
        b = low & _MASK
        node = s.bucket_head[a, b]
        after = s.node_next[node]
        s.bucket_head[a, b] = after
        if after < 0:
            s.bucket_tail[a, b] = -1
    s.node_next[node] = s.clock[FREE_NODE]
    s.clock[FREE_NODE] = node
    s.queue_size[a] -= 1
    return int64(s.node_tile[node])


@compiled(inline=True, internal=True)
def _release_chain(s: State, a: int, head: int) -> None:
    while head >= 0:
        tile = s.node_tile[head]
        s.border_set[a, tile >> 3] = 0
        after = int(s.node_next[head])
        s.node_next[head] = s.clock[FREE_NODE]
        s.clock[FREE_NODE] = head
        head = after


@compiled(internal=True)
def clear(s: State, a: int) -> None:
    """Empty the queue and the border set of attack a; every tile of the set is in the queue."""
    _release_chain(s, a, int(s.old_head[a]))
    s.old_head[a] = -1
    s.old_tail[a] = -1
    for b in range(WINDOW):
        head = int(s.bucket_head[a, b])
        if head >= 0:
            _release_chain(s, a, head)
            s.bucket_head[a, b] = -1
            s.bucket_tail[a, b] = -1
    s.queue_size[a] = 0
    s.attack_border[a] = 0
    s.queue_base[a] = 4 * s.clock[TICK] + _LOWEST
    s.queue_low[a] = s.queue_base[a]


@compiled(inline=True, internal=True)
def set_remove(s: State, a: int, tile: int) -> None:
    """Remove a tile from the border set, if it is in it."""
    bit = np.uint8(1 << (tile & 7))
    byte = s.border_set[a, tile >> 3]
    if byte & bit:
        s.border_set[a, tile >> 3] = byte & ~bit
        s.attack_border[a] -= 1


@compiled(inline=True, internal=True)
def push_neighbours(s: State, a: int, tile: int) -> None:
    """Queue the 4-neighbours of `tile` (N, S, W, E) that the target of attack a owns."""
    me = int64(s.attacker[a])
    target = int64(s.target[a])
    stride = s.shape[2]
    base = 4 * s.clock[TICK]
    for i in range(4):
        if i == 0:
            n = tile - stride
        elif i == 1:
            n = tile + stride
        elif i == 2:
            n = tile - 1
        else:
            n = tile + 1
        if s.owner[n] != target:
            continue
        bit = np.uint8(1 << (n & 7))
        byte = s.border_set[a, n >> 3]
        if not byte & bit:
            s.border_set[a, n >> 3] = byte | bit
            s.attack_border[a] += 1
        own = 0
        if s.owner[n - stride] == me:
            own += 1
        if s.owner[n + stride] == me:
            own += 1
        if s.owner[n - 1] == me:
            own += 1
        if s.owner[n + 1] == me:
            own += 1
        m = int(s.flags[n] & TERRAIN_BITS)
        # 4 * (1 - own / 2 + m / 2) with m = 1, 1.5, 2 for the three terrains
        push(s, a, n, base + (draw(s.streams, me, _JITTER) + 10) * (6 - 2 * own + m))
