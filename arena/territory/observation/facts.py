"""What a seat knows without images: its scalars, its legal actions and the public facts.

`observe_facts` serves all agents before every decision; the scalars belong to the observation
(observation.py) and are described in views.py.
"""

from __future__ import annotations

import math

import numpy as np

from arena.territory.engine import rules
from arena.territory.engine.actions import find_targets, write_mask
from arena.territory.engine.caps import cap_of
from arena.territory.engine.compiled import compiled, int64
from arena.territory.engine.formulas import share_of, troop_increase
from arena.territory.engine.land import border_contact
from arena.territory.engine.state import N_ALIVE, N_ATTACKS, N_LAND, N_PLAYABLE, TICK, State
from arena.territory.observation.buffers import Facts, Scratch
from arena.territory.observation.views import DIRECTION_SCALARS, OWN_SCALARS

_NEUTRAL = int64(rules.NEUTRAL)
_IMMUNITY = rules.IMMUNITY_TICKS
# Sums are exact up to 2**33 troops, and each attack loses less than a millionth of a troop.
_TROOP_PARTS = 2.0**20
_N_OWN = len(OWN_SCALARS)
_N_DIRECTION = len(DIRECTION_SCALARS)


@compiled(inline=True, internal=True)
def in_parts(value: float, parts: float) -> float:
    """Return `value` rounded down to multiples of 1 / parts, so that sums ignore the order."""
    return math.floor(value * parts) / parts


@compiled(inline=True, internal=True)
def in_troop_parts(troops: float) -> float:
    """Return an attack's troops as they are counted in sums over attacks."""
    return in_parts(troops, _TROOP_PARTS)


@compiled(inline=True, internal=True)
def attack_on(
    slot_of: np.ndarray, attack_next: np.ndarray, attack_troops: np.ndarray, p: int, q: int
) -> float:
    """Return the troops of p's attacks on q; takes arrays because State is slow to compile."""
    a = slot_of[p, q]
    if a < 0:
        return 0.0
    troops = attack_troops[a]
    a = attack_next[a]
    while a >= 0:  # rounded as in `sum_attacks`, so that what others send is the difference
        troops += in_troop_parts(attack_troops[a])
        a = attack_next[a]
    return troops


@compiled(internal=True)
def sum_attacks(s: State, w: Scratch) -> None:
    """Fill w.out_troops and w.in_troops, each attack rounded by `in_parts`."""
    w.out_troops[:] = 0.0
    w.in_troops[:] = 0.0
    for i in range(s.clock[N_ATTACKS]):
        a = s.attack_list[i]
        if s.attack_live[a]:
            troops = in_troop_parts(s.attack_troops[a])
            w.out_troops[s.attacker[a]] += troops
            w.in_troops[s.target[a]] += troops


@compiled(inline=True, internal=True)
def attacks_of_others(w: Scratch, q: int, mine: float) -> float:
    """Return the troops that attack q, without an attack of `mine` troops."""
    return w.in_troops[q] - in_troop_parts(mine)


@compiled(internal=True)
def write_own_scalars(s: State, w: Scratch, p: int, max_ticks: int, out: np.ndarray) -> None:
    n_players = s.tiles.shape[0] - 1
    others = float(max(n_players - 1, 1))
    land = float(max(s.clock[N_LAND], 1))
    playable = float(max(s.clock[N_PLAYABLE], 1))
    tiles = s.tiles[p]
    mine = float(s.troops[p])
    cap = cap_of(s, p)
    owned, might, larger, leader, neighbours, rivals = 0, 0.0, 0, 0, 0, 0
    for q in range(1, n_players + 1):
        owned += s.tiles[q]
        might += float(s.troops[q]) if s.tiles[q] > 0 else 0.0
        if q != p:
            if s.tiles[q] > tiles:
                larger += 1
            leader = max(leader, s.playable_tiles[q])
            c = border_contact(s.contact, p, q)
            rivals += c
            if c > 0:
                neighbours += 1
    open_border = border_contact(s.contact, p, _NEUTRAL)
    out[0] = s.clock[TICK] / max_ticks
    out[1] = max(0.0, (_IMMUNITY - s.clock[TICK]) / _IMMUNITY)
    out[2] = s.playable_tiles[p] / playable
    out[3] = math.log(1.0 + tiles) / math.log(1.0 + land)
    out[4] = min(mine / cap, 2.0)
    out[5] = math.log10(1.0 + mine) / 7.0
    growth = 100.0 * troop_increase(mine, cap, s.growth_factor[p]) / cap
    out[6] = min(max(growth, -1.0), 1.0)  # troops that return home can exceed the cap by far
    out[7] = share_of(w.out_troops[p], mine)
    out[8] = share_of(w.in_troops[p], mine)
    out[9] = (land - owned) / land
    out[10] = s.clock[N_ALIVE] / n_players
    out[11] = larger / others
    out[12] = leader / playable
    out[13] = mine / max(might, 1.0)
    out[14] = neighbours / others
    out[15] = share_of(float(open_border), float(rivals))


@compiled(internal=True)
def write_direction_scalars(
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
        outgoing = attack_on(s.slot_of, s.attack_next, s.attack_troops, p, q)
        out[base + 8] = share_of(outgoing, mine)
        out[base + 9] = contact / total
        if q == 0:
            out[base + 4 : base + 8] = 0.0
            out[base + 10] = share_of(attacks_of_others(w, 0, outgoing), mine)
            continue
        theirs = float(s.troops[q])
        out[base + 4] = share_of(theirs, mine)
        out[base + 5] = share_of(float(s.tiles[q]), float(s.tiles[p]))
        out[base + 6] = share_of(theirs / s.tiles[q], density)
        out[base + 7] = share_of(attack_on(s.slot_of, s.attack_next, s.attack_troops, q, p), mine)
        out[base + 10] = share_of(attacks_of_others(w, q, outgoing), theirs)


@compiled(internal=True)
def _write_facts(
    s: State,
    w: Scratch,
    p: int,
    max_ticks: int,
    targets: np.ndarray,
    contacts: np.ndarray,
    f: Facts,
    row: int,
) -> None:
    own = f.own[row]
    own[0] = s.clock[TICK]
    own[1] = max_ticks
    own[2] = s.tiles[p]
    own[3] = s.troops[p]
    own[4] = int(cap_of(s, p))
    own[5] = s.clock[N_ALIVE]
    for d in range(8):
        q = targets[d]
        fact = f.direction[row, d]
        fact[:] = 0
        fact[0] = q
        if q < 0:
            continue
        fact[1] = contacts[d]
        outgoing = attack_on(s.slot_of, s.attack_next, s.attack_troops, p, q)
        fact[5] = int(outgoing)
        fact[6] = int(attacks_of_others(w, q, outgoing))
        if q > 0:
            fact[2] = s.tiles[q]
            fact[3] = s.troops[q]
            fact[4] = int(attack_on(s.slot_of, s.attack_next, s.attack_troops, q, p))


@compiled()
def observe_facts(s: State, w: Scratch, rows: np.ndarray, max_ticks: int, f: Facts) -> None:
    """Write the masks and facts of all players with a row.

    Args:
        rows: int64[P], row of each spawn index in the buffers, -1 to leave it out. Dead players get
            a mask of five WAITs and zeros.
        max_ticks: length limit of the match, ticks.
    """
    sum_attacks(s, w)
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
