"""Boats: troops that cross water in edition 2026, one tile per tick, and the attacks they land.

An order names a tile and a number of troops. The boat goes to the shore tile of the tile's owner
that is nearest to it (by taxicab distance, at most 50), from the shore tile of its own player with
the shortest way by water (waterways.py). It is refused on one's own land, on an ally's, on somebody
immune, without such a tile or way, and with three boats at sea. The troops are gone from home at
once, and count neither for growth nor for the cap.

A boat that left at the end of tick t on a way of L steps stands at its landing tile at the end of
t + L and lands in the next tick, after all attacks. If the tile is its player's by then, three
quarters of the troops come home. Otherwise the tile is taken from whoever has it, without loss, and
an attack on the owner *at the time of the order* starts there at the end of the tick; if that is an
ally by now, all troops come home instead.

Boats ordered back at tick t turn in t + 2, sail to the nearest shore of their player, and land
there by the same rule. They are gone when their player dies. Boats move in order of creation.
"""

from __future__ import annotations

import math

from arena.territory.engine import orders, rules
from arena.territory.engine.alliances import is_allied, reject_alliance
from arena.territory.engine.compiled import compiled, int64
from arena.territory.engine.edition_2026.waterways import (
    find_way,
    go_on,
    is_on_waters,
    mark_waters_of,
    taxicab,
)
from arena.territory.engine.immunity import is_immune
from arena.territory.engine.land import next_stamp, take_tile
from arena.territory.engine.memory import remember_attack
from arena.territory.engine.orders import add_order
from arena.territory.engine.state import (
    BOAT_LANDING,
    BOAT_OWNER,
    BOAT_STEP,
    BOAT_STEPS,
    BOAT_TARGET,
    BOAT_TILE,
    BOAT_TURNS_AT,
    BOAT_WAY,
    BOATS_EACH,
    N_BOAT,
    SHORE,
    TICK,
    State,
)

_OFF_MAP = rules.OFF_MAP
_BOT = rules.BOT
_REACH = rules.BOAT_REACH
_RETREAT_LOSS = rules.RETREAT_LOSS
_LANDING = int64(orders.LANDING)
_SAILS_ON = -1
_HAS_TURNED = -2
_TURNS_AFTER = 2  # ticks


@compiled(internal=True)
def may_land_on(s: State, p: int, q: int) -> bool:
    """Return whether p may send a boat to land of q, 0 for neutral land."""
    if q == p:
        return False
    return q == 0 or not (is_allied(s.pacts, s.clock, p, q) or is_immune(s, p, q))


@compiled(internal=True)
def count_boats(s: State, p: int) -> int:
    """Return the number of p's boats at sea."""
    n = int64(0)
    for i in range(s.boats.shape[0]):
        if s.boats[i, BOAT_OWNER] == 0:
            break
        if s.boats[i, BOAT_OWNER] == p:
            n += 1
    return n


@compiled(internal=True)
def nearest_shore(s: State, tile: int, q: int) -> int:
    """Return the shore tile of owner q nearest to a tile, at most 50 steps away, else -1.

    Of equally near ones it is the one that the original's walk over the tiles around meets first: a
    walk that always goes on from the tile met last, its neighbours in the order N, S, W, E.
    """
    if s.owner[tile] == q and s.flags[tile] & SHORE:
        return tile
    stride = s.shape[2]
    seen = next_stamp(s)
    s.mark[tile] = seen
    s.scratch[0] = tile
    n = 1
    best = int64(-1)
    nearest = _REACH + 1
    while n > 0:
        n -= 1
        here = int64(s.scratch[n])
        for step in (-stride, stride, -1, 1):
            at = here + step
            if s.mark[at] == seen or s.owner[at] == _OFF_MAP:
                continue
            distance = taxicab(stride, tile, at)
            if distance > _REACH:
                continue
            s.mark[at] = seen
            s.scratch[n] = at
            n += 1
            if distance < nearest and s.owner[at] == q and s.flags[at] & SHORE:
                nearest = distance
                best = at
    return best


@compiled(internal=True)
def _landing_for(s: State, p: int, tile: int) -> int:
    """Return the landing of a boat of p that is sent to a tile, -1 if it may not land there."""
    q = int64(s.owner[tile])
    if q >= _OFF_MAP:  # water belongs to nobody
        q = int64(0)
    if s.tiles[p] == 0 or not may_land_on(s, p, q):
        return int64(-1)
    return nearest_shore(s, tile, q)


@compiled(internal=True)
def landing_of(s: State, p: int, tile: int) -> int:
    """Return where a boat of p that is sent to a tile would land, -1 if the order is refused.

    It does not look at the troops, and not for boats that are at sea already.
    """
    landing = _landing_for(s, p, tile)
    if landing >= 0 and not is_on_waters(s, landing, mark_waters_of(s, p)):
        return int64(-1)
    return landing


@compiled(internal=True)
def start_boat(s: State, p: int, tile: int, requested: float) -> None:
    """Send a boat of p to a tile, unless it is refused: see the module's docstring."""
    if requested < 0.0 or count_boats(s, p) >= BOATS_EACH:
        return
    asked = int64(s.owner[tile])
    if 0 < asked < _OFF_MAP and s.kind[p] != _BOT and s.kind[asked] != _BOT:
        reject_alliance(s, p, asked)
    landing = _landing_for(s, p, tile)
    if landing < 0:
        return
    way = _free_way(s)
    start, n_steps = find_way(s, p, landing, way, False)
    if start < 0:
        return
    target = int64(s.owner[landing])
    troops = min(float(s.troops[p]), requested)
    remember_attack(s, p, target, troops)
    s.troops[p] -= int(math.floor(troops))
    i = 0
    while s.boats[i, BOAT_OWNER] != 0:
        i += 1
    s.boat_troops[i] = troops
    boat = s.boats[i]
    boat[BOAT_OWNER] = p
    boat[BOAT_TARGET] = target
    boat[BOAT_TILE] = start
    boat[BOAT_LANDING] = landing
    boat[BOAT_TURNS_AT] = _SAILS_ON
    boat[BOAT_WAY] = way
    boat[BOAT_STEP] = 0
    boat[BOAT_STEPS] = n_steps


