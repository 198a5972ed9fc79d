"""Fronts: where a seat's windows lie, and the channels that are stamped over the owners' ones.

Fronts and recent changes are sparse: they cost what a border is long and what changed hands, not
what the views are large.
"""

from __future__ import annotations

import math

import numpy as np

from arena.territory import rules
from arena.territory.compiled import compiled
from arena.territory.observation_buffers import Scratch, SeatViews
from arena.territory.state import CELL, EVENT_MASK, EVENT_RING, N_EVENTS, TICK, State

_OFF_MAP = rules.OFF_MAP
_RECENT = 100  # views.RECENT_TICKS, a literal for the compiler
_FRONT, _LOST = 9, 11  # gained comes right before lost (stamp_changes)


@compiled(internal=True)
def _collect_fronts(s: State, w: Scratch, p: int, block: int) -> tuple[int, float, float]:
    """List p's front tiles in s.scratch, as y << 16 | x, and heat their blocks.

    Returns:
        (number of front tiles, mean x, mean y) in tile units, tile centres at + 0.5; without a
        front the mean is over all border tiles, without a border it is the map's middle.
    """
    stride = s.shape[2]
    blocks_x = s.shape[0] // block + 1
    n = 0
    front_x, front_y, all_x, all_y = 0, 0, 0, 0
    tile = s.border_head[p]
    while tile >= 0:
        heat = 0.0
        for step in (-stride, stride, -1, 1):
            q = s.owner[tile + step]
            if q != p and q < _OFF_MAP:
                heat += w.heat_of[q]
        y = tile // stride - 1
        x = tile - (y + 1) * stride - 1
        all_x += x
        all_y += y
        if heat > 0.0:
            s.scratch[n] = y << 16 | x
            n += 1
            front_x += x
            front_y += y
            w.heat[(y // block) * blocks_x + x // block] += heat
        tile = s.border_next[tile]
    if n > 0:
        return n, front_x / n + 0.5, front_y / n + 0.5
    if s.border_size[p] > 0:
        return 0, all_x / s.border_size[p] + 0.5, all_y / s.border_size[p] + 0.5
    return 0, s.shape[0] / 2.0, s.shape[1] / 2.0


@compiled(internal=True)
def place_windows(s: State, w: Scratch, p: int, local: int, tactical: int) -> int:
    """Choose the corners of p's windows (w.origin[p]); returns the number of front tiles.

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
        y = s.scratch[i] >> 16
        x = s.scratch[i] & 0xFFFF
        heat = w.heat[(y // block) * blocks_x + x // block]
        if heat < best:
            continue
        bx = (x // block) * block + block / 2.0
        by = (y // block) * block + block / 2.0
        distance = (bx - mean_x) ** 2 + (by - mean_y) ** 2
        if heat > best or distance < best_distance:
            best = heat
            best_distance = distance
            centre_x = bx
            centre_y = by
    for i in range(n):
        y = s.scratch[i] >> 16
        x = s.scratch[i] & 0xFFFF
        w.heat[(y // block) * blocks_x + x // block] = 0.0
    w.origin[p, 2] = int(centre_x) - block
    w.origin[p, 3] = int(centre_y) - block
    return n


@compiled(internal=True)
def stamp_fronts(
    s: State, w: Scratch, p: int, n: int, g: np.ndarray, lo: np.ndarray, t: np.ndarray
) -> None:
    """Write the front channel of the three views from the tiles in s.scratch."""
    cell = s.clock[CELL]
    share = 255 // cell
    size = lo.shape[1]
    span = t.shape[1]
    g[_FRONT] = 0
    lo[_FRONT] = 0
    t[_FRONT] = 0
    for i in range(n):
        y = s.scratch[i] >> 16
        x = s.scratch[i] & 0xFFFF
        gy = y // cell
        gx = x // cell
        g[_FRONT, gy, gx] = min(255, g[_FRONT, gy, gx] + share)
        lx = (x - w.origin[p, 0]) >> 1
        ly = (y - w.origin[p, 1]) >> 1
        if 0 <= lx < size and 0 <= ly < size:
            lo[_FRONT, ly, lx] = min(255, lo[_FRONT, ly, lx] + 127)
        tx = x - w.origin[p, 2]
        ty = y - w.origin[p, 3]
        if 0 <= tx < span and 0 <= ty < span:
            t[_FRONT, ty, tx] = 255


@compiled(internal=True)
def stamp_changes(s: State, w: Scratch, v: SeatViews) -> None:
    """Write the gained and lost channels of all observed players.

    From the newest change back: what a cell holds already is newer, and stays.
    """
    now = s.clock[TICK]
    newest = s.clock[N_EVENTS]
    oldest = max(0, newest - EVENT_RING)
    local = v.local.shape[2]
    tactical = v.tactical.shape[2]
    for i in range(newest - 1, oldest - 1, -1):
        at = i & EVENT_MASK
        age = now - s.event_tick[at]
        if age > _RECENT:
            return
        fade = np.uint8(255 * (_RECENT + 1 - max(age, 1)) // _RECENT)
        where = s.event_at[at]
        for side in range(2):
            p = s.event_owners[at, side]
            row = w.row_of[p]
            if p == 0 or row < 0:
                continue
            channel = _LOST - side  # before the change, after it
            if v.global_[row, channel, where[1], where[0]] == 0:
                v.global_[row, channel, where[1], where[0]] = fade
            x = (where[2] - w.origin[p, 0]) >> 1
            y = (where[3] - w.origin[p, 1]) >> 1
            if 0 <= x < local and 0 <= y < local and v.local[row, channel, y, x] == 0:
                v.local[row, channel, y, x] = fade
            x = where[2] - w.origin[p, 2]
            y = where[3] - w.origin[p, 3]
            if 0 <= x < tactical and 0 <= y < tactical and v.tactical[row, channel, y, x] == 0:
                v.tactical[row, channel, y, x] = fade
