"""Attacks: how they are created, how they take land tick by tick, and how they end.

An order absorbs every earlier attack of the same player on the same target, so that there is at
most one. In 2026 boats that land add further ones behind it, each of which starts at its landing
tile: `slot_of` has the first and `attack_next` leads from one to the next, in order of creation.
Troops of an attack may be fractional; home troops are integers.
"""

from __future__ import annotations

import math

from arena.territory.engine import rules
from arena.territory.engine.alliances import (
    is_allied,
    note_attack,
    note_order,
)
from arena.territory.engine.compiled import compiled, int64
from arena.territory.engine.formulas import attack_budget, neutral_tile, player_tile
from arena.territory.engine.gold import take_gold
from arena.territory.engine.immunity import is_immune
from arena.territory.engine.land import change_owner, next_stamp, take_tile
from arena.territory.engine.memory import remember_attack
from arena.territory.engine.numerics import draw
from arena.territory.engine.posts import is_covered
from arena.territory.engine.queue import advance_window, clear, pop, push_neighbours, set_remove
from arena.territory.engine.state import (
    COVERED,
    EDITION,
    FAULT,
    FAULT_SLOTS,
    HAS_ATTACKED,
    N_ATTACKS,
    N_STRUCTURES,
    TERRAIN_BITS,
    TICK,
    TRAITOR_UNTIL,
    State,
)

_OFF_MAP = rules.OFF_MAP
_RETREAT_TICKS = rules.RETREAT_TICKS
_RETREAT_LOSS = rules.RETREAT_LOSS
_SMALL = rules.SMALL_PLAYER_TILES
_PASSES = rules.SMALL_PLAYER_PASSES
_JITTER = int64(5)  # of the border's size: 0..4


@compiled(internal=True)
def end_attack(s: State, a: int) -> None:
    """Remove a live attack; its slot is freed when the list is compacted."""
    s.attack_live[a] = 0
    p = int64(s.attacker[a])
    target = int64(s.target[a])
    b = int64(s.slot_of[p, target])
    if b == a:
        s.slot_of[p, target] = s.attack_next[a]
    else:
        while s.attack_next[b] != a:
            b = int64(s.attack_next[b])
        s.attack_next[b] = s.attack_next[a]
    s.attack_next[a] = -1
    clear(s, a)


@compiled(internal=True)
def compact_attacks(s: State) -> None:
    """Remove ended attacks from the list, keeping the order of creation, and free their slots."""
    kept = 0
    last = s.free_slots.shape[0] - 1
    for i in range(s.clock[N_ATTACKS]):
        a = s.attack_list[i]
        if s.attack_live[a]:
            s.attack_list[kept] = a
            kept += 1
        else:
            s.free_slots[s.free_slots[last]] = a
            s.free_slots[last] += 1
    s.clock[N_ATTACKS] = kept


@compiled(internal=True)
def start_attack(s: State, p: int, target: int, requested: float) -> None:
    """Start an attack of p on `target` (0 for neutral land).

    Silently refused: attacks on oneself, on an ally, on a player during immunity, by a dead player,
    and with a negative number of troops.
    """
    if p == target or requested < 0.0 or s.tiles[p] == 0:
        return
    has_pacts = target != 0 and s.clock[EDITION] != 0
    if has_pacts:
        if is_allied(s.pacts, s.clock, p, target):
            return
        note_order(s, p, target)
    if target != 0 and is_immune(s, p, target):
        return
    a = _take_slot(s, p, target)
    if a < 0:
        return
    troops = min(float(s.troops[p]), requested)
    remember_attack(s, p, target, troops)
    s.troops[p] -= int(math.floor(troops))
    if s.clock[EDITION] != 0 and troops >= 1.0:
        s.ledger[p, HAS_ATTACKED] = 1
    tile = int64(s.border_head[p])
    while tile >= 0:
        push_neighbours(s, a, tile)
        tile = int64(s.border_next[tile])
    troops = _cancel(s, a, troops)
    if troops < 0.0:
        return
    earlier = int64(s.slot_of[p, target])
    while earlier >= 0:
        troops += s.attack_troops[earlier]
        after = int64(s.attack_next[earlier])
        end_attack(s, earlier)
        earlier = after
    s.slot_of[p, target] = a
    s.attack_troops[a] = troops
    if has_pacts:
        note_attack(s, p, target)