@compiled(internal=True)
def _free_way(s: State) -> int:
    """Return a row of State.boat_ways that no boat uses; there is one for every boat."""
    for way in range(s.boats.shape[0]):
        is_free = True
        for i in range(s.boats.shape[0]):
            if s.boats[i, BOAT_OWNER] == 0:
                break
            if s.boats[i, BOAT_WAY] == way:
                is_free = False
        if is_free:
            return int64(way)
    return int64(-1)


@compiled(internal=True)
def order_boats_back(s: State, p: int) -> None:
    """Order all boats of p back, as of the current tick."""
    for i in range(s.boats.shape[0]):
        if s.boats[i, BOAT_OWNER] == 0:
            return
        if s.boats[i, BOAT_OWNER] == p and s.boats[i, BOAT_TURNS_AT] == _SAILS_ON:
            s.boats[i, BOAT_TURNS_AT] = s.clock[TICK] + _TURNS_AFTER


@compiled(internal=True)
def _come_home(s: State, i: int, share: float) -> None:
    """Take boat i off the sea; a share of its troops are home again."""
    p = s.boats[i, BOAT_OWNER]
    s.troops[p] += int(math.floor(s.boat_troops[i] * share))
    s.boats[i, BOAT_OWNER] = 0


@compiled(internal=True)
def _land(s: State, i: int) -> None:
    """Let boat i land on the tile where it is."""
    p = s.boats[i, BOAT_OWNER]
    target = s.boats[i, BOAT_TARGET]
    tile = s.boats[i, BOAT_TILE]
    if s.owner[tile] == p:
        _come_home(s, i, 1.0 - _RETREAT_LOSS)
        return
    take_tile(s, tile, p)
    if target != 0 and is_allied(s.pacts, s.clock, p, target):
        _come_home(s, i, 1.0)
        return
    # with the other new orders at the end of the tick; without room for it nothing is lost
    if add_order(s, p, _LANDING, target, s.boat_troops[i], tile):
        s.boats[i, BOAT_OWNER] = 0
    else:
        _come_home(s, i, 1.0)


@compiled(internal=True)
def _sail(s: State, i: int) -> None:
    """Move boat i by one tile, or let it land."""
    boat = s.boats[i]
    p = boat[BOAT_OWNER]
    if boat[BOAT_TURNS_AT] >= 0 and s.clock[TICK] >= boat[BOAT_TURNS_AT]:
        home, n_steps = find_way(s, p, boat[BOAT_TILE], boat[BOAT_WAY], True)
        if home < 0:
            _come_home(s, i, 1.0)
            return
        boat[BOAT_TURNS_AT] = _HAS_TURNED
        boat[BOAT_LANDING] = home
        boat[BOAT_STEP] = 0
        boat[BOAT_STEPS] = n_steps
    if boat[BOAT_TILE] == boat[BOAT_LANDING]:
        _land(s, i)
        return
    if boat[BOAT_STEP] == boat[BOAT_STEPS]:  # a way that was cut off
        boat[BOAT_STEP] = 0
        boat[BOAT_STEPS] = go_on(s, boat[BOAT_WAY], boat[BOAT_TILE], boat[BOAT_LANDING])
    boat[BOAT_TILE] += s.offsets[s.boat_ways[boat[BOAT_WAY], boat[BOAT_STEP]]]
    boat[BOAT_STEP] += 1


@compiled(internal=True)
def _close_ranks(s: State) -> None:
    """Move the boats at sea to the first rows, in order, and clear the others."""
    kept = 0
    for i in range(s.boats.shape[0]):
        if s.boats[i, BOAT_OWNER] == 0:
            continue
        if i != kept:
            for column in range(N_BOAT):
                s.boats[kept, column] = s.boats[i, column]
            s.boat_troops[kept] = s.boat_troops[i]
        kept += 1
    for i in range(kept, s.boats.shape[0]):
        for column in range(N_BOAT):
            s.boats[i, column] = 0
        s.boat_troops[i] = 0.0


@compiled(internal=True)
def sail_boats(s: State) -> None:
    """Move all boats by one tile; those that have arrived land."""
    if s.boats[0, BOAT_OWNER] == 0:
        return
    n = 0
    while n < s.boats.shape[0] and s.boats[n, BOAT_OWNER] != 0:
        n += 1
    left = 0
    for i in range(n):
        _sail(s, i)
        left += 1 if s.boats[i, BOAT_OWNER] != 0 else 0
    if left < n:
        _close_ranks(s)


@compiled(internal=True)
def sink_boats(s: State, p: int) -> None:
    """Take the boats of a player without land off the sea, with all troops on them."""
    if s.boats[0, BOAT_OWNER] == 0 or count_boats(s, p) == 0:
        return
    for i in range(s.boats.shape[0]):
        if s.boats[i, BOAT_OWNER] == p:
            s.boats[i, BOAT_OWNER] = 0
    _close_ranks(s)
