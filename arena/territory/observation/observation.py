"""Observations at three scales, written for all seats of a match in one call.

This is the second hot path. Its cost follows the size of the views, the seat's border and the
recent changes, never the size of the map. Most channels are functions of a tile's owner: they are
packed into one 64-bit word per owner, so a tile costs one look-up for eight channels. The whole-map
view reads the count pyramid that the engine keeps as tiles change hands; the pooled windows read
tiles; fronts and recent changes are sparse and are stamped over.

Channels and scalars are described in views.py. Rotating the state of a square map by 90 degrees
rotates the views (windows are centred on corners between tiles, on lattices that rotate onto
themselves) and permutes the scalars' directions; nothing depends on the number of a seat, nor on
the order in which tiles changed hands within a tick.
"""

from __future__ import annotations

import math

import numpy as np

from arena.territory.engine import rules
from arena.territory.engine.actions import find_targets
from arena.territory.engine.compiled import compiled, int64
from arena.territory.engine.formulas import share_of
from arena.territory.engine.state import (
    CELL,
    EVENT_MASK,
    EVENT_RING,
    MIXED,
    N_EVENTS,
    N_PLAYABLE,
    TERRAIN_BITS,
    State,
)
from arena.territory.observation.buffers import (
    Facts,
    Scratch,
    SeatViews,
    empty_facts,
    empty_views,
    make_scratch,
)
from arena.territory.observation.facts import (
    attack_on,
    in_parts,
    observe_facts,
    sum_attacks,
    write_direction_scalars,
    write_own_scalars,
)
from arena.territory.observation.fronts import place_windows, stamp_changes, stamp_fronts
from arena.territory.observation.neighbours import write_neighbours

__all__ = (
    "Facts",
    "Scratch",
    "SeatViews",
    "empty_facts",
    "empty_views",
    "make_scratch",
    "observe",
    "observe_facts",
)

_WATER = np.uint8(rules.WATER)
_OFF_MAP = np.uint8(rules.OFF_MAP)
_MIXED = np.uint8(MIXED)
_LEFT = _FIRST = int64(0)
_GAINED = 10  # lost comes right after gained
# A block of 256 x 256 tiles (views of 512) has a heat of at most 4 * 14 * 2**16 < 2**22: sums of
# multiples of 2**-30 are exact in float64.
_HEAT_PARTS = 2.0**30
_LANES = np.uint64(0x00FF00FF00FF00FF)
_ROUND = np.uint64(0x0002000200020002)
_BYTE = np.uint64(255)
_U2, _U8, _U32 = np.uint64(2), np.uint64(8), np.uint64(32)


# --- channels by the owner of a tile --------------------------------------------------------------


@compiled(inline=True, internal=True)
def _byte(share: float) -> np.uint64:
    return np.uint64(int(255.0 * min(share, 1.0) + 0.5))


@compiled(internal=True)
def pack_channels(s: State, w: Scratch, p: int) -> None:
    """Fill w.packed, w.shades and w.heat_of as player p sees the owners.

    Byte k of a word in w.packed is the k-th of own, rival, neutral, nothing, strength, size,
    outgoing, incoming.
    """
    mine = float(s.troops[p])
    land = float(max(s.clock[N_PLAYABLE], 1))
    for q in range(s.tiles.shape[0]):
        word = np.uint64(0)
        outgoing = (
            share_of(attack_on(s.slot_of, s.attack_next, s.attack_troops, p, q), mine)
            if q != p
            else 0.0
        )
        if q == p:
            word = np.uint64(255)
            w.heat_of[q] = 0.0
        elif q == 0:
            word = np.uint64(255) << np.uint64(16)
            w.heat_of[q] = in_parts(1.0 + 3.0 * outgoing, _HEAT_PARTS)
        else:
            incoming = share_of(attack_on(s.slot_of, s.attack_next, s.attack_troops, q, p), mine)
            word = np.uint64(255) << _U8
            word |= _byte(share_of(float(s.troops[q]), mine)) << _U32
            word |= _byte(incoming) << np.uint64(56)
            w.heat_of[q] = in_parts(2.0 + 8.0 * incoming + 4.0 * outgoing, _HEAT_PARTS)
        if q != 0:
            word |= _byte(math.sqrt(s.tiles[q] / land)) << np.uint64(40)
        word |= _byte(outgoing) << np.uint64(48)
        w.packed[q] = word
        w.shades[q] = np.uint32(word >> _U32)


# --- one row of a view ----------------------------------------------------------------------------
# Loops over whole rows of bytes, one channel after the other: the compiler makes vector code of
# them, and the twelve planes of a power-of-two size do not evict each other.


