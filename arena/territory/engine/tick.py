"""The order of events inside a tick, and the end of a match; edition 2026 has its own tick.

First the win check; then for each player in spawn order: growth, enclave check, a bot's decision;
then every running attack in order of creation; then the new orders, those from outside first.
"""

from __future__ import annotations

import math

import numpy as np

from arena.territory.engine import orders, rules
from arena.territory.engine.attacks import attack_tick, compact_attacks, order_retreat, start_attack
from arena.territory.engine.bots import bot_decision
from arena.territory.engine.caps import cap_of
from arena.territory.engine.compiled import compiled
from arena.territory.engine.enclaves import capture_enclaves
from arena.territory.engine.formulas import troop_increase
from arena.territory.engine.memory import remember_tick
from arena.territory.engine.state import (
    ENDED,
    FAULT,
    LOOK_TICKS,
    MATCH_ENDS,
    N_ALIVE,
    N_ATTACKS,
    N_ORDERS,
    N_PLAYABLE,
    TICK,
    State,
)

_BOT = rules.BOT
_CLUSTER_PERIOD = rules.CLUSTER_PERIOD
_WIN_PERIOD = rules.WIN_CHECK_PERIOD
_WIN_SHARE = rules.WIN_SHARE
_RETREAT = orders.RETREAT


@compiled(inline=True, internal=True)
def grow(s: State, p: int) -> None:
    """Let the home troops of p grow by one tick, or shrink above the cap."""
    delta = troop_increase(float(s.troops[p]), cap_of(s, p), s.growth_factor[p])
    if delta >= 0.0:
        s.troops[p] += int(math.floor(delta))
    else:
        s.troops[p] -= min(s.troops[p], int(math.floor(-delta)))


@compiled(internal=True)
def is_over(s: State, tiles: np.ndarray, land: int) -> bool:
    """Return whether one player is left or, every tenth tick, whether there is a winner.

    Args:
        tiles: int64[P + 1] by player, of the land that counts for the win.
        land: how many tiles of it there are.
    """
    if not s.clock[MATCH_ENDS]:
        return False
    if s.clock[N_ALIVE] <= 1:
        return True
    if s.clock[TICK] % _WIN_PERIOD == 0:
        limit = _WIN_SHARE * land
        for p in range(1, tiles.shape[0]):
            if tiles[p] > limit:
                return True
    return False


# The body of a tick is inside the loop: every level of calls is optimised once more with all that
# it calls, and a separate function here took two seconds to compile.
@compiled()
def run_ticks(s: State, n: int) -> int:
    """Run up to n ticks; return how many ran (fewer if the match ended or there was a fault)."""
    n_players = s.tiles.shape[0] - 1
    for ran in range(n):
        if s.clock[ENDED] or s.clock[FAULT]:
            return ran
        tick = s.clock[TICK]
        if is_over(s, s.playable_tiles, s.clock[N_PLAYABLE]):
            s.clock[ENDED] = 1
            return ran
        for p in range(1, n_players + 1):
            s.tiles_before[p] = s.tiles[p]
        if tick % LOOK_TICKS == 0:
            remember_tick(s)
        for p in range(1, n_players + 1):
            if tick == 0 or s.tiles[p] == 0:
                continue
            grow(s, p)
            last = s.last_cluster_check[p]
            if tick - last > _CLUSTER_PERIOD and s.last_change[p] > last:
                s.last_cluster_check[p] = tick
                capture_enclaves(s, p)
            if s.kind[p] == _BOT and s.tiles[p] > 0:
                bot_decision(s, p)
        for i in range(s.clock[N_ATTACKS]):
            a = int(s.attack_list[i])
            if s.attack_live[a]:
                attack_tick(s, a)
        compact_attacks(s)
        for i in range(s.clock[N_ORDERS]):
            p = int(s.orders[i, orders.PLAYER])
            if s.orders[i, orders.KIND] == _RETREAT:
                order_retreat(s, p)
            else:
                start_attack(s, p, int(s.orders[i, orders.TARGET]), s.orders[i, orders.TROOPS])
        s.clock[N_ORDERS] = 0
        s.clock[TICK] = tick + 1
    return n