@compiled(internal=True)
def start_landing(s: State, p: int, target: int, troops: float, tile: int) -> None:
    """Start the attack of p's boat that has landed on `tile`, with troops that left home with it.

    It takes what lies around the tile first, absorbs nothing, and joins the end of the attacks of p
    on the target.
    """
    a = _take_slot(s, p, target)
    if a < 0:
        return
    if target != 0:
        note_order(s, p, target)
    if troops >= 1.0:
        s.ledger[p, HAS_ATTACKED] = 1
    push_neighbours(s, a, tile)
    troops = _cancel(s, a, troops)
    if troops < 0.0:
        return
    if target != 0:
        note_attack(s, p, target)
    s.attack_troops[a] = troops
    b = int64(s.slot_of[p, target])
    if b < 0:
        s.slot_of[p, target] = a
        return
    while s.attack_next[b] >= 0:
        b = int64(s.attack_next[b])
    s.attack_next[b] = a


@compiled(internal=True)
def _take_slot(s: State, p: int, target: int) -> int:
    """Return a slot with an empty queue for an attack that comes last.

    If there is none, the match ends with a fault, and -1 is returned.
    """
    last = s.free_slots.shape[0] - 1
    if s.free_slots[last] == 0:
        compact_attacks(s)
        if s.free_slots[last] == 0:
            s.clock[FAULT] = FAULT_SLOTS
            return -1
    s.free_slots[last] -= 1
    a = int64(s.free_slots[s.free_slots[last]])
    s.attacker[a] = p
    s.target[a] = target
    s.attack_live[a] = 1
    s.retreat_tick[a] = -1
    clear(s, a)
    s.attack_list[s.clock[N_ATTACKS]] = a
    s.clock[N_ATTACKS] += 1
    return a


@compiled(internal=True)
def _cancel(s: State, a: int, troops: float) -> float:
    """Return what opposing attacks leave of the new attack a, -1 if nothing.

    Opposing attacks cancel each other; nothing returns home.
    """
    p = int64(s.attacker[a])
    target = int64(s.target[a])
    if target == 0:
        return troops
    b = int64(s.slot_of[target, p])
    while b >= 0:
        if s.attack_troops[b] > troops:
            s.attack_troops[b] -= troops
            s.attack_live[a] = 0
            clear(s, a)
            return -1.0
        troops -= s.attack_troops[b]
        after = int64(s.attack_next[b])
        end_attack(s, b)
        b = after
    return troops


@compiled(internal=True)
def order_retreat(s: State, p: int) -> None:
    """Order all running attacks of p to retreat, as of the current tick."""
    for i in range(s.clock[N_ATTACKS]):
        a = s.attack_list[i]
        if s.attack_live[a] and s.attacker[a] == p and s.retreat_tick[a] < 0:
            s.retreat_tick[a] = s.clock[TICK]


@compiled(internal=True)
def _return_home(s: State, a: int, share: float) -> None:
    # The last tile may cost more than the attack has left: a negative rest does not return.
    s.troops[s.attacker[a]] += max(0, int(math.floor(s.attack_troops[a] * share)))
    end_attack(s, a)


