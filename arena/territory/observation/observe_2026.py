"""What edition 2026 adds to an observation: channels, scalars, neighbours' facts, landings.

`observe_2026` is called after `observe` or `observe_scalars` of the same rows, and after the facts
of the same board, whose sums it reads. Names and meanings are in views_2026.py.
"""

from __future__ import annotations

import math

import numpy as np

from arena.territory.engine import rules
from arena.territory.engine.actions import ALLY, BOAT, BUILD, UPGRADE, find_targets
from arena.territory.engine.alliances import (
    ALLIANCE_TICKS,
    awaits_answer,
    is_allied,
    relation_of,
)
from arena.territory.engine.caps import cap_of
from arena.territory.engine.compiled import compiled, int64
from arena.territory.engine.edition_2026.cities import price_of
from arena.territory.engine.edition_2026.landings import NOT_OVERSEAS
from arena.territory.engine.formulas import share_of, troop_cap
from arena.territory.engine.memory import fullness_of
from arena.territory.engine.state import (
    ALLIED_UNTIL,
    BOAT_OWNER,
    BOAT_TARGET,
    BOAT_TILE,
    BOATS_EACH,
    CELL,
    CITY_LEVELS,
    CITY_LEVELS_OWNED,
    GOLD,
    IS_FINISHED,
    N_STRUCTURES,
    STRUCTURE,
    STRUCTURE_LEVEL,
    STRUCTURE_TILE,
    TICK,
    TRAITOR_UNTIL,
    State,
)
from arena.territory.observation.buffers import Scratch, SeatViews
from arena.territory.observation.views import N_CHANNELS, N_NEIGHBOUR, N_SCALARS

_CITY_CHANNEL, _BOAT_CHANNEL, _POST_CHANNEL = N_CHANNELS, N_CHANNELS + 1, N_CHANNELS + 2
_CITY, _POST = int64(rules.CITY), int64(rules.DEFENSE_POST)
_BOT, _NATION = rules.BOT, rules.NATION
_TRUCE = rules.EDITIONS["2026"].immunity_ticks
_TRAITOR_TICKS = rules.TRAITOR_TICKS


@compiled(inline=True, internal=True)
def _rank(mine: float, others: float) -> float:
    """Return mine / (mine + others), 1/2 when both are 0."""
    return mine / (mine + others) if mine + others > 0.0 else 0.5


@compiled(internal=True)
def _write_own(s: State, w: Scratch, p: int, mask: np.ndarray, out: np.ndarray) -> None:
    """Write p's scalars of 2026, float32[OWN_SCALARS_2026]."""
    n_players = s.tiles.shape[0] - 1
    others = float(max(n_players - 1, 1))
    tick = s.clock[TICK]
    cap = cap_of(s, p)
    top_cap, top_gold, top_levels, asked, asking = 0.0, 0, 0, 0, 0
    for q in range(1, n_players + 1):
        if q != p and s.tiles[q] > 0:
            top_cap = max(top_cap, cap_of(s, q))
            top_gold = max(top_gold, s.ledger[q, GOLD])
            top_levels = max(top_levels, s.ledger[q, CITY_LEVELS])
            asked += 1 if awaits_answer(s.pacts, s.clock, q, p) else 0
            asking += 1 if awaits_answer(s.pacts, s.clock, p, q) else 0
    mine = float(s.troops[p])
    gold, price = float(s.ledger[p, GOLD]), float(price_of(s.ledger, p, _CITY))
    levels = float(s.ledger[p, CITY_LEVELS])
    owned = float(s.ledger[p, CITY_LEVELS_OWNED])
    from_land = troop_cap(s.tiles[p], s.cap_divisor[p], s.cap_factor[p], 0)
    out[0] = math.log10(1.0 + gold) / 8.0
    out[1] = gold / (gold + price)
    out[2] = math.log10(price) / 7.0
    out[3] = mask[BUILD]
    out[4] = mask[UPGRADE]
    out[5] = share_of(levels, 4.0)
    out[6] = share_of(owned - levels, 1.0)
    out[7] = 1.0 - from_land / cap
    out[8] = w.levels_near[p, p] / max(owned, 1.0)
    out[9] = _rank(cap, top_cap)
    out[10] = _rank(gold, float(top_gold))
    out[11] = _rank(levels, float(top_levels))
    out[12] = w.n_boats[p] / BOATS_EACH
    out[13] = share_of(float(w.sea_out[p]), mine)
    out[14] = share_of(float(w.sea_in[p]), mine)
    out[15] = w.n_allies[p] / others
    out[16] = asked / others
    out[17] = asking / others
    out[18] = max(0, s.ledger[p, TRAITOR_UNTIL] - tick) / _TRAITOR_TICKS
    out[19] = max(0.0, (_TRUCE - tick) / _TRUCE)