@compiled(inline=True, internal=True)
def _mark(owners: np.ndarray, q: np.uint8, value: np.uint8, out: np.ndarray) -> None:
    """Write `value` where the owner is q, else 0."""
    for x in range(out.shape[0]):
        out[x] = value if owners[x] == q else np.uint8(0)


@compiled(inline=True, internal=True)
def _mark_rivals(owners: np.ndarray, p: np.uint8, out: np.ndarray) -> None:
    for x in range(out.shape[0]):
        q = owners[x]
        out[x] = np.uint8(255) if (q != p) & (q != np.uint8(0)) & (q < _MIXED) else np.uint8(0)


@compiled(inline=True, internal=True)
def _spread(words: np.ndarray, shift: int, out: np.ndarray) -> None:
    """Write one byte of each word."""
    by = np.uint32(shift)
    for x in range(out.shape[0]):
        out[x] = np.uint8(words[x] >> by)


@compiled(inline=True, internal=True)
def _look_up(w: Scratch, owners: np.ndarray) -> None:
    """Write the upper four channels of a row of owners to w.words; 0 for MIXED, water, off-map."""
    for x in range(owners.shape[0]):
        w.words[x] = w.shades[owners[x]]


@compiled(inline=True, internal=True)
def _write_marks(owners: np.ndarray, p: int, view: np.ndarray, y: int) -> None:
    _mark(owners, np.uint8(p), np.uint8(255), view[0, y])
    _mark_rivals(owners, np.uint8(p), view[1, y])
    _mark(owners, np.uint8(0), np.uint8(255), view[2, y])


@compiled(inline=True, internal=True)
def _write_shades(w: Scratch, view: np.ndarray, y: int) -> None:
    _spread(w.words, 0, view[5, y])
    _spread(w.words, 8, view[6, y])
    _spread(w.words, 16, view[7, y])
    _spread(w.words, 24, view[8, y])


@compiled(inline=True, internal=True)
def _write_mean(w: Scratch, word: np.uint64, view: np.ndarray, y: int, x: int) -> None:
    """Write a cell of several owners: its marks to the view, its shades to the row's words."""
    view[0, y, x] = np.uint8(word & _BYTE)
    view[1, y, x] = np.uint8((word >> _U8) & _BYTE)
    view[2, y, x] = np.uint8((word >> np.uint64(16)) & _BYTE)
    w.words[x] = np.uint32(word >> _U32)


@compiled(inline=True, internal=True)
def _fill(out: np.ndarray, value: np.uint8) -> None:
    for i in range(out.shape[0]):
        out[i] = value


@compiled(inline=True, internal=True)
def _copy_part(source: np.ndarray, y: int, x0: int, outside: np.uint8, out: np.ndarray) -> None:
    """Set out[i] to source[y, x0 + i], to `outside` where there is none."""
    size = out.shape[0]
    first = min(size, max(0, -x0))
    last = max(first, min(size, source.shape[1] - x0))
    if y < 0 or y >= source.shape[0]:
        first = last = size
    _fill(out[:first], outside)
    if last > first:
        inside = out[first:last]
        part = source[y, x0 + first : x0 + last]
        for i in range(inside.shape[0]):
            inside[i] = part[i]
    _fill(out[last:], outside)


# --- following the engine -------------------------------------------------------------------------


@compiled(inline=True, internal=True)
def _pair_at(owner: np.ndarray, stride: int, tile: int) -> int:
    """Return the single owner of the 2 x 2 tiles that begin at `tile`, else MIXED."""
    a = owner[tile]
    if a == owner[tile + 1] and a == owner[tile + stride] and a == owner[tile + stride + 1]:
        return int(a)
    return MIXED


@compiled(internal=True)
def _follow(s: State, w: Scratch) -> None:
    """Update the owners of pairs and the list of mixed cells.

    The pairs follow the engine's ring of changes; after more changes than the ring holds, they are
    read from the whole board.
    """
    newest = s.clock[N_EVENTS]
    before = w.seen_events[0]
    if newest == before:
        return
    w.seen_events[0] = newest
    stride = s.shape[2]
    if before < 0 or newest - before > EVENT_RING:
        for y in range(w.pair_owner.shape[0]):
            for x in range(w.pair_owner.shape[1]):
                w.pair_owner[y, x] = _pair_at(s.owner, stride, (2 * y + 1) * stride + 2 * x + 1)
    else:
        for i in range(before, newest):
            at = i & EVENT_MASK
            x = s.event_at[at, 2] >> 1
            y = s.event_at[at, 3] >> 1
            w.pair_owner[y, x] = _pair_at(s.owner, stride, (2 * y + 1) * stride + 2 * x + 1)
    n, end = 0, 0
    for c in range(s.cell_uniform.shape[0]):
        if s.cell_uniform[c] == MIXED:
            w.mixed_cells[n] = c
            w.mixed_start[n] = end
            n += 1
            for q in range(s.tiles.shape[0]):
                count = s.cell_counts[c, q]
                if count != 0:
                    w.mixed_owner[end] = q
                    w.mixed_weight[end] = w.weight_of[count]
                    end += 1
    w.mixed_cells[n] = s.cell_uniform.shape[0]  # beyond the last row
    w.mixed_start[n] = end


