"""Three-scale observations, written for all seats of a match at once: the second hot path.

Cost follows the size of the views, the seat's border and the recent changes, never the size of the
map.  Most channels are functions of a tile's owner: they are packed into one 64-bit word per owner,
so a tile costs one look-up for eight channels.  The whole-map view reads the count pyramid that the
engine keeps as tiles change hands; the pooled windows read tiles; fronts and recent changes are
sparse and are stamped over.

Channels and scalars are described in views.py.  Rotating the state of a square map by 90 degrees
rotates the views (windows are centred on corners between tiles, on lattices that rotate onto
themselves) and permutes the scalars' directions; nothing depends on the number of a seat.
"""

from __future__ import annotations

import math

import numpy as np

from arena.territory import rules
from arena.territory.actions import find_targets
from arena.territory.compiled import compiled
from arena.territory.fronts import place_windows, stamp_changes, stamp_fronts
from arena.territory.observation_buffers import (
    Facts,
    Scratch,
    SeatViews,
    empty_facts,
    empty_views,
    make_scratch,
)
from arena.territory.seat_facts import (
    attack_on,
    observe_facts,
    share_of,
    sum_attacks,
    write_direction_scalars,
    write_own_scalars,
)
from arena.territory.state import GRID, MIXED, N_PLAYABLE, State

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

_WATER = rules.WATER
_OFF_MAP = rules.OFF_MAP
_GAINED = 10  # lost comes right after gained
_LANES = np.uint64(0x00FF00FF00FF00FF)
_ROUND = np.uint64(0x0002000200020002)
_BYTE = np.uint64(255)
_U2, _U8 = np.uint64(2), np.uint64(8)


# --- what the owner of a tile tells ---------------------------------------------------------------


@compiled(inline=True, internal=True)
def _byte(share: float) -> np.uint64:
    return np.uint64(int(255.0 * min(share, 1.0) + 0.5))


@compiled(internal=True)
def _pack_channels(s: State, w: Scratch, p: int) -> None:
    """Fill w.packed (byte k of a word: k-th of own, rival, neutral, barrier, strength, size,
    outgoing, incoming) and w.heat_of for the eyes of player p."""
    mine = float(s.troops[p])
    land = float(max(s.clock[N_PLAYABLE], 1))
    w.packed[_OFF_MAP] = np.uint64(255) << np.uint64(24)
    w.packed[_WATER] = np.uint64(128) << np.uint64(24)
    for q in range(s.tiles.shape[0]):
        word = np.uint64(0)
        outgoing = share_of(attack_on(s, p, q), mine) if q != p else 0.0
        if q == p:
            word = np.uint64(255)
        elif q == 0:
            word = np.uint64(255) << np.uint64(16)
            w.heat_of[q] = 1.0 + 3.0 * outgoing
        else:
            incoming = share_of(attack_on(s, q, p), mine)
            word = np.uint64(255) << _U8
            word |= _byte(share_of(float(s.troops[q]), mine)) << np.uint64(32)
            word |= _byte(incoming) << np.uint64(56)
            w.heat_of[q] = 2.0 + 8.0 * incoming + 4.0 * outgoing
        if q != 0:
            word |= _byte(math.sqrt(s.tiles[q] / land)) << np.uint64(40)
        word |= _byte(outgoing) << np.uint64(48)
        w.packed[q] = word


@compiled(inline=True, internal=True)
def _spread(line: np.ndarray, shift: int, out: np.ndarray) -> None:
    """Write one byte of each packed word into a row of a channel."""
    by = np.uint64(shift)
    for x in range(out.shape[0]):
        out[x] = np.uint8((line[x] >> by) & _BYTE)


@compiled(internal=True)
def _unpack_line(line: np.ndarray, view: np.ndarray, y: int) -> None:
    """Spread a row of packed words over the owner channels of view [C, H, W].

    Channel by channel: cell by cell, the eight planes of a power-of-two size fall onto the same
    few cache lines and evict each other (four times slower).
    """
    _spread(line, 0, view[0, y])
    _spread(line, 8, view[1, y])
    _spread(line, 16, view[2, y])
    _spread(line, 24, view[3, y])
    _spread(line, 32, view[5, y])
    _spread(line, 40, view[6, y])
    _spread(line, 48, view[7, y])
    _spread(line, 56, view[8, y])


@compiled(inline=True, internal=True)
def _mean_of_four(a: np.uint64, b: np.uint64, c: np.uint64, d: np.uint64) -> np.uint64:
    """Rounded mean of each byte of four words, in 16-bit lanes."""
    even = (a & _LANES) + (b & _LANES) + (c & _LANES) + (d & _LANES) + _ROUND
    odd = ((a >> _U8) & _LANES) + ((b >> _U8) & _LANES)
    odd += ((c >> _U8) & _LANES) + ((d >> _U8) & _LANES) + _ROUND
    return ((even >> _U2) & _LANES) | (((odd >> _U2) & _LANES) << _U8)


# --- the three views ------------------------------------------------------------------------------