@compiled(internal=True)
def _write_neighbour(s: State, w: Scratch, p: int, q: int, may_ask: int, row: np.ndarray) -> None:
    """Write 2026's facts of p's neighbour q, float32[NEIGHBOUR_FACTS_2026]."""
    tick = s.clock[TICK]
    others = float(max(s.tiles.shape[0] - 2, 1))
    gold, levels = float(s.ledger[q, GOLD]), float(s.ledger[q, CITY_LEVELS])
    row[0] = share_of(cap_of(s, q), cap_of(s, p))
    row[1] = math.log10(1.0 + gold) / 8.0
    row[2] = _rank(gold, float(s.ledger[p, GOLD]))
    row[3] = share_of(levels, 4.0)
    row[4] = share_of(float(w.levels_near[q, p]), 1.0)
    row[5] = 1.0 if s.kind[q] == _BOT else 0.0
    row[6] = 1.0 if s.kind[q] == _NATION else 0.0
    row[7] = 1.0 if is_allied(s.pacts, s.clock, p, q) else 0.0
    row[8] = max(0, s.pacts[p, q, ALLIED_UNTIL] - tick) / ALLIANCE_TICKS
    row[9] = 1.0 if awaits_answer(s.pacts, s.clock, q, p) else 0.0
    row[10] = 1.0 if awaits_answer(s.pacts, s.clock, p, q) else 0.0
    row[11] = may_ask
    row[12] = max(0, s.ledger[q, TRAITOR_UNTIL] - tick) / _TRAITOR_TICKS
    row[13] = (relation_of(s.relations, s.pacts, s.clock, q, p) + 100.0) / 200.0
    row[14] = w.n_allies[q] / others
    row[15] = share_of(float(w.at_sea[q, p]), float(s.troops[p]))
    row[16] = share_of(float(w.sea_out[q]), float(s.troops[q]))
    row[17] = share_of(float(w.posts_near[q, p]), 1.0)


@compiled(internal=True)
def _write_landing(s: State, p: int, tile: int, crossing: int, row: np.ndarray) -> None:
    """Write what a boat of p would meet at a landing, all but whether it may be sent."""
    q = int(s.owner[tile])
    mine = float(s.troops[p])
    row[3] = 1.0 if crossing < NOT_OVERSEAS else 0.0
    row[8] = math.log2(1.0 + crossing % NOT_OVERSEAS) / 10.0
    if q == 0:
        row[1] = 1.0
        return
    row[2] = 1.0
    row[4] = share_of(float(s.troops[q]), mine)
    row[5] = share_of(float(s.tiles[q]), float(s.tiles[p]))
    row[6] = fullness_of(s, q)
    row[7] = share_of(float(s.ledger[q, CITY_LEVELS]), 4.0)


@compiled(inline=True, internal=True)
def _raise_to(view: np.ndarray, channel: int, y: int, x: int, value: int) -> None:
    """Make a cell of a view at least `value`, if it is inside."""
    if 0 <= y < view.shape[1] and 0 <= x < view.shape[2]:
        view[channel, y, x] = max(int(view[channel, y, x]), value)


@compiled(internal=True)
def _stamp(
    s: State, w: Scratch, p: int, tile: int, channel: int, value: int, v: SeatViews, row: int
) -> None:
    """Show a place on the three views of player p."""
    stride = s.shape[2]
    y, x = tile // stride - 1, tile % stride - 1
    cell = s.clock[CELL]
    origin = w.origin[p]
    _raise_to(v.global_[row], channel, y // cell, x // cell, value)
    _raise_to(v.local[row], channel, (y - origin[1]) >> 1, (x - origin[0]) >> 1, value)
    _raise_to(v.tactical[row], channel, y - origin[3], x - origin[2], value)


@compiled(internal=True)
def _stamp_all(s: State, w: Scratch, rows: np.ndarray, v: SeatViews) -> None:
    """Show cities and boats on the views of all living players with a row."""
    for i in range(s.clock[N_STRUCTURES]):
        kind, level = s.structures[i, STRUCTURE], s.structures[i, STRUCTURE_LEVEL]
        if kind != _CITY and kind != _POST:
            continue  # the others have no effect
        channel = _CITY_CHANNEL if kind == _CITY else _POST_CHANNEL
        value = 255 * level // (level + 1) if kind == _CITY else 255
        if s.structures[i, IS_FINISHED] == 0:
            value //= 2
        for k in range(rows.shape[0]):
            if rows[k] >= 0 and s.tiles[k + 1] > 0:
                _stamp(s, w, k + 1, s.structures[i, STRUCTURE_TILE], channel, value, v, rows[k])
    for b in range(s.boats.shape[0]):
        if s.boats[b, BOAT_OWNER] == 0:
            continue
        for k in range(rows.shape[0]):
            if rows[k] >= 0 and s.tiles[k + 1] > 0:
                value = 127 if s.boats[b, BOAT_OWNER] == k + 1 else 63
                if s.boats[b, BOAT_TARGET] == k + 1:
                    value = 255
                _stamp(s, w, k + 1, s.boats[b, BOAT_TILE], _BOAT_CHANNEL, value, v, rows[k])


@compiled()
def observe_2026(
    s: State, w: Scratch, rows: np.ndarray, mask: np.ndarray, v: SeatViews, with_views: bool
) -> None:
    """Write what 2026 adds to the observation of all players with a row.

    Args:
        rows: int64[P], row of each spawn index in the buffers, -1 to leave it out.
        mask: int8[n, 71], from `observe_facts_2026`.
        v: buffers of version 3, written in place.
        with_views: whether the three views were written, and shall show cities and boats.
    """
    for i in range(rows.shape[0]):
        row = rows[i]
        if row < 0:
            continue
        p = i + 1
        v.landings[row] = 0.0
        if s.tiles[p] == 0:
            continue
        _write_own(s, w, p, mask[row], v.scalars[row, N_SCALARS:])
        find_targets(s, p, s.direction_target, s.direction_contact)
        for d in range(8):
            q = s.direction_target[d]
            # The directions of one owner share a row, that of the first: only there is it in use.
            if q > 0 and v.neighbours[row, d, 8] > 0.0:
                facts = v.neighbours[row, d, N_NEIGHBOUR:]
                _write_neighbour(s, w, p, q, mask[row, ALLY + d], facts)
            tile = w.landing[p, d]
            if tile >= 0:
                _write_landing(s, p, tile, w.crossing[p, d], v.landings[row, d])
                v.landings[row, d, 0] = mask[row, BOAT + d]
    if with_views:
        _stamp_all(s, w, rows, v)