# --- the three views ------------------------------------------------------------------------------


@compiled(inline=True, internal=True)
def _mixed_cell(w: Scratch, i: int) -> np.uint64:
    """Return the area mean over a cell's owners, in 16-bit lanes; weights add up to <= 256."""
    even = np.uint64(0)
    odd = np.uint64(0)
    for k in range(w.mixed_start[i], w.mixed_start[i + 1]):
        word = w.packed[w.mixed_owner[k]]
        even += w.mixed_weight[k] * (word & _LANES)
        odd += w.mixed_weight[k] * ((word >> _U8) & _LANES)
    return ((even >> _U8) & _LANES) | (odd & ~_LANES)


@compiled(internal=True)
def _write_global(cell_uniform: np.ndarray, w: Scratch, p: int, view: np.ndarray) -> None:
    grid = view.shape[1]
    i = _FIRST
    for y in range(grid):
        owners = cell_uniform[y * grid : (y + 1) * grid]
        _write_marks(owners, p, view, y)
        _copy_part(w.cell_barrier, y, _LEFT, np.uint8(255), view[3, y])
        _copy_part(w.cell_terrain, y, _LEFT, np.uint8(0), view[4, y])
        _look_up(w, owners)
        while w.mixed_cells[i] < (y + 1) * grid:
            _write_mean(w, _mixed_cell(w, i), view, y, w.mixed_cells[i] - y * grid)
            i += 1
        _write_shades(w, view, y)


@compiled(inline=True, internal=True)
def _mean_of_four(a: np.uint64, b: np.uint64, c: np.uint64, d: np.uint64) -> np.uint64:
    """Return the rounded mean of each byte of four words, in 16-bit lanes."""
    even = (a & _LANES) + (b & _LANES) + (c & _LANES) + (d & _LANES) + _ROUND
    odd = ((a >> _U8) & _LANES) + ((b >> _U8) & _LANES)
    odd += ((c >> _U8) & _LANES) + ((d >> _U8) & _LANES) + _ROUND
    return ((even >> _U2) & _LANES) | (((odd >> _U2) & _LANES) << _U8)


@compiled(inline=True, internal=True)
def _has_mixed(owners: np.ndarray) -> bool:
    found = np.uint8(0)
    for x in range(owners.shape[0]):
        found |= np.uint8(owners[x] == _MIXED)
    return found != 0


@compiled(internal=True)
def _write_local(owner: np.ndarray, stride: int, w: Scratch, p: int, view: np.ndarray) -> None:
    """Write the window of 2 x 2 tiles per cell with corner w.origin[p, :2], both even."""
    size = view.shape[1]
    x0 = w.origin[p, 0]
    y0 = w.origin[p, 1]
    owners = w.owners[:size]
    for ly in range(size):
        y = y0 + 2 * ly
        _copy_part(w.pair_owner, y >> 1, x0 >> 1, _OFF_MAP, owners)
        _write_marks(owners, p, view, ly)
        _copy_part(w.pair_barrier, y >> 1, x0 >> 1, np.uint8(255), view[3, ly])
        _copy_part(w.pair_terrain, y >> 1, x0 >> 1, np.uint8(0), view[4, ly])
        _look_up(w, owners)
        if _has_mixed(owners):
            for lx in range(size):
                if owners[lx] == _MIXED:
                    tile = (y + 1) * stride + x0 + 2 * lx + 1
                    word = _mean_of_four(
                        w.packed[owner[tile]],
                        w.packed[owner[tile + 1]],
                        w.packed[owner[tile + stride]],
                        w.packed[owner[tile + stride + 1]],
                    )
                    _write_mean(w, word, view, ly, lx)
        _write_shades(w, view, ly)


