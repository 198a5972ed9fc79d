"""Who owns which tile, and everything that follows from one tile changing hands.

`change_owner` keeps these up to date, exactly and at a cost independent of the map's size: tile
counts, the players' border lists (in the order of joining, which decides who captures enclaves),
the contact table behind actions and masks, and the count pyramid and the ring of recent changes
behind the observation.

A border tile of p is a tile of p with a 4-neighbour of another owner; water and neutral land count
as other owners, the edge of the map does not. contact[p, d, q] is the number of border tiles of p
whose tile one further in direction d is land of q (q = P + 1 counts water).
"""

from __future__ import annotations

import numpy as np

from arena.territory.engine import rules
from arena.territory.engine.compiled import compiled, int64
from arena.territory.engine.state import (
    BUILT,
    CELL,
    EVENT_MASK,
    GRID,
    LOST_LAND,
    MIXED,
    N_ALIVE,
    N_EVENTS,
    PLAYABLE,
    STAMP,
    TICK,
    State,
)

_WATER = rules.WATER
_OFF_MAP = rules.OFF_MAP
# directions to count contacts in, as (first, step)
_ALL, _DIAGONAL = (int64(0), int64(1)), (int64(1), int64(2))
_PLUS, _MINUS = int64(1), int64(-1)


@compiled(inline=True, internal=True)
def is_border(owner: np.ndarray, stride: int, tile: int, p: int) -> bool:
    """Return whether a tile of p is one of its border tiles; `owner` is State.owner."""
    a = owner[tile - stride]
    b = owner[tile + stride]
    c = owner[tile - 1]
    d = owner[tile + 1]
    return (
        (a != p and a != _OFF_MAP)
        or (b != p and b != _OFF_MAP)
        or (c != p and c != _OFF_MAP)
        or (d != p and d != _OFF_MAP)
    )


@compiled(inline=True, internal=True)
def _join_border(s: State, tile: int, p: int) -> None:
    tail = s.border_tail[p]
    s.border_next[tile] = -1
    s.border_prev[tile] = tail
    if tail < 0:
        s.border_head[p] = tile
    else:
        s.border_next[tail] = tile
    s.border_tail[p] = tile
    s.border_size[p] += 1


@compiled(inline=True, internal=True)
def _leave_border(s: State, tile: int, p: int) -> None:
    before = s.border_prev[tile]
    after = s.border_next[tile]
    if before < 0:
        s.border_head[p] = after
    else:
        s.border_next[before] = after
    if after < 0:
        s.border_tail[p] = before
    else:
        s.border_prev[after] = before
    s.border_prev[tile] = -2
    s.border_size[p] -= 1


@compiled(inline=True, internal=True)
def _count_contacts(
    owner: np.ndarray,
    offsets: np.ndarray,
    contact: np.ndarray,
    tile: int,
    p: int,
    directions: tuple[int, int],
    sign: int,
) -> None:
    """Add `sign` for the foreign tiles around a tile of p, in directions first, first + step, .."""
    water = contact.shape[2] - 1
    for d in range(directions[0], 8, directions[1]):
        q = owner[tile + offsets[d]]
        if q != p and q != _OFF_MAP:
            if q == _WATER:
                contact[p, d, water] += sign
            else:
                contact[p, d, q] += sign


@compiled(inline=True, internal=True)
def _refresh_border(s: State, tile: int, count_all: bool) -> None:
    """Update the border list for one tile.

    `count_all` is set for the tile that changed (all eight contacts are new); for its neighbours
    only the diagonals can be affected, since their cardinal contacts are counted by the caller.
    """
    p = int64(s.owner[tile])
    if p == 0 or p >= _OFF_MAP:
        return
    was = s.border_prev[tile] != -2
    now = is_border(s.owner, s.shape[2], tile, p)
    if now and not was:
        _join_border(s, tile, p)
        if not count_all:
            _count_contacts(s.owner, s.offsets, s.contact, tile, p, _DIAGONAL, _PLUS)
    elif was and not now:
        _leave_border(s, tile, p)
        _count_contacts(s.owner, s.offsets, s.contact, tile, p, _DIAGONAL, _MINUS)
    if count_all and now:
        _count_contacts(s.owner, s.offsets, s.contact, tile, p, _ALL, _PLUS)


