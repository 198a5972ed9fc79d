"""What edition 2026 adds to a seat's legal actions and public facts.

`observe_facts_2026` is called after `observe_facts`, before every decision; the columns are named
in arena/agent.py. What it sums over boats, pacts and structures stays in the match's Scratch, where
the observation (observe_2026.py) finds it.
"""

from __future__ import annotations

import numpy as np

from arena.territory.engine import rules
from arena.territory.engine.actions import find_targets
from arena.territory.engine.alliances import awaits_answer, is_allied
from arena.territory.engine.caps import cap_of
from arena.territory.engine.compiled import compiled, int64
from arena.territory.engine.edition_2026.choices import write_mask_2026
from arena.territory.engine.edition_2026.cities import price_of
from arena.territory.engine.edition_2026.landings import find_landings
from arena.territory.engine.state import (
    ALLIED_UNTIL,
    BOAT_OWNER,
    BOAT_TARGET,
    CITY_LEVELS,
    CITY_LEVELS_OWNED,
    GOLD,
    IS_FINISHED,
    N_STRUCTURES,
    STRUCTURE,
    STRUCTURE_LEVEL,
    STRUCTURE_OWNER,
    STRUCTURE_TILE,
    TICK,
    TRAITOR_UNTIL,
    State,
)
from arena.territory.observation.buffers import Facts, Scratch

NEAR_TILES = 10  # a city is near land that lies within this distance in one of eight directions
_CITY, _POST = int64(rules.CITY), int64(rules.DEFENSE_POST)
_POST_RADIUS = rules.POST_RADIUS
_OWN, _DIRECTION = 6, 7  # columns of both editions


@compiled(internal=True)
def _sum_boats(s: State, w: Scratch) -> None:
    w.at_sea[:] = 0
    w.sea_out[:] = 0
    w.sea_in[:] = 0
    w.n_boats[:] = 0
    for b in range(s.boats.shape[0]):
        p = s.boats[b, BOAT_OWNER]
        if p > 0:
            target, troops = s.boats[b, BOAT_TARGET], int(s.boat_troops[b])
            w.n_boats[p] += 1
            w.at_sea[p, target] += troops
            w.sea_out[p] += troops
            w.sea_in[target] += troops


@compiled(internal=True)
def _sum_allies(s: State, w: Scratch) -> None:
    w.n_allies[:] = 0
    for p in range(1, s.tiles.shape[0]):
        for q in range(1, s.tiles.shape[0]):
            if s.tiles[q] > 0 and is_allied(s.pacts, s.clock, p, q):
                w.n_allies[p] += 1


@compiled(internal=True)
def _look_around(
    s: State, w: Scratch, q: int, tile: int, reach: int, n: int, out: np.ndarray
) -> None:
    """Add n to out[q, p] for each other player p with land around a structure of q.

    Looked at are 24 tiles: a third, two thirds and all of `reach` away in eight directions. If
    there is anybody, n is added to out[q, q] once.
    """
    width, height, stride = s.shape[0], s.shape[1], s.shape[2]
    y0, x0 = tile // stride - 1, tile % stride - 1
    mark = w.near[0] + 1
    w.near[0] = mark
    for third in range(1, 4):
        step = reach * third // 3
        for dy in range(-1, 2):
            for dx in range(-1, 2):
                x, y = x0 + dx * step, y0 + dy * step
                if not (0 <= x < width and 0 <= y < height):
                    continue
                p = int(s.owner[(y + 1) * stride + x + 1])
                if p == 0 or p >= s.tiles.shape[0] or p == q or w.near[p] == mark:
                    continue
                w.near[p] = mark
                out[q, p] += n
                if w.near[q] != mark:
                    w.near[q] = mark
                    out[q, q] += n


@compiled(internal=True)
def _sum_near(s: State, w: Scratch) -> None:
    """Fill w.levels_near and w.posts_near."""
    w.levels_near[:] = 0
    w.posts_near[:] = 0
    for i in range(s.clock[N_STRUCTURES]):
        row = s.structures[i]
        q, tile = row[STRUCTURE_OWNER], row[STRUCTURE_TILE]
        if row[STRUCTURE] == _CITY:
            _look_around(s, w, q, tile, NEAR_TILES, row[STRUCTURE_LEVEL], w.levels_near)
        elif row[STRUCTURE] == _POST and row[IS_FINISHED] != 0:
            _look_around(s, w, q, tile, _POST_RADIUS, 1, w.posts_near)


@compiled(internal=True)
def _write_facts(s: State, w: Scratch, p: int, f: Facts, row: int) -> None:
    own = f.own[row, _OWN:]
    own[0] = s.ledger[p, GOLD]
    own[1] = price_of(s.ledger, p, _CITY)
    own[2] = s.ledger[p, CITY_LEVELS]
    own[3] = s.ledger[p, CITY_LEVELS_OWNED]
    own[4] = w.n_boats[p]
    own[5] = w.sea_out[p]
    own[6] = w.sea_in[p]
    own[7] = w.n_allies[p]
    own[8] = max(0, s.ledger[p, TRAITOR_UNTIL] - s.clock[TICK])
    for d in range(8):
        fact = f.direction[row, d, _DIRECTION:]
        fact[:] = 0
        tile = w.landing[p, d]
        fact[9] = int(s.owner[tile]) if tile >= 0 else -1
        q = s.direction_target[d]
        if q <= 0:
            continue
        fact[0] = s.ledger[q, GOLD]
        fact[1] = s.ledger[q, CITY_LEVELS]
        fact[2] = int(cap_of(s, q))
        fact[3] = s.kind[q]
        fact[4] = max(0, s.pacts[p, q, ALLIED_UNTIL] - s.clock[TICK])
        fact[5] = 1 if awaits_answer(s.pacts, s.clock, q, p) else 0
        fact[6] = 1 if awaits_answer(s.pacts, s.clock, p, q) else 0
        fact[7] = max(0, s.ledger[q, TRAITOR_UNTIL] - s.clock[TICK])
        fact[8] = w.at_sea[q, p]


@compiled()
def observe_facts_2026(s: State, w: Scratch, rows: np.ndarray, f: Facts) -> None:
    """Write what 2026 adds to the masks and facts of all players with a row.

    Args:
        rows: int64[P], row of each spawn index in the buffers, -1 to leave it out. Dead players
            keep what `observe_facts` gave them.
        f: of edition 2026 (buffers.empty_facts), after `observe_facts` of the same board.
    """
    _sum_boats(s, w)
    _sum_allies(s, w)
    _sum_near(s, w)
    for i in range(rows.shape[0]):
        row = rows[i]
        p = i + 1
        if row < 0 or s.tiles[p] == 0:
            continue
        find_landings(s, p, w.landing[p])
        for d in range(8):
            w.crossing[p, d] = s.cluster_order[d]
        find_targets(s, p, s.direction_target, s.direction_contact)
        write_mask_2026(s, p, s.direction_target, w.landing[p], f.mask[row])
        _write_facts(s, w, p, f, row)
