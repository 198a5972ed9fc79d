"""The order of events inside a tick of edition 2026, and the end of a match.

First the win check; then nations' minds; then for each player in spawn order: structures on lost
land, growth, gold, enclave check, a tribe's mind; then every running attack in order of creation;
then boats; then trade; then structures that are finished or begun; then the new orders, those from
outside first and the attacks of boats that landed last. An alliance that is broken from outside
ends one tick after the order.

It is apart from the tick of 2025, so that a league of 2025 compiles none of it.
"""

from __future__ import annotations

from arena.territory.engine import orders, rules
from arena.territory.engine.alliances import (
    betray,
    dissolve_alliances,
    extend_alliance,
    is_allied,
    reject_alliance,
    request_alliance,
)
from arena.territory.engine.attacks import (
    attack_tick,
    compact_attacks,
    order_retreat,
    start_attack,
    start_landing,
)
from arena.territory.engine.compiled import compiled
from arena.territory.engine.edition_2026.boats import (
    order_boats_back,
    sail_boats,
    sink_boats,
    start_boat,
)
from arena.territory.engine.edition_2026.cities import (
    ask_for_site,
    end_player,
    hand_over,
    upgrade,
    work_on_sites,
)
from arena.territory.engine.edition_2026.enclaves import capture_enclaves_2026
from arena.territory.engine.edition_2026.nations import let_nations_act
from arena.territory.engine.edition_2026.nearby import find_near
from arena.territory.engine.edition_2026.trade import trade
from arena.territory.engine.edition_2026.tribes import tribe_decision
from arena.territory.engine.gold import gold_per_tick
from arena.territory.engine.memory import remember_tick
from arena.territory.engine.state import (
    ENDED,
    FAULT,
    GOLD,
    LOOK_TICKS,
    LOST_LAND,
    MIND,
    N_ATTACKS,
    N_LAND,
    N_ORDERS,
    TICK,
    TRIBE_MIND,
    State,
)
from arena.territory.engine.tick import grow, is_over

_CLUSTER_PERIOD = rules.CLUSTER_PERIOD
_SMALL = rules.SMALL_PLAYER_TILES
_ATTACK = orders.ATTACK
_RETREAT = orders.RETREAT
_BUILD = orders.BUILD
_UPGRADE = orders.UPGRADE
_BOAT = orders.BOAT
_BOAT_RETREAT = orders.BOAT_RETREAT
_LANDING = orders.LANDING


@compiled(internal=True)
def _turn(s: State, p: int) -> None:
    """Play what happens to player p alone, in its turn of a tick."""
    tick = s.clock[TICK]
    if s.ledger[p, LOST_LAND]:
        hand_over(s, p)
    grow(s, p)
    s.ledger[p, GOLD] += gold_per_tick(int(s.kind[p]))
    last = s.last_cluster_check[p]
    due = tick - last > _CLUSTER_PERIOD or s.tiles[p] < _SMALL
    if due and s.last_change[p] >= last:
        s.last_cluster_check[p] = tick
        capture_enclaves_2026(s, p)
    if s.bot_clock[p, MIND] == TRIBE_MIND and s.tiles[p] > 0:
        tribe_decision(s, p)


@compiled(internal=True)
def _carry_out(s: State, i: int) -> None:
    """Carry out order i of the running tick."""
    p = int(s.orders[i, orders.PLAYER])
    kind = int(s.orders[i, orders.KIND])
    if kind == _ATTACK:
        start_attack(s, p, int(s.orders[i, orders.TARGET]), s.orders[i, orders.TROOPS])
    elif kind == _RETREAT:
        order_retreat(s, p)
    elif kind == _BOAT:
        start_boat(s, p, int(s.orders[i, orders.TILE]), s.orders[i, orders.TROOPS])
    elif kind == _BOAT_RETREAT:
        order_boats_back(s, p)
    elif kind == _LANDING:
        tile = int(s.orders[i, orders.TILE])
        start_landing(s, p, int(s.orders[i, orders.TARGET]), s.orders[i, orders.TROOPS], tile)
    elif kind == _BUILD:
        ask_for_site(s, p, int(s.orders[i, orders.TARGET]), int(s.orders[i, orders.TILE]))
    elif kind == _UPGRADE:
        upgrade(s, p, int(s.orders[i, orders.TILE]))
    elif kind >= orders.ALLY:
        _carry_out_between(s, p, int(s.orders[i, orders.TARGET]), kind)


@compiled(internal=True)
def _carry_out_between(s: State, p: int, q: int, kind: int) -> None:
    """Carry out an order of p that concerns an alliance with q."""
    if kind == orders.ALLY:
        request_alliance(s, p, q)
    elif kind == orders.REJECT:
        reject_alliance(s, p, q)
    elif kind == orders.EXTEND:
        extend_alliance(s, p, q)
    elif kind == orders.BREAK_NOW and is_allied(s.pacts, s.clock, p, q):
        find_near(s, p)
        betray(s, p, q)


@compiled(internal=True)
def _carry_out_all(s: State) -> None:
    """Carry out the orders of the running tick; broken alliances end in the next."""
    kept = 0
    for i in range(s.clock[N_ORDERS]):
        if s.orders[i, orders.KIND] != orders.BREAK:
            _carry_out(s, i)
            continue
        for column in range(orders.N_ORDER):
            s.orders[kept, column] = s.orders[i, column]
        s.orders[kept, orders.KIND] = orders.BREAK_NOW
        kept += 1
    s.clock[N_ORDERS] = kept


@compiled()
def run_ticks_2026(s: State, n: int) -> int:
    """Run up to n ticks; return how many ran (fewer if the match ended or there was a fault)."""
    n_players = s.tiles.shape[0] - 1
    for ran in range(n):
        if s.clock[ENDED] or s.clock[FAULT]:
            return ran
        tick = s.clock[TICK]
        if is_over(s, s.tiles, s.clock[N_LAND]):
            s.clock[ENDED] = 1
            return ran
        for p in range(1, n_players + 1):
            s.tiles_before[p] = s.tiles[p]
        if tick % LOOK_TICKS == 0:
            remember_tick(s)
        let_nations_act(s)
        for p in range(1, n_players + 1):
            if tick > 0 and s.tiles[p] > 0:
                _turn(s, p)
            elif s.eliminated_tick[p] >= 0 and s.eliminated_tick[p] >= tick - 1:
                end_player(s, p)
                dissolve_alliances(s, p)
                sink_boats(s, p)
        for i in range(s.clock[N_ATTACKS]):
            a = int(s.attack_list[i])
            if s.attack_live[a]:
                attack_tick(s, a)
        compact_attacks(s)
        sail_boats(s)
        trade(s)
        work_on_sites(s)
        _carry_out_all(s)
        s.clock[TICK] = tick + 1
    return n