@compiled(internal=True)
def _scatter_small_player(s: State, defender: int, attacker: int) -> None:
    """Give the remaining land of a player below 100 tiles to its neighbours, attacker first.

    Up to ten passes go over its tiles (found by flooding from its border: each of its regions has
    border tiles); a pass sees the tiles that changed hands earlier in it. Tiles that touch only
    water, neutral land or allies of the player stay, so it may survive.
    """
    stamp = next_stamp(s)
    stride = s.shape[2]
    has_pacts = s.clock[EDITION] != 0
    n = 0
    tile = s.border_head[defender]
    while tile >= 0:
        s.mark[tile] = stamp
        s.scratch[n] = tile
        n += 1
        tile = s.border_next[tile]
    at = 0
    while at < n:
        tile = s.scratch[at]
        at += 1
        for step in (-stride, stride, -1, 1):
            u = tile + step
            if s.mark[u] != stamp and s.owner[u] == defender:
                s.mark[u] = stamp
                s.scratch[n] = u
                n += 1
    for _ in range(_PASSES):
        moved = False
        for i in range(n):
            tile = int64(s.scratch[i])
            if s.owner[tile] != defender:
                continue
            heir = 0
            for step in (-stride, stride, -1, 1):
                q = int64(s.owner[tile + step])
                if q == attacker:
                    heir = attacker
                    break
                is_other = heir == 0 and q != defender and q < _OFF_MAP
                if is_other and (not has_pacts or not is_allied(s.pacts, s.clock, q, defender)):
                    heir = q
            if heir != 0:
                take_tile(s, tile, heir)
                moved = True
        if not moved:
            return


@compiled(internal=True)
def attack_tick(s: State, a: int) -> None:
    """Advance one attack by one tick: spend its budget on the tiles of lowest priority."""
    me = int64(s.attacker[a])
    target = int64(s.target[a])
    tick = s.clock[TICK]
    ordered = s.retreat_tick[a]
    if ordered >= 0 and tick > ordered + 1:
        if tick >= ordered + _RETREAT_TICKS:
            _return_home(s, a, 1.0 - _RETREAT_LOSS if target != 0 else 1.0)
        return
    edition = int(s.clock[EDITION])
    if edition != 0 and target != 0 and is_allied(s.pacts, s.clock, me, target):
        _return_home(s, a, 1.0)
        return
    advance_window(s, a, tick)
    troops = s.attack_troops[a]
    stride = s.shape[2]
    my_kind = int(s.kind[me])
    is_traitor = tick < s.ledger[target, TRAITOR_UNTIL]  # nobody is in 2025
    border = float(s.attack_border[a] + draw(s.streams, me, _JITTER))
    if troops < 1.0:
        end_attack(s, a)
        return
    budget = attack_budget(troops, float(s.troops[target]), border, target == 0)
    while budget > 0.0:
        if troops < 1.0:
            end_attack(s, a)
            return
        if s.queue_size[a] == 0:
            _return_home(s, a, 1.0)
            return
        tile = pop(s, a)
        set_remove(s, a, tile)
        if s.owner[tile] != target or not (
            s.owner[tile - stride] == me
            or s.owner[tile + stride] == me
            or s.owner[tile - 1] == me
            or s.owner[tile + 1] == me
        ):
            continue
        push_neighbours(s, a, tile)
        if s.clock[FAULT] != 0:
            return
        flags = s.flags[tile]
        terrain = int(flags & TERRAIN_BITS)
        if target == 0:
            loss, cost = neutral_tile(terrain, troops, my_kind)
        else:
            has_post = False
            if flags & COVERED:
                has_post = is_covered(s.structures, s.clock[N_STRUCTURES], stride, target, tile)
            loss, defender_loss, cost = player_tile(
                terrain,
                my_kind,
                int(s.kind[target]),
                troops,
                float(s.troops[target]),
                s.tiles[me],
                s.tiles[target],
                is_traitor,
                has_post,
                edition,
            )
            s.troops[target] -= min(s.troops[target], int(math.floor(defender_loss)))
        budget -= cost
        troops -= loss
        s.attack_troops[a] = troops if edition == 0 else max(troops, 0.0)
        change_owner(s, tile, me)
        if target != 0 and s.tiles[target] < _SMALL:
            if edition != 0:
                take_gold(s.ledger, s.kind, me, target)
            _scatter_small_player(s, target, me)
