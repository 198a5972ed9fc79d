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
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from arena.territory import rules
from arena.territory.actions import find_targets, write_mask
from arena.territory.compiled import compiled
from arena.territory.formulas import troop_cap, troop_increase
from arena.territory.land import border_contact
from arena.territory.state import (
    CELL,
    EVENT_MASK,
    EVENT_RING,
    GRID,
    MIXED,
    N_ALIVE,
    N_ATTACKS,
    N_EVENTS,
    N_LAND,
    N_PLAYABLE,
    TERRAIN_BITS,
    TICK,
    State,
)
from arena.territory.views import DIRECTION_SCALARS, N_SCALARS, OWN_SCALARS, Views

_WATER = rules.WATER
_OFF_MAP = rules.OFF_MAP
_IMMUNITY = rules.IMMUNITY_TICKS
_N_OWN = len(OWN_SCALARS)
_N_DIRECTION = len(DIRECTION_SCALARS)
_RECENT = 100  # views.RECENT_TICKS, a literal for the compiler
_FRONT, _GAINED, _LOST = 9, 10, 11  # lost comes right after gained (_stamp_changes)
_LANES = np.uint64(0x00FF00FF00FF00FF)
_ROUND = np.uint64(0x0002000200020002)
_BYTE = np.uint64(255)
_U2, _U8 = np.uint64(2), np.uint64(8)


class SeatViews(NamedTuple):
    """Buffers of n rows, one per observed seat; `empty_views` makes them."""

    global_: NDArray[np.uint8]  # [n, C, G, G]
    local: NDArray[np.uint8]  # [n, C, L, L]
    tactical: NDArray[np.uint8]  # [n, C, T, T]
    scalars: NDArray[np.float32]  # [n, F]


class Facts(NamedTuple):
    """Public facts for agents that do not look at images; n rows."""

    mask: NDArray[np.int8]  # [n, 45]
    own: NDArray[np.int64]  # [n, 6]: tick, max_ticks, tiles, home troops, cap, living seats
    # [n, 8, 7] per direction: target (owner id, 0 neutral, -1 none), contact, its tiles, its home
    # troops, its attack on me, my attack on it, others' attacks on it
    direction: NDArray[np.int64]


class Scratch(NamedTuple):
    """Working memory of `observe`, one per match."""

    packed: NDArray[np.uint64]  # [256] eight channels of each owner byte
    heat_of: NDArray[np.float64]  # [256] how hot a front with this owner is
    heat: NDArray[np.float64]  # [blocks of the tactical lattice]
    out_troops: NDArray[np.float64]  # [P + 1] troops in running attacks
    in_troops: NDArray[np.float64]  # [P + 1] troops attacking the player
    origin: NDArray[np.int64]  # [P + 1, 4] local x, y, tactical x, y of the windows' corners
    row_of: NDArray[np.int64]  # [P + 1] row of each player, -1 when not observed
    line: NDArray[np.uint64]  # [cells per side of the largest view] packed words of one row
    weight_of: NDArray[np.uint64]  # [tiles per cell + 1] 256 * tiles / tiles per cell
    cell_barrier: NDArray[np.uint8]  # [GRID, GRID] share of water / 2 + off-map
    cell_terrain: NDArray[np.uint8]  # [GRID, GRID]
    pair_terrain: NDArray[np.uint8]  # [ceil(height / 2), ceil(width / 2)] of 2 x 2 tiles
    tile_terrain: NDArray[np.uint8]  # [height, width]


def empty_views(n: int, views: Views) -> SeatViews:
    """Zeroed buffers for n rows."""
    shapes = views.shapes()
    return SeatViews(
        np.zeros((n, *shapes["global"]), np.uint8),
        np.zeros((n, *shapes["local"]), np.uint8),
        np.zeros((n, *shapes["tactical"]), np.uint8),
        np.zeros((n, N_SCALARS), np.float32),
    )


def empty_facts(n: int) -> Facts:
    """Zeroed facts for n rows."""
    return Facts(
        np.zeros((n, rules.N_ACTIONS), np.int8),
        np.zeros((n, 6), np.int64),
        np.zeros((n, 8, 7), np.int64),
    )


