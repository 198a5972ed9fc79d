"""Fronts: where a seat's windows are, and the channels that are stamped over those of owners.

Fronts and recent changes are sparse: their cost follows the length of the border and the number of
tiles that changed hands, not the size of the views.
"""

from __future__ import annotations

import math

import numpy as np

from arena.territory.engine import rules
from arena.territory.engine.compiled import compiled
from arena.territory.engine.state import EVENT_MASK, EVENT_RING, N_EVENTS, TICK, State
from arena.territory.observation.buffers import Scratch, SeatViews
from arena.territory.observation.views import RECENT_TICKS

_OFF_MAP = rules.OFF_MAP
_FRONT, _LOST = 9, 11  # gained comes right before lost (stamp_changes)


@compiled(inline=True, internal=True)
def _quotient(n: int, inverse: float) -> int:
    """Return n // k for 0 <= n < 2**25 and inverse = 1 / k, k <= 2**13.

    A division takes ten times as long. (n + 0.5) / k is at least 0.5 / k away from an integer, far
    more than the product's error.
    """
    return int((n + 0.5) * inverse)


@compiled(internal=True)
def _collect_fronts(s: State, w: Scratch, p: int, block: int) -> tuple[int, float, float]:
    """List p's front tiles (s.scratch, as y << 16 | x) and their blocks (s.clusters); heat those.

    Returns:
        (number of front tiles, mean x, mean y) in tile units, tile centres at + 0.5; without a
        front the mean is over all border tiles, without a border it is the map's middle.
    """
    stride = s.shape[2]
    rows = 1.0 / stride
    blocks = 1.0 / block
    blocks_x = s.shape[0] // block + 1
    n = 0
    front_x, front_y, all_x, all_y = 0, 0, 0, 0
    tile = s.border_head[p]
    while tile >= 0:
        heat = w.heat_of[s.owner[tile - stride]] + w.heat_of[s.owner[tile + stride]]
        heat += w.heat_of[s.owner[tile - 1]]
        heat += w.heat_of[s.owner[tile + 1]]
        y = _quotient(tile, rows) - 1
        x = tile - (y + 1) * stride - 1
        all_x += x
        all_y += y
        if heat > 0.0:
            at = _quotient(y, blocks) * blocks_x + _quotient(x, blocks)
            s.scratch[n] = y << 16 | x
            s.clusters[n] = at
            n += 1
            front_x += x
            front_y += y
            w.heat[at] += heat
        tile = s.border_next[tile]
    if n > 0:
        return n, front_x / n + 0.5, front_y / n + 0.5
    if s.border_size[p] > 0:
        return 0, all_x / s.border_size[p] + 0.5, all_y / s.border_size[p] + 0.5
    return 0, s.shape[0] / 2.0, s.shape[1] / 2.0


