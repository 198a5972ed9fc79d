"""Orders wait in State.orders for the end of the running tick, in the order in which they came."""

from __future__ import annotations

from arena.territory.engine.compiled import compiled
from arena.territory.engine.state import N_ORDERS, State

# columns of State.orders, float64[n, N_ORDER]
PLAYER = 0
TARGET = 1  # a player, 0 for neutral land
TROOPS = 2
KIND = 3
TILE = 4  # framed tile of a structure or a landing
N_ORDER = 5

# kinds; all after RETREAT are of edition 2026
ATTACK = 0
RETREAT = 1  # of all running attacks
BUILD = 2  # TARGET is the kind of structure, TILE the place asked for
UPGRADE = 3  # TILE is the structure's
BOAT = 4  # TILE is where it shall land
BOAT_RETREAT = 5  # of all boats
ALLY = 6  # ask TARGET for an alliance, or accept its request
REJECT = 7  # TARGET's request
EXTEND = 8  # the alliance with TARGET
BREAK = 9  # the alliance with TARGET, in the next tick
BREAK_NOW = 10  # what BREAK becomes in the next tick
LANDING = 11  # of a boat on land of TARGET at TILE; the engine alone gives it
N_KINDS = 12


@compiled(internal=True)
def add_order(s: State, p: int, kind: int, target: int, troops: float, tile: int) -> bool:
    """Append an order; return whether there was room for it."""
    at = s.clock[N_ORDERS]
    if at >= s.orders.shape[0]:
        return False
    s.orders[at, PLAYER] = p
    s.orders[at, TARGET] = target
    s.orders[at, TROOPS] = troops
    s.orders[at, KIND] = kind
    s.orders[at, TILE] = tile
    s.clock[N_ORDERS] = at + 1
    return True