@compiled(inline=True, internal=True)
def _write_ground(owners: np.ndarray, flags: np.ndarray, view: np.ndarray, y: int) -> None:
    """Write barrier and terrain of a row of tiles."""
    barrier, terrain = view[3, y], view[4, y]
    for x in range(owners.shape[0]):
        q = owners[x]
        height = (flags[x] & np.uint8(TERRAIN_BITS)) + np.uint8(1)
        terrain[x] = np.uint8(0) if q >= _OFF_MAP else np.uint8(np.uint8(85) * height)
        water = np.uint8(128) if q == _WATER else np.uint8(0)
        barrier[x] = np.uint8(255) if q == _OFF_MAP else water


@compiled(internal=True)
def _write_tactical(
    owner: np.ndarray, flags: np.ndarray, w: Scratch, p: int, view: np.ndarray
) -> None:
    """Write the window of tiles with corner w.origin[p, 2:]; arrays are [height + 2, stride]."""
    size = view.shape[1]
    x = w.origin[p, 2] + 1
    owners = w.owners[:size]
    ground = w.ground[:size]
    for ty in range(size):
        y = w.origin[p, 3] + ty + 1
        _copy_part(owner, y, x, _OFF_MAP, owners)
        _copy_part(flags, y, x, np.uint8(0), ground)
        _write_marks(owners, p, view, ty)
        _write_ground(owners, ground, view, ty)
        _look_up(w, owners)
        _write_shades(w, view, ty)


@compiled()
def observe(
    s: State, w: Scratch, rows: np.ndarray, max_ticks: int, mask: np.ndarray, v: SeatViews
) -> None:
    """Write the full observation of all players with a row.

    Args:
        rows: int64[P], row of each spawn index in the buffers, -1 to leave it out. Rows of dead
            players are zeroed.
        max_ticks: length limit of the match, ticks.
        mask: int8[n, 45], from `observe_facts`.
        v: the buffers, written in place.
    """
    owner = s.owner.reshape((s.shape[1] + 2, s.shape[2]))
    flags = s.flags.reshape((s.shape[1] + 2, s.shape[2]))
    _follow(s, w)
    sum_attacks(s, w)
    w.row_of[:] = -1
    for i in range(rows.shape[0]):
        row = rows[i]
        if row < 0:
            continue
        p = i + 1
        g, lo, t = v.global_[row], v.local[row], v.tactical[row]
        if s.tiles[p] == 0:
            g[:] = 0
            lo[:] = 0
            t[:] = 0
            v.scalars[row] = 0.0
            v.neighbours[row] = 0.0
            continue
        w.row_of[p] = row
        pack_channels(s, w, p)
        n = place_windows(s, w, p, lo.shape[1], t.shape[1])
        _write_global(s.cell_uniform, w, p, g)
        _write_local(s.owner, s.shape[2], w, p, lo)
        _write_tactical(owner, flags, w, p, t)
        stamp_fronts(s.scratch[:n], s.clock[CELL], w.origin[p], g, lo, t)
        g[_GAINED:] = 0
        lo[_GAINED:] = 0
        t[_GAINED:] = 0
        find_targets(s, p, s.direction_target, s.direction_contact)
        write_own_scalars(s, w, p, max_ticks, v.scalars[row])
        write_direction_scalars(s, w, p, s.direction_target, mask[row], v.scalars[row])
        if v.neighbours.shape[2] > 0:  # from version 2 on
            write_neighbours(s, w, p, s.direction_target, mask[row], v.neighbours[row])
    stamp_changes(s, w, v)


@compiled()
def observe_scalars(
    s: State, w: Scratch, rows: np.ndarray, max_ticks: int, mask: np.ndarray, v: SeatViews
) -> None:
    """Write the scalars and the neighbours of all players with a row, and none of the views.

    For networks that read no views, which are seven tenths of an observation's time (44 us of a
    row against 12, 128 x 128, one x86 core). Whoever observes the views later sees the same as if
    they had been written at every decision.

    Args:
        as `observe`.
    """
    sum_attacks(s, w)
    for i in range(rows.shape[0]):
        row = rows[i]
        if row < 0:
            continue
        p = i + 1
        if s.tiles[p] == 0:
            v.scalars[row] = 0.0
            v.neighbours[row] = 0.0
            continue
        find_targets(s, p, s.direction_target, s.direction_contact)
        write_own_scalars(s, w, p, max_ticks, v.scalars[row])
        write_direction_scalars(s, w, p, s.direction_target, mask[row], v.scalars[row])
        if v.neighbours.shape[2] > 0:  # from version 2 on
            write_neighbours(s, w, p, s.direction_target, mask[row], v.neighbours[row])
