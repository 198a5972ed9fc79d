"""Fronts: where a seat's windows are, and the channels that are stamped over those of owners.

Fronts and recent changes are sparse: their cost follows the length of the border and the number of
tiles that changed hands, not the size of the views.
"""

from __future__ import annotations

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
def _collect_fronts(s: State, w: Scratch, p: int, block: int) -> tuple[int, int, int, int]:
    """List p's front tiles (s.scratch, as y << 16 | x) and their blocks (s.clusters); heat those.

    The heat of a block does not depend on the order in which tiles joined the border: `heat_of`
    holds multiples of 2**-30 (observation.py), whose sums are exact.

    Returns:
        (number of front tiles, k, 2 k * mean x, 2 k * mean y) in tile units, tile centres at + 0.5:
        the mean is over k tiles and kept as integers. Without a front it is over all border tiles,
        without a border it is the map's middle.
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
        return n, n, 2 * front_x + n, 2 * front_y + n
    k = s.border_size[p]
    if k > 0:
        return 0, k, 2 * all_x + k, 2 * all_y + k
    return 0, 1, s.shape[0], s.shape[1]


@compiled(inline=True, internal=True)
def _nearest(twice: int, k: int, step: int, first: int, lean: int) -> int:
    """Return the coordinate first + i * step that is nearest to the mean twice / (2 k).

    A tie goes to the larger one when `lean` is negative, else to the smaller.
    """
    doubled = 2 * k * step
    above = twice - 2 * k * first + k * step  # doubled * (the mean's place + 1/2)
    i = above // doubled
    if lean >= 0 and above == i * doubled:
        i -= 1
    return first + step * i


@compiled(inline=True, internal=True)
def _precedence(
    x: int, y: int, k: int, twice_x: int, twice_y: int, width: int, height: int
) -> tuple[int, int, int, int, int]:
    """Return the sort key of a block with centre (x, y): of equally hot ones the smallest is taken.

    The order is nearer to the mean of the fronts, nearer to the map's middle, clockwise of the mean
    as seen from the middle: it rotates with a square map. Where the mean is the middle, north comes
    first, then west. All exact: up to 2**25 tiles on sides of up to 2**13 stay below 2**55.
    """
    x2 = 2 * x
    y2 = 2 * y
    # k |b - m|**2 = k |b|**2 - 2 k b m + a constant, all doubled twice
    distance = k * (x2 * x2 + y2 * y2) - 2 * (x2 * twice_x + y2 * twice_y)
    from_middle = (x2 - width) ** 2 + (y2 - height) ** 2
    anticlockwise = (twice_y - k * height) * (x2 - width) - (twice_x - k * width) * (y2 - height)
    return distance, from_middle, anticlockwise, y, x


@compiled(internal=True)
def place_windows(s: State, w: Scratch, p: int, local: int, tactical: int) -> int:
    """Choose the corners of p's windows (w.origin[p]); return the number of front tiles.

    The local window is centred on the corner between tiles nearest to the middle of the fronts, on
    even coordinates; the tactical one on the middle of the hottest block. Ties of both are decided
    in the order of `_precedence`, by positions and never by history or players' numbers.
    """
    block = tactical // 2
    width, height = s.shape[0], s.shape[1]
    blocks_x = width // block + 1
    n, k, twice_x, twice_y = _collect_fronts(s, w, p, block)
    # Of two coordinates equally near to the mean: towards the middle, else clockwise, else
    # north-west.
    off_x, off_y = twice_x - k * width, twice_y - k * height
    lean_x = off_x if off_x != 0 else off_y
    lean_y = off_y if off_y != 0 else -off_x
    w.origin[p, 0] = _nearest(twice_x, k, 2, 0, lean_x) - local
    w.origin[p, 1] = _nearest(twice_y, k, 2, 0, lean_y) - local
    # Without a front: the block that holds the mean.
    centre_x = _nearest(twice_x, k, block, block // 2, lean_x)
    centre_y = _nearest(twice_y, k, block, block // 2, lean_y)
    best = 0.0
    best_precedence = _precedence(centre_x, centre_y, k, twice_x, twice_y, width, height)
    for i in range(n):
        at = s.clusters[i]
        heat = w.heat[at]
        if heat < best or heat == 0.0:  # colder, or a block already looked at
            continue
        w.heat[at] = 0.0
        y = (at // blocks_x) * block + block // 2
        x = (at % blocks_x) * block + block // 2
        precedence = _precedence(x, y, k, twice_x, twice_y, width, height)
        if heat > best or precedence < best_precedence:
            best = heat
            best_precedence = precedence
            centre_x = x
            centre_y = y
    for i in range(n):
        w.heat[s.clusters[i]] = 0.0
    w.origin[p, 2] = centre_x - block
    w.origin[p, 3] = centre_y - block
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