@compiled(internal=True)
def place_windows(s: State, w: Scratch, p: int, local: int, tactical: int) -> int:
    """Choose the corners of p's windows (w.origin[p]); return the number of front tiles.

    The local window is centred on the corner between tiles nearest to the middle of the fronts, on
    even coordinates; the tactical one on the middle of the hottest block, ties to the block nearest
    to the middle of the fronts.
    """
    block = tactical // 2
    blocks_x = s.shape[0] // block + 1
    n, mean_x, mean_y = _collect_fronts(s, w, p, block)
    w.origin[p, 0] = 2 * int(math.floor(mean_x / 2.0 + 0.5)) - local
    w.origin[p, 1] = 2 * int(math.floor(mean_y / 2.0 + 0.5)) - local
    best = -1.0
    best_distance = 0.0
    centre_x = block * math.floor(mean_x / block) + block / 2.0
    centre_y = block * math.floor(mean_y / block) + block / 2.0
    for i in range(n):
        at = s.clusters[i]
        heat = w.heat[at]
        if heat < best or heat == 0.0:  # colder, or a block already looked at
            continue
        by = (at // blocks_x) * block + block / 2.0
        bx = (at % blocks_x) * block + block / 2.0
        distance = (bx - mean_x) ** 2 + (by - mean_y) ** 2
        if heat > best or distance < best_distance:
            best = heat
            best_distance = distance
            centre_x = bx
            centre_y = by
        w.heat[at] = 0.0
    for i in range(n):
        w.heat[s.clusters[i]] = 0.0
    w.origin[p, 2] = int(centre_x) - block
    w.origin[p, 3] = int(centre_y) - block
    return n


@compiled(internal=True)
def stamp_fronts(
    tiles: np.ndarray, cell: int, origin: np.ndarray, g: np.ndarray, lo: np.ndarray, t: np.ndarray
) -> None:
    """Write the front channel of the three views.

    Args:
        tiles: int32[n] front tiles as y << 16 | x.
        cell: side of a cell of the global view, tiles.
        origin: int64[4], a row of Scratch.origin.
        g, lo, t: uint8[C, S, S] the views.
    """
    cells = 1.0 / cell
    share = 255 // cell
    size = lo.shape[1]
    span = t.shape[1]
    g[_FRONT] = 0
    lo[_FRONT] = 0
    t[_FRONT] = 0
    for i in range(tiles.shape[0]):
        y = tiles[i] >> 16
        x = tiles[i] & 0xFFFF
        gy = _quotient(y, cells)
        gx = _quotient(x, cells)
        g[_FRONT, gy, gx] = min(255, g[_FRONT, gy, gx] + share)
        lx = (x - origin[0]) >> 1
        ly = (y - origin[1]) >> 1
        if 0 <= lx < size and 0 <= ly < size:
            lo[_FRONT, ly, lx] = min(255, lo[_FRONT, ly, lx] + 127)
        tx = x - origin[2]
        ty = y - origin[3]
        if 0 <= tx < span and 0 <= ty < span:
            t[_FRONT, ty, tx] = 255


@compiled(inline=True, internal=True)
def _stamp(
    views: np.ndarray, row: np.uint64, channel: np.uint64, y: int, x: int, value: np.uint8
) -> None:
    """Set views[row, channel, y, x] to `value` if that is inside.

    Indices are unsigned: one comparison is enough, and none is tested for being negative.
    """
    to_y, to_x = np.uint64(y), np.uint64(x)
    if to_y < np.uint64(views.shape[2]) and to_x < np.uint64(views.shape[3]):
        views[row, channel, to_y, to_x] = value


@compiled(internal=True)
def stamp_changes(s: State, w: Scratch, v: SeatViews) -> None:
    """Write the gained and lost channels of all observed players, the newest change last."""
    now = s.clock[TICK]
    newest = s.clock[N_EVENTS]
    first = newest
    last = max(0, newest - EVENT_RING)
    while first > last and now - s.event_tick[(first - 1) & EVENT_MASK] <= RECENT_TICKS:
        first -= 1
    for i in range(first, newest):
        at = np.uint64(i & EVENT_MASK)
        age = max(now - s.event_tick[at], 1)
        fade = np.uint8(255 * (RECENT_TICKS + 1 - age) // RECENT_TICKS)
        x = s.event_at[at, 2]
        y = s.event_at[at, 3]
        for side in range(2):
            p = np.uint64(s.event_owners[at, side])
            if w.row_of[p] < 0:  # neutral land, or a player that is not observed
                continue
            row = np.uint64(w.row_of[p])
            channel = np.uint64(_LOST - side)  # before the change, after it
            _stamp(v.global_, row, channel, s.event_at[at, 1], s.event_at[at, 0], fade)
            _stamp(
                v.local, row, channel, (y - w.origin[p, 1]) >> 1, (x - w.origin[p, 0]) >> 1, fade
            )
            _stamp(v.tactical, row, channel, y - w.origin[p, 3], x - w.origin[p, 2], fade)
