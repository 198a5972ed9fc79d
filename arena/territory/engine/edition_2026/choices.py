"""What edition 2026 adds to the actions of a seat: which are legal, and the orders that they give.

BUILD and UPGRADE choose their place by fixed rules (places.py), a BOAT its landing (landings.py);
ALLY and BREAK go to the target of their direction, as attacks do. To an ally, whom nobody can ask
for an alliance, ALLY is the order to extend it, legal in its last 300 ticks. An action is legal
when the engine would carry it out on the board as it stands; the order is looked at again when its
turn comes, as everybody's is.

There is no action that rejects a request. It would change nothing: a request that is not answered
lapses after 200 ticks, the asker may ask again 300 ticks after it asked in both cases, relations
stay as they are, and an attack on the asker rejects it anyway.
"""

from __future__ import annotations

import numpy as np

from arena.territory.engine import orders, rules
from arena.territory.engine.actions import (
    ALLY,
    BOAT,
    BREAK,
    BUILD,
    UPGRADE,
    find_targets,
    troops_sent,
    write_mask,
)
from arena.territory.engine.alliances import is_allied, may_ask, may_extend
from arena.territory.engine.compiled import compiled, int64
from arena.territory.engine.edition_2026.cities import price_of
from arena.territory.engine.edition_2026.landings import (
    best_landing,
    boat_troops,
    write_boat_mask,
)
from arena.territory.engine.edition_2026.places import (
    best_city_place,
    best_upgrade,
    has_city_place,
    has_city_to_upgrade,
)
from arena.territory.engine.immunity import is_immune
from arena.territory.engine.orders import add_order
from arena.territory.engine.state import GOLD, State

N_ACTIONS_2026 = rules.EDITIONS["2026"].n_actions
_CITY = int64(rules.CITY)
_N_INTENSITIES = rules.N_INTENSITIES
_FIRST_WAIT = rules.WAIT_DIRECTION * rules.N_INTENSITIES
_ILLEGAL, _GIVEN, _NO_ROOM = 0, 1, -1


@compiled(inline=True, internal=True)
def _has_gold(s: State, p: int) -> bool:
    """Return whether p can pay for a city, or a level more of one: the price is the same."""
    return bool(s.ledger[p, GOLD] >= price_of(s.ledger, p, _CITY))


@compiled(internal=True)
def write_mask_2026(
    s: State, p: int, targets: np.ndarray, landings: np.ndarray, mask: np.ndarray
) -> None:
    """Write the legal actions of player p, int8[71], 1 for legal.

    Args:
        targets: int64[8] from `find_targets`.
        landings: int64[8] from `find_landings`.
    """
    write_mask(s, p, targets, mask)
    if s.tiles[p] == 0:
        return
    write_boat_mask(s, p, landings, mask[BOAT:ALLY])
    if _has_gold(s, p):
        mask[BUILD] = 1 if has_city_place(s, p) else 0
        mask[UPGRADE] = 1 if has_city_to_upgrade(s, p) else 0
    for d in range(8):
        q = targets[d]
        if q <= 0:
            continue
        if is_allied(s.pacts, s.clock, p, q):
            mask[BREAK + d] = 1
            mask[ALLY + d] = 1 if may_extend(s, p, q) else 0
            for i in range(_N_INTENSITIES):
                mask[d * _N_INTENSITIES + i] = 0
        elif may_ask(s, p, q):
            mask[ALLY + d] = 1


@compiled(internal=True)
def _order_to_target(s: State, p: int, action: int) -> int:
    """Give an order to the target of a direction: an attack, or one of an alliance."""
    find_targets(s, p, s.direction_target, s.direction_contact)
    if action < _FIRST_WAIT:
        q = s.direction_target[action // _N_INTENSITIES]
        troops = troops_sent(s.troops[p], action % _N_INTENSITIES)
        is_refused = q > 0 and (is_immune(s, p, q) or is_allied(s.pacts, s.clock, p, q))
        if q < 0 or is_refused or troops < 1:
            return _ILLEGAL
        return _GIVEN if add_order(s, p, orders.ATTACK, q, float(troops), 0) else _NO_ROOM
    q = s.direction_target[(action - ALLY) % 8]
    if q <= 0:
        return _ILLEGAL
    if is_allied(s.pacts, s.clock, p, q):
        kind = orders.EXTEND if action < BREAK else orders.BREAK
        is_legal = action >= BREAK or may_extend(s, p, q)
    else:
        kind = orders.ALLY
        is_legal = action < BREAK and may_ask(s, p, q)
    if not is_legal:
        return _ILLEGAL
    return _GIVEN if add_order(s, p, kind, q, 0.0, 0) else _NO_ROOM


@compiled(internal=True)
def _order(s: State, p: int, action: int) -> int:
    """Give the order of one action; return whether it was legal, and whether there was room."""
    if action < _FIRST_WAIT or action >= ALLY:
        return _order_to_target(s, p, action)
    if action < BUILD:
        return _GIVEN  # WAIT
    if action >= BOAT:
        tile = best_landing(s, p, action - BOAT)
        if tile < 0:
            return _ILLEGAL
        troops = float(boat_troops(s, p))
        return _GIVEN if add_order(s, p, orders.BOAT, 0, troops, tile) else _NO_ROOM
    if not _has_gold(s, p):
        return _ILLEGAL
    tile = best_city_place(s, p) if action == BUILD else best_upgrade(s, p)
    if tile < 0:
        return _ILLEGAL
    kind = orders.BUILD if action == BUILD else orders.UPGRADE
    return _GIVEN if add_order(s, p, kind, _CITY, 0.0, tile) else _NO_ROOM


@compiled()
def give_orders_2026(s: State, actions: np.ndarray, illegal: np.ndarray) -> None:
    """Turn one decision of all players into orders for the end of the next tick.

    Args:
        actions: int64[P], by spawn index (player p is row p - 1); ignored for dead players.
        illegal: int64[P], increased by one for each action that was not legal.
    """
    for i in range(min(actions.shape[0], s.tiles.shape[0] - 1)):
        p = i + 1
        action = actions[i]
        if s.tiles[p] == 0:
            continue
        if action < 0 or action >= N_ACTIONS_2026:
            illegal[i] += 1
            continue
        given = _order(s, p, action)
        if given == _NO_ROOM:
            return  # several decisions without a tick between them: Engine.act refuses the next one
        if given == _ILLEGAL:
            illegal[i] += 1