@compiled(internal=True)
def _mixed_cell(s: State, w: Scratch, c: int) -> np.uint64:
    """Area mean of the owners of a cell, in 16-bit lanes: the weights add up to at most 256."""
    even = np.uint64(0)
    odd = np.uint64(0)
    for q in range(s.tiles.shape[0]):
        n = s.cell_counts[c, q]
        if n != 0:
            weight = w.weight_of[n]
            even += weight * (w.packed[q] & _LANES)
            odd += weight * ((w.packed[q] >> _U8) & _LANES)
    return ((even >> _U8) & _LANES) | (odd & ~_LANES)


@compiled(internal=True)
def _write_global(s: State, w: Scratch, view: np.ndarray) -> None:
    grid = s.clock[GRID]
    for y in range(grid):
        for x in range(grid):
            owner = s.cell_uniform[y * grid + x]
            if owner != MIXED:
                w.line[x] = w.packed[owner]
            else:
                w.line[x] = _mixed_cell(s, w, y * grid + x)
        _unpack_line(w.line, view, y)
        _copy_row(w.cell_barrier, y, 0, view[3, y])
        _copy_row(w.cell_terrain, y, 0, view[4, y])


@compiled(inline=True, internal=True)
def _packed_at(s: State, w: Scratch, x: int, y: int) -> np.uint64:
    if 0 <= x < s.shape[0] and 0 <= y < s.shape[1]:
        return w.packed[s.owner[(y + 1) * s.shape[2] + x + 1]]
    return w.packed[_OFF_MAP]


@compiled(internal=True)
def _copy_row(source: np.ndarray, y: int, x0: int, out: np.ndarray) -> None:
    """out[i] = source[y, x0 + i], 0 outside."""
    out[:] = 0
    if 0 <= y < source.shape[0]:
        for i in range(max(0, -x0), min(out.shape[0], source.shape[1] - x0)):
            out[i] = source[y, x0 + i]


@compiled(internal=True)
def _write_local(s: State, w: Scratch, view: np.ndarray, x0: int, y0: int) -> None:
    """The window of 2 x 2 tiles per cell whose corner is (x0, y0), both even."""
    size = view.shape[1]
    stride = s.shape[2]
    for ly in range(size):
        y = y0 + 2 * ly
        first, last = 0, 0  # cells of this row that lie wholly on the map
        if y >= 0 and y + 1 < s.shape[1]:
            first = min(size, max(0, -x0 // 2))
            last = max(first, min(size, (s.shape[0] - x0) // 2))
        for lx in range(size):
            x = x0 + 2 * lx
            if first <= lx < last:
                tile = (y + 1) * stride + x + 1
                a = s.owner[tile]
                b = s.owner[tile + 1]
                c = s.owner[tile + stride]
                d = s.owner[tile + stride + 1]
                if a == b and a == c and a == d:
                    w.line[lx] = w.packed[a]
                else:
                    w.line[lx] = _mean_of_four(
                        w.packed[a], w.packed[b], w.packed[c], w.packed[d]
                    )
            else:
                w.line[lx] = _mean_of_four(
                    _packed_at(s, w, x, y),
                    _packed_at(s, w, x + 1, y),
                    _packed_at(s, w, x, y + 1),
                    _packed_at(s, w, x + 1, y + 1),
                )
        _unpack_line(w.line, view, ly)
        _copy_row(w.pair_terrain, y >> 1, x0 >> 1, view[4, ly])


@compiled(internal=True)
def _write_tactical(s: State, w: Scratch, view: np.ndarray, x0: int, y0: int) -> None:
    size = view.shape[1]
    for ty in range(size):
        for tx in range(size):
            w.line[tx] = _packed_at(s, w, x0 + tx, y0 + ty)
        _unpack_line(w.line, view, ty)
        _copy_row(w.tile_terrain, y0 + ty, x0, view[4, ty])


@compiled()
def observe(
    s: State, w: Scratch, rows: np.ndarray, max_ticks: int, mask: np.ndarray, v: SeatViews
) -> None:
    """The full observation of all players with a row.

    Args:
        rows: int64[P], row of each spawn index in the buffers, -1 to leave it out.  Rows of the
            dead are zeroed.
        max_ticks: length limit of the match, ticks.
        mask: int8[n, 45], from `observe_facts`.
        v: the buffers, written in place.
    """
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
            continue
        w.row_of[p] = row
        _pack_channels(s, w, p)
        n = place_windows(s, w, p, lo.shape[1], t.shape[1])
        _write_global(s, w, g)
        _write_local(s, w, lo, w.origin[p, 0], w.origin[p, 1])
        _write_tactical(s, w, t, w.origin[p, 2], w.origin[p, 3])
        stamp_fronts(s, w, p, n, g, lo, t)
        g[_GAINED:] = 0
        lo[_GAINED:] = 0
        t[_GAINED:] = 0
        find_targets(s, p, s.direction_target, s.direction_contact)
        write_own_scalars(s, w, p, max_ticks, v.scalars[row])
        write_direction_scalars(s, w, p, s.direction_target, mask[row], v.scalars[row])
    stamp_changes(s, w, v)
