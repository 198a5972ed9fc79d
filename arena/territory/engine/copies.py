"""Copies of a match's state that share nothing with it but its map, and new streams for them.

A copy of a small board (128 x 128, ten seats) takes some 3 MB; `league bench territory` prints its
time. The parts of the queues, of the slots of attacks and of the ring of events that were never
used are not copied.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arena.territory.engine.bots import RATE
from arena.territory.engine.numerics import stream_seed
from arena.territory.engine.state import (
    EDITION,
    EVENT_RING,
    MAP_ALONE,
    N_EVENTS,
    N_LANES,
    N_SHIPS,
    N_STRUCTURES,
    N_TRAINS,
    NEXT_NODE,
    State,
)
from arena.territory.engine.tempers import set_temper, temper_of
from arena.territory.engine.traffic import MARKET

BY_SLOT = (
    *("attack_next", "attacker", "target", "attack_troops", "attack_live", "retreat_tick"),
    *("attack_border", "border_set", "bucket_head", "bucket_tail", "old_head", "old_tail"),
    *("queue_base", "queue_low", "queue_size"),
)
"""Fields with a row for each slot of an attack."""

# Apart from every other use of a seed: even the match's own seed gives a clone other streams.
_CLONE_STREAM = 6
_CLONE_BOT_STREAM = 7


def copy_state(state: State, into: State | None = None) -> State:
    """Return a copy of a state: the same match, bit by bit, in other memory.

    Args:
        into: a state of a match of the same shape (map size, players, grid) that is overwritten and
            returned, which saves the allocation; None allocates.
    """
    n_slots = used_slots(state)
    if into is not None:
        n_slots = max(n_slots, used_slots(into))  # those beyond its own attacks become as new
    used = {
        "node_tile": int(state.clock[NEXT_NODE]),
        "node_next": int(state.clock[NEXT_NODE]),
        "structures": int(state.clock[N_STRUCTURES]),
        "rails": int(state.clock[N_STRUCTURES]),
        "ships": int(state.clock[N_SHIPS]),
        "trains": int(state.clock[N_TRAINS]),
        "lanes": int(state.clock[N_LANES]),
        "stops": 0,
        **dict.fromkeys(
            ("event_at", "event_owners", "event_tick"), min(int(state.clock[N_EVENTS]), EVENT_RING)
        ),
        **dict.fromkeys(BY_SLOT, n_slots),
    }
    copies = {}
    for name in State._fields:
        values: NDArray[Any] = getattr(state, name)
        if name in MAP_ALONE:
            copies[name] = values
            continue
        n = used.get(name, len(values))
        if into is not None:
            copy = getattr(into, name)
        elif name == "border_set":
            copy = np.zeros_like(values)  # the system commits none of it before it is written
        elif name in BY_SLOT:
            copy, n = values.copy(), 0
        else:
            copy = np.empty_like(values)
        copy[:n] = values[:n]
        copies[name] = copy
    return State(**copies)


def used_slots(state: State) -> int:
    """Return the number of slots, the first ones, that ever held an attack; the others are as new.

    Free slots are taken from the end of their list, the lowest first: at its beginning stand, the
    highest first, those that were never taken.
    """
    k = len(state.free_slots) - 1
    free = state.free_slots[: int(state.free_slots[k])]
    moved = np.flatnonzero(free != np.arange(k - 1, k - 1 - len(free), -1))
    return k - int(moved[0] if len(moved) else len(free))


def shapes_of(state: State) -> list[tuple[int, ...]]:
    """Return the shapes of the arrays that a copy does not share with its original."""
    return [getattr(state, name).shape for name in State._fields if name not in MAP_ALONE]


def renew_streams(state: State, seed: int) -> None:
    """Give every player and trade a new stream, and every bot of the engine a new temper, no enemy.

    A bot's temper and enemy are what it drew for itself: nobody else can see them.
    """
    if state.clock[EDITION]:
        state.streams[MARKET] = stream_seed(seed, MARKET, _CLONE_STREAM)
    for p in range(1, len(state.streams)):
        state.streams[p] = stream_seed(seed, p, _CLONE_STREAM)
        if state.bot_clock[p, RATE] > 0:
            set_temper(state, p, temper_of(state, p, seed, p, _CLONE_BOT_STREAM))