@compiled(inline=True, internal=True)
def change_owner(s: State, tile: int, new: int) -> None:
    """Give a land tile to `new` (0 for neutral); do nothing if it is already theirs."""
    old = int64(s.owner[tile])
    if old == new:
        return
    tick = s.clock[TICK]
    playable = 1 if s.flags[tile] & PLAYABLE else 0

    # 1. Subtract what the tile counted for before.
    for d in range(8):
        u = tile + s.offsets[d]
        p = s.owner[u]
        if p != old and p != 0 and p < _OFF_MAP and s.border_prev[u] != -2:
            s.contact[p, (d + 4) & 7, old] -= 1
    if old != 0:
        if s.border_prev[tile] != -2:
            _count_contacts(s.owner, s.offsets, s.contact, tile, old, _ALL, _MINUS)
            _leave_border(s, tile, old)
        s.tiles[old] -= 1
        s.playable_tiles[old] -= playable
        s.last_change[old] = tick
        if s.flags[tile] & BUILT:
            s.ledger[old, LOST_LAND] = 1
        if s.tiles[old] == 0:
            s.eliminated_tick[old] = tick
            s.tiles_at_death[old] = s.tiles_before[old]
            s.clock[N_ALIVE] -= 1

    # 2. The change itself.
    s.owner[tile] = new
    if new != 0:
        if s.tiles[new] == 0:
            s.eliminated_tick[new] = -1
            s.clock[N_ALIVE] += 1
        s.tiles[new] += 1
        s.playable_tiles[new] += playable
        s.last_change[new] = tick

    # 3. Borders, the tile first, then its neighbours N, S, W, E.
    stride = s.shape[2]
    for step in (0, -stride, stride, -1, 1):
        _refresh_border(s, tile + step, step == 0)

    # 4. Count the tile for its new owner.
    for d in range(8):
        u = tile + s.offsets[d]
        p = s.owner[u]
        if p != new and p != 0 and p < _OFF_MAP and s.border_prev[u] != -2:
            s.contact[p, (d + 4) & 7, new] += 1

    # 5. Pyramid and recent changes.
    y = tile // stride
    x = tile - y * stride
    cell_x = s.cell_of_x[x]
    first = s.cell_of_y[y]
    cell = first + cell_x
    s.cell_counts[cell, old] -= 1
    s.cell_counts[cell, new] += 1
    is_full = s.cell_counts[cell, new] == s.clock[CELL] * s.clock[CELL]
    s.cell_uniform[cell] = new if is_full else MIXED
    at = s.clock[N_EVENTS] & EVENT_MASK
    s.clock[N_EVENTS] += 1
    s.event_at[at, 0] = cell_x
    s.event_at[at, 1] = first // s.clock[GRID]
    s.event_at[at, 2] = x - 1
    s.event_at[at, 3] = y - 1
    s.event_owners[at, 0] = old
    s.event_owners[at, 1] = new
    s.event_tick[at] = tick


@compiled(internal=True)
def take_tile(s: State, tile: int, new: int) -> None:
    """Call `change_owner` without inlining, for places where speed does not matter.

    All arguments are int64, so that it is compiled once.
    """
    change_owner(s, tile, new)


@compiled()
def take_tiles(s: State, tiles: np.ndarray, owners: np.ndarray) -> None:
    """Give tiles to owners one after the other; int64[n] each."""
    for i in range(tiles.shape[0]):
        take_tile(s, tiles[i], owners[i])


@compiled(internal=True)
def next_stamp(s: State) -> int:
    """Return a value that no tile of `mark` holds: an empty "visited" set at no cost."""
    s.clock[STAMP] += 1
    if s.clock[STAMP] == 2_000_000_000:  # before int32 overflows
        s.mark[:] = 0
        s.clock[STAMP] = 1
    return int(s.clock[STAMP])


@compiled(inline=True, internal=True)
def border_contact(contact: np.ndarray, p: int, q: int) -> int:
    """Return the length of the common 4-neighbour border of p and owner q (P + 1: water)."""
    return int(contact[p, 0, q] + contact[p, 2, q] + contact[p, 4, q] + contact[p, 6, q])
