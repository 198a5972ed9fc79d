"""What edition 2026 adds to the actions of a seat: which are legal, and the orders that they give.

BUILD and UPGRADE choose their place by fixed rules; a BOAT takes a fifth of the home troops, as the
original's nations send them, to the best landing in its direction; ALLY and BREAK go to the target
of their direction, as attacks do. An action is legal when the engine would carry it out on the
board as it stands; the order is looked at again when its turn comes, as everybody's is.
"""

from __future__ import annotations

import numpy as np

from arena.territory.engine import rules
from arena.territory.engine.actions import (
    BUILD,
    find_targets,
    troops_sent,
    write_mask,
)
from arena.territory.engine.compiled import compiled
from arena.territory.engine.immunity import is_immune
from arena.territory.engine.orders import ATTACK, add_order
from arena.territory.engine.state import ALLIED_UNTIL, TICK, State

N_ACTIONS_2026 = rules.EDITIONS["2026"].n_actions
BOAT_SHARE = 5  # a boat takes the home troops divided by this
_N_INTENSITIES = rules.N_INTENSITIES
_FIRST_WAIT = rules.WAIT_DIRECTION * rules.N_INTENSITIES


@compiled(inline=True, internal=True)
def is_ally(s: State, p: int, q: int) -> bool:
    """Return whether p and q are allies."""
    return bool(s.pacts[p, q, ALLIED_UNTIL] > s.clock[TICK])


@compiled(inline=True, internal=True)
def may_attack(s: State, p: int, target: int) -> bool:
    """Return whether an order of p on an owner, 0 for neutral land, is not refused."""
    return target == 0 or (target > 0 and not is_immune(s, p, target) and not is_ally(s, p, target))


@compiled(internal=True)
def write_mask_2026(s: State, p: int, targets: np.ndarray, mask: np.ndarray) -> None:
    """Write the legal actions of player p, int8[71], 1 for legal.

    Args:
        targets: int64[8] from `find_targets`.
    """
    write_mask(s, p, targets, mask)
    if s.tiles[p] == 0:
        return
    for d in range(8):
        if targets[d] > 0 and is_ally(s, p, targets[d]):
            mask[d * _N_INTENSITIES : (d + 1) * _N_INTENSITIES] = 0


@compiled(internal=True)
def _order(s: State, p: int, action: int) -> int:
    """Give the order of one action; return 1 if it was legal, 0 if not, -1 without room for it."""
    if action < _FIRST_WAIT:
        find_targets(s, p, s.direction_target, s.direction_contact)
        target = s.direction_target[action // _N_INTENSITIES]
        troops = troops_sent(s.troops[p], action % _N_INTENSITIES)
        if not may_attack(s, p, target) or troops < 1:
            return 0
        return 1 if add_order(s, p, ATTACK, target, float(troops), 0) else -1
    return 1 if action < BUILD else 0


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
        if given < 0:
            return  # several decisions without a tick between them: Engine.act refuses the next one
        illegal[i] += 1 - given