def make_scratch(state: State, views: Views) -> Scratch:
    """Working memory for matches in this state's map; holds the static parts of the global view."""
    width, height, stride, _ = (int(v) for v in state.shape)
    grid = int(state.clock[GRID])
    if grid != views.global_size:
        raise ValueError(f"The match keeps a pyramid of {grid} cells, not {views.global_size}.")
    cell = int(state.clock[CELL])
    framed = state.owner.reshape(height + 2, stride)[1:-1, 1:-1]
    water = framed == _WATER
    terrain = (state.flags & TERRAIN_BITS).reshape(height + 2, stride)[1:-1, 1:-1]
    tile_terrain = np.where(water, 0, 85 * (terrain.astype(np.int64) + 1))
    barrier = np.where(water, 128, 0)
    block = views.tactical_size // 2
    n_players = len(state.tiles) - 1
    return Scratch(
        packed=np.zeros(256, np.uint64),
        heat_of=np.zeros(256),
        heat=np.zeros((width // block + 1) * (height // block + 1)),
        out_troops=np.zeros(n_players + 1),
        in_troops=np.zeros(n_players + 1),
        origin=np.zeros((n_players + 1, 4), np.int64),
        row_of=np.full(n_players + 1, -1, np.int64),
        line=np.zeros(max(views.to_json().values()), np.uint64),
        weight_of=(np.arange(cell * cell + 1) * 256 // (cell * cell)).astype(np.uint64),
        cell_barrier=_pool(barrier, cell, (grid, grid), 255),
        cell_terrain=_pool(tile_terrain, cell, (grid, grid), 0),
        pair_terrain=_pool(tile_terrain, 2, (-(-height // 2), -(-width // 2)), 0),
        tile_terrain=tile_terrain.astype(np.uint8),
    )


def _pool(
    values: NDArray[np.int64], cell: int, shape: tuple[int, int], outside: int
) -> NDArray[np.uint8]:
    """Means over cells of a map padded with `outside`; uint8 of the given shape."""
    padded = np.full((shape[0] * cell, shape[1] * cell), outside, np.int64)
    padded[: values.shape[0], : values.shape[1]] = values
    sums = padded.reshape(shape[0], cell, shape[1], cell).sum(axis=(1, 3))
    return (sums // (cell * cell)).astype(np.uint8)


# --- what the owner of a tile tells ---------------------------------------------------------------


@compiled(inline=True, internal=True)
def _share(a: float, b: float) -> float:
    """a / (a + b), 0 when both are 0."""
    return a / (a + b) if a > 0.0 else 0.0


@compiled(inline=True, internal=True)
def _byte(share: float) -> np.uint64:
    return np.uint64(int(255.0 * min(share, 1.0) + 0.5))


@compiled(inline=True, internal=True)
def _attack_on(s: State, p: int, q: int) -> float:
    a = s.slot_of[p, q]
    return s.attack_troops[a] if a >= 0 else 0.0


@compiled(internal=True)
def _sum_attacks(s: State, w: Scratch) -> None:
    w.out_troops[:] = 0.0
    w.in_troops[:] = 0.0
    for i in range(s.clock[N_ATTACKS]):
        a = s.attack_list[i]
        if s.attack_live[a]:
            w.out_troops[s.attacker[a]] += s.attack_troops[a]
            w.in_troops[s.target[a]] += s.attack_troops[a]


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
        outgoing = _share(_attack_on(s, p, q), mine) if q != p else 0.0
        if q == p:
            word = np.uint64(255)
        elif q == 0:
            word = np.uint64(255) << np.uint64(16)
            w.heat_of[q] = 1.0 + 3.0 * outgoing
        else:
            incoming = _share(_attack_on(s, q, p), mine)
            word = np.uint64(255) << _U8
            word |= _byte(_share(float(s.troops[q]), mine)) << np.uint64(32)
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


# --- fronts and windows ---------------------------------------------------------------------------


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
def _place_windows(s: State, w: Scratch, p: int, local: int, tactical: int) -> int:
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
def _stamp_fronts(
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
def _stamp_changes(s: State, w: Scratch, v: SeatViews) -> None:
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


# --- scalars and facts ----------------------------------------------------------------------------


@compiled(internal=True)
def _write_own_scalars(s: State, w: Scratch, p: int, max_ticks: int, out: np.ndarray) -> None:
    n_players = s.tiles.shape[0] - 1
    others = float(max(n_players - 1, 1))
    land = float(max(s.clock[N_LAND], 1))
    playable = float(max(s.clock[N_PLAYABLE], 1))
    tiles = s.tiles[p]
    mine = float(s.troops[p])
    cap = troop_cap(tiles, s.cap_divisor[p], s.cap_factor[p])
    owned, might, larger, leader, neighbours, rivals = 0, 0.0, 0, 0, 0, 0
    for q in range(1, n_players + 1):
        owned += s.tiles[q]
        might += float(s.troops[q]) if s.tiles[q] > 0 else 0.0
        if q != p:
            if s.tiles[q] > tiles:
                larger += 1
            leader = max(leader, s.playable_tiles[q])
            c = border_contact(s, p, q)
            rivals += c
            if c > 0:
                neighbours += 1
    open_border = border_contact(s, p, 0)
    out[0] = s.clock[TICK] / max_ticks
    out[1] = max(0.0, (_IMMUNITY - s.clock[TICK]) / _IMMUNITY)
    out[2] = s.playable_tiles[p] / playable
    out[3] = math.log(1.0 + tiles) / math.log(1.0 + land)
    out[4] = min(mine / cap, 2.0)
    out[5] = math.log10(1.0 + mine) / 7.0
    growth = 100.0 * troop_increase(mine, cap, s.growth_factor[p]) / cap
    out[6] = min(max(growth, -1.0), 1.0)  # troops that return home can exceed the cap by far
    out[7] = _share(w.out_troops[p], mine)
    out[8] = _share(w.in_troops[p], mine)
    out[9] = (land - owned) / land
    out[10] = s.clock[N_ALIVE] / n_players
    out[11] = larger / others
    out[12] = leader / playable
    out[13] = mine / max(might, 1.0)
    out[14] = neighbours / others
    out[15] = _share(float(open_border), float(rivals))


@compiled(internal=True)
def _write_direction_scalars(
    s: State, w: Scratch, p: int, targets: np.ndarray, mask: np.ndarray, out: np.ndarray
) -> None:
    mine = float(s.troops[p])
    density = mine / max(s.tiles[p], 1)
    for d in range(8):
        base = _N_OWN + d * _N_DIRECTION
        q = targets[d]
        if q < 0:
            out[base : base + _N_DIRECTION] = 0.0
            continue
        total = 0
        for other in range(s.tiles.shape[0]):
            total += s.contact[p, d, other]
        contact = s.contact[p, d, q]
        out[base] = math.log2(1.0 + contact) / 10.0
        out[base + 1] = 1.0 if q == 0 else 0.0
        out[base + 2] = 1.0 if q > 0 else 0.0
        out[base + 3] = mask[d * 5 + 4]
        out[base + 8] = _share(_attack_on(s, p, q), mine)
        out[base + 9] = contact / total
        if q == 0:
            out[base + 4 : base + 8] = 0.0
            out[base + 10] = _share(w.in_troops[0] - _attack_on(s, p, 0), mine)
            continue
        theirs = float(s.troops[q])
        out[base + 4] = _share(theirs, mine)
        out[base + 5] = _share(float(s.tiles[q]), float(s.tiles[p]))
        out[base + 6] = _share(theirs / s.tiles[q], density)
        out[base + 7] = _share(_attack_on(s, q, p), mine)
        out[base + 10] = _share(w.in_troops[q] - _attack_on(s, p, q), theirs)


@compiled(internal=True)
def _write_facts(
    s: State, w: Scratch, p: int, max_ticks: int, targets: np.ndarray, contacts: np.ndarray,
    f: Facts, row: int,
) -> None:
    own = f.own[row]
    own[0] = s.clock[TICK]
    own[1] = max_ticks
    own[2] = s.tiles[p]
    own[3] = s.troops[p]
    own[4] = int(troop_cap(s.tiles[p], s.cap_divisor[p], s.cap_factor[p]))
    own[5] = s.clock[N_ALIVE]
    for d in range(8):
        q = targets[d]
        fact = f.direction[row, d]
        fact[:] = 0
        fact[0] = q
        if q < 0:
            continue
        fact[1] = contacts[d]
        fact[5] = int(_attack_on(s, p, q))
        fact[6] = int(w.in_troops[q] - _attack_on(s, p, q))
        if q > 0:
            fact[2] = s.tiles[q]
            fact[3] = s.troops[q]
            fact[4] = int(_attack_on(s, q, p))


@compiled()
def observe_facts(s: State, w: Scratch, rows: np.ndarray, max_ticks: int, f: Facts) -> None:
    """Masks and facts of all players with a row.

    Args:
        rows: int64[P], row of each spawn index in the buffers, -1 to leave it out.  The dead get a
            mask of five WAITs and zeros.
        max_ticks: length limit of the match, ticks.
    """
    _sum_attacks(s, w)
    for i in range(rows.shape[0]):
        row = rows[i]
        if row < 0:
            continue
        p = i + 1
        if s.tiles[p] == 0:
            f.mask[row] = 0
            f.mask[row, 40:45] = 1
            f.own[row] = 0
            f.own[row, 0] = s.clock[TICK]
            f.direction[row] = 0
            f.direction[row, :, 0] = -1
            continue
        find_targets(s, p, s.direction_target, s.direction_contact)
        write_mask(s, p, s.direction_target, f.mask[row])
        _write_facts(s, w, p, max_ticks, s.direction_target, s.direction_contact, f, row)


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
    _sum_attacks(s, w)
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
        n = _place_windows(s, w, p, lo.shape[1], t.shape[1])
        _write_global(s, w, g)
        _write_local(s, w, lo, w.origin[p, 0], w.origin[p, 1])
        _write_tactical(s, w, t, w.origin[p, 2], w.origin[p, 3])
        _stamp_fronts(s, w, p, n, g, lo, t)
        g[_GAINED:] = 0
        lo[_GAINED:] = 0
        t[_GAINED:] = 0
        find_targets(s, p, s.direction_target, s.direction_contact)
        _write_own_scalars(s, w, p, max_ticks, v.scalars[row])
        _write_direction_scalars(s, w, p, s.direction_target, mask[row], v.scalars[row])
    _stamp_changes(s, w, v)
