"""The compass actions: what each one means on the current board, and which are legal.

action = direction * 5 + intensity. Directions 0..7 are N, NE, E, SE, S, SW, W, NW; 8 is WAIT.
Intensities are 0.15, 0.30, 0.45, 0.60, 0.75 of home troops.

The target of a direction is the owner (neutral land included) with the largest contact there, ties
to the lower id; an owner without a common 4-neighbour border is not a target. A direction is
legal when it has a target, immunity allows it and the order sends at least one troop; the five
WAITs are always legal. An illegal action counts as WAIT and is counted; it never raises.

These 45 are all of edition 2025. Edition 2026 has 26 more after them: BUILD a city, UPGRADE one,
and for each direction a BOAT towards it, ALLY (ask its target for an alliance, accept its request,
or extend an alliance that ends soon) and BREAK (the alliance with it). Their masks and orders are
in edition_2026/choices.py.
"""

from __future__ import annotations

import numpy as np

from arena.territory.engine import rules
from arena.territory.engine.compiled import compiled
from arena.territory.engine.immunity import is_immune
from arena.territory.engine.land import border_contact
from arena.territory.engine.orders import ATTACK, add_order
from arena.territory.engine.state import State

N_ACTIONS = rules.N_ACTIONS
WAIT = rules.WAIT_DIRECTION * rules.N_INTENSITIES
DIRECTIONS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW", "WAIT")
_N_INTENSITIES = rules.N_INTENSITIES
# of edition 2026; the last three are followed by one for each further direction
BUILD = 45
UPGRADE = 46
BOAT = 47
ALLY = 55
BREAK = 63
_BY_DIRECTION = {BOAT: "BOAT", ALLY: "ALLY", BREAK: "BREAK"}


def encode(direction: int, intensity: int) -> int:
    """Return the action of a direction 0..8 and an intensity 0..4."""
    return direction * rules.N_INTENSITIES + intensity


def decode(action: int) -> tuple[int, int]:
    """Return (direction, intensity) of one of the first 45 actions."""
    return divmod(action, rules.N_INTENSITIES)


def direction_of(action: int) -> int | None:
    """Return the direction 0..7 of an action, None if it has none."""
    if action < WAIT:
        return action // rules.N_INTENSITIES
    return (action - BOAT) % rules.N_DIRECTIONS if action >= BOAT else None


def kind_of(action: int) -> str:
    """Return the kind of an action: attack, wait, build, upgrade, boat, ally or break."""
    if action < BUILD:
        return "attack" if action < WAIT else "wait"
    if action < BOAT:
        return "build" if action == BUILD else "upgrade"
    return next(_BY_DIRECTION[first] for first in (BREAK, ALLY, BOAT) if action >= first).lower()


def describe(action: int) -> str:
    """Return a short name for people: "NE 45 %", "WAIT", "BUILD" or "BOAT NE"."""
    if action >= BUILD:
        towards = direction_of(action)
        name = kind_of(action).upper()
        return name if towards is None else f"{name} {DIRECTIONS[towards]}"
    direction, intensity = decode(action)
    if direction == rules.WAIT_DIRECTION:
        return "WAIT"
    return f"{DIRECTIONS[direction]} {round(100 * rules.INTENSITIES[intensity])} %"


@compiled(inline=True, internal=True)
def troops_sent(home: int, intensity: int) -> int:
    """Return floor(intensity share * home troops) in integers: 0.15 * (i + 1) = 3 (i + 1) / 20."""
    return home * 3 * (intensity + 1) // 20


@compiled(internal=True)
def find_targets(s: State, p: int, targets: np.ndarray, contacts: np.ndarray) -> None:
    """Find the target and the contact of each direction for player p.

    Args:
        targets: int64[8], filled with owner ids, -1 for none.
        contacts: int64[8], filled with the target's contact, 0 for none.
    """
    n_owners = s.tiles.shape[0]
    targets[:] = -1
    contacts[:] = 0
    for q in range(n_owners):
        if q == p or border_contact(s.contact, p, q) == 0:
            continue
        for d in range(8):
            c = s.contact[p, d, q]
            if c > contacts[d]:
                contacts[d] = c
                targets[d] = q


@compiled(internal=True)
def write_mask(s: State, p: int, targets: np.ndarray, mask: np.ndarray) -> None:
    """Write the legal actions of player p, int8[45], 1 for legal; `targets` from `find_targets`."""
    mask[:] = 0
    mask[40:45] = 1
    if s.tiles[p] == 0:
        return
    for d in range(8):
        target = targets[d]
        if target < 0 or (target > 0 and is_immune(s, p, target)):
            continue
        for i in range(_N_INTENSITIES):
            if troops_sent(s.troops[p], i) >= 1:
                mask[d * _N_INTENSITIES + i] = 1


@compiled()
def give_orders(s: State, actions: np.ndarray, illegal: np.ndarray) -> None:
    """Turn one decision of all players into orders for the end of the next tick.

    Args:
        actions: int64[P], by spawn index (player p is row p - 1); ignored for dead players.
        illegal: int64[P], increased by one for each action that was not legal.
    """
    targets = s.direction_target
    for i in range(min(actions.shape[0], s.tiles.shape[0] - 1)):
        p = i + 1
        action = actions[i]
        if s.tiles[p] == 0:
            continue
        if action < 0 or action >= 45:
            illegal[i] += 1
            continue
        if action >= 40:
            continue
        find_targets(s, p, targets, s.direction_contact)
        target = targets[action // _N_INTENSITIES]
        troops = troops_sent(s.troops[p], action % _N_INTENSITIES)
        if target < 0 or (target > 0 and is_immune(s, p, target)) or troops < 1:
            illegal[i] += 1
            continue
        if not add_order(s, p, ATTACK, target, float(troops), 0):
            return  # several decisions without a tick between them: Engine.act refuses the next one
