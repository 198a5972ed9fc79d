"""Trade ships of edition 2026: they sail by themselves from port to port, and both owners are paid.

Every ten ticks a finished port draws once per level for a ship; each draw that is lost makes the
next one easier, and ships at sea make all draws harder. The ship goes to a port of another player
on the same water, unless one of the two embargoes the other, drawn by weight: a port's level,
doubled if it is at least 300 tiles away (taxicab) and either an ally's or among the nearest third
of all partners (four at least), times three if it is both.

A ship moves a tile a tick. On arrival the owners of both ports get the same gold, which grows with
the way. It is given up when its owner dies or embargoes the other, and when the port that it sails
to is gone, or its owner's own or the other port's owner's by then. Nobody captures ships: there are
no warships. So a ship is an entry with the tick in which it arrives.

Ways are searched once, from a port when it is begun to all others (State.lanes): on the map of half
the size, as for boats, between the cells of both ports. Between recorded ports they are as long as
the original's, within a tile.
"""

from __future__ import annotations

import math

import numpy as np

from arena.territory.engine import rules
from arena.territory.engine.alliances import has_embargo, is_allied
from arena.territory.engine.compiled import compiled, int64
from arena.territory.engine.edition_2026.nearby import insert_nearest
from arena.territory.engine.edition_2026.waterways import (
    begin_flood,
    cell_of,
    columns_of,
    taxicab,
)
from arena.territory.engine.numerics import draw, exponential
from arena.territory.engine.state import (
    BODY,
    DRAWS_LOST,
    GOLD,
    LANE,
    N_LANES,
    N_SHIPS,
    N_STRUCTURES,
    STRUCTURE_LEVEL,
    STRUCTURE_OWNER,
    STRUCTURE_TILE,
    TICK,
    TRADED,
    State,
)
from arena.territory.engine.traffic import (
    MARKET,
    MAX_LANES,
    MAX_SHIPS,
    N_SHIP,
    SHIP_ARRIVES,
    SHIP_FROM,
    SHIP_OWNER,
    SHIP_PAYS,
    SHIP_STEPS,
    SHIP_TO,
)

_MARKET = int64(MARKET)
_PORT = rules.PORT
_FAR = 300  # tiles: trade over less pays little
_PER_TILE = 50  # gold
_LARGEST = 75_000.0  # gold for a far port, beside that
_STEEPNESS = 0.03
_ODDS = 100.0  # one in so many first draws sends a ship
_CROWDED = 400.0  # ships at sea that halve the chances
_DECAY = math.log(2.0) / 50.0
_NEAREST = 4.0  # ports that count as near, at least


@compiled()
def ship_gold(steps: int) -> int:
    """Return what each of both owners gets for a ship that sailed so many tiles."""
    far = _LARGEST / (1.0 + exponential(-_STEEPNESS * (steps - _FAR)))
    return int(math.floor(far + _PER_TILE * steps))


@compiled()
def ship_odds(lost: int, n_ships: int) -> int:
    """Return k if a draw sends a ship with chance 1 in k.

    Args:
        lost: draws that the port has lost since its last ship.
        n_ships: trade ships at sea.
    """
    chance = 1.0 / (1.0 + exponential(_DECAY * (n_ships - _CROWDED)))
    return max(1, int(math.floor(_ODDS / (lost + 1) / chance)))


@compiled(internal=True)
def may_trade(s: State, p: int, q: int) -> bool:
    """Return whether two players have no embargo between them."""
    return not (has_embargo(s.pacts, s.clock, p, q) or has_embargo(s.pacts, s.clock, q, p))


@compiled(internal=True)
def earn(s: State, p: int, gold: int) -> None:
    """Give p gold that it traded for; the dead get none."""
    if s.tiles[p] > 0:
        s.ledger[p, GOLD] += gold
        s.ledger[p, TRADED] += gold


# --- ways -----------------------------------------------------------------------------------------


@compiled(internal=True)
def _flood(s: State, tile: int) -> int:
    """Write to s.clusters how many steps each cell of water is from a port's; return their mark."""
    stamp = begin_flood(s, tile)
    columns = columns_of(s)
    at = 0
    n = 1
    while at < n:
        cell = int64(s.scratch[at])
        at += 1
        for step in (-columns, columns, -1, 1):
            u = cell + step
            if s.mark[u] != stamp and s.water[BODY, u] != 0:
                s.mark[u] = stamp
                s.clusters[u] = s.clusters[cell] + 1
                s.scratch[n] = u
                n += 1
    return stamp


@compiled(internal=True)
def _tiles_to(s: State, tile: int, stamp: int) -> int:
    """Return the length of the way to a port's tile after `_flood`, 0 for none."""
    columns = columns_of(s)
    cell = cell_of(s, tile)
    if s.mark[cell] == stamp:
        return max(1, 2 * int64(s.clusters[cell]))
    least = int64(-1)
    for step in (-columns, columns, -1, 1):
        u = cell + step
        is_met = s.mark[u] == stamp and s.water[BODY, u] != 0
        if is_met and (least < 0 or s.clusters[u] < least):
            least = int64(s.clusters[u])
    return int64(0) if least < 0 else 2 * (least + 1)


@compiled(internal=True)
def open_lanes(s: State, i: int) -> None:
    """Find the ways from port i, which is begun, to all others; without a free row it has none."""
    is_used = s.stops[0]
    for lane in range(1, MAX_LANES + 1):
        is_used[lane] = 0
    is_alone = True
    for j in range(s.clock[N_STRUCTURES]):
        if j != i and s.structures[j, LANE] != 0:
            is_used[s.structures[j, LANE]] = 1
            is_alone = False
    lane = int64(1)
    while lane <= MAX_LANES and is_used[lane]:
        lane += 1
    if lane > MAX_LANES:
        return
    s.structures[i, LANE] = lane
    s.clock[N_LANES] = max(s.clock[N_LANES], lane)
    if is_alone:
        return
    stamp = _flood(s, s.structures[i, STRUCTURE_TILE])
    for j in range(s.clock[N_STRUCTURES]):
        other = s.structures[j, LANE]
        if j != i and other != 0:
            tiles = _tiles_to(s, s.structures[j, STRUCTURE_TILE], stamp)
            s.lanes[lane - 1, other - 1] = tiles
            s.lanes[other - 1, lane - 1] = tiles


# --- departure ------------------------------------------------------------------------------------


@compiled(internal=True)
def _list_partners(s: State, i: int) -> int:
    """Write the ports that port i may trade with to s.stops, nearest first; return their number.

    The rows of s.stops are the ports and how far each is (taxicab).
    """
    stride = s.shape[2]
    p = s.structures[i, STRUCTURE_OWNER]
    lane = s.structures[i, LANE] - 1
    partners, distances = s.stops[0], s.stops[1]
    n = int64(0)
    for j in range(s.clock[N_STRUCTURES]):
        port = s.structures[j]
        q = port[STRUCTURE_OWNER]
        if port[LANE] == 0 or q == p or s.lanes[lane, port[LANE] - 1] == 0:
            continue
        if not may_trade(s, p, q):
            continue
        far = taxicab(stride, s.structures[i, STRUCTURE_TILE], port[STRUCTURE_TILE])
        insert_nearest(partners, distances, n, j, far)
        n += 1
    return n


@compiled(internal=True)
def _weight(s: State, p: int, k: int, n: int) -> int:
    """Return the weight of partner k of n in p's choice."""
    port = s.structures[s.stops[0, k]]
    times = 1
    if s.stops[1, k] >= _FAR:
        if k < max(n / 3.0, _NEAREST):
            times += 1
        if is_allied(s.pacts, s.clock, p, port[STRUCTURE_OWNER]):
            times += 1
    return int64(times * port[STRUCTURE_LEVEL])


@compiled(internal=True)
def _send_ship(s: State, i: int) -> None:
    """Send a ship from port i, if there is a port to trade with."""
    p = s.structures[i, STRUCTURE_OWNER]
    n = _list_partners(s, i)
    total = int64(0)
    for k in range(n):
        total += _weight(s, p, k, n)
    if total == 0 or s.clock[N_SHIPS] >= MAX_SHIPS:
        return
    left = draw(s.streams, _MARKET, total)
    k = int64(0)
    while left >= _weight(s, p, k, n):
        left -= _weight(s, p, k, n)
        k += 1
    to = int64(s.stops[0, k])
    ship = s.ships[s.clock[N_SHIPS]]
    s.clock[N_SHIPS] += 1
    ship[SHIP_OWNER] = p
    ship[SHIP_FROM] = i
    ship[SHIP_TO] = to
    ship[SHIP_PAYS] = p
    ship[SHIP_STEPS] = s.lanes[s.structures[i, LANE] - 1, s.structures[to, LANE] - 1]
    ship[SHIP_ARRIVES] = s.clock[TICK] + ship[SHIP_STEPS] + 1


@compiled(internal=True)
def draw_for_ship(s: State, i: int) -> None:
    """Draw once per level of port i whether it sends a ship."""
    port = s.structures[i]
    for _ in range(port[STRUCTURE_LEVEL]):
        if draw(s.streams, _MARKET, int64(ship_odds(port[DRAWS_LOST], s.clock[N_SHIPS]))) == 0:
            port[DRAWS_LOST] = 0
            _send_ship(s, i)
            return
        port[DRAWS_LOST] += 1


# --- the voyage -----------------------------------------------------------------------------------


@compiled(internal=True)
def _sails_on(s: State, ship: np.ndarray) -> bool:
    """Return whether a ship is still at sea; pay for it if it has arrived."""
    p = ship[SHIP_OWNER]
    to = ship[SHIP_TO]
    if ship[SHIP_FROM] >= 0:
        ship[SHIP_PAYS] = s.structures[ship[SHIP_FROM], STRUCTURE_OWNER]
    if to < 0 or s.tiles[p] == 0:
        return False
    q = s.structures[to, STRUCTURE_OWNER]
    if q == p or q == ship[SHIP_PAYS] or not may_trade(s, p, q):
        return False
    if s.clock[TICK] < ship[SHIP_ARRIVES]:
        return True
    gold = ship_gold(ship[SHIP_STEPS])
    earn(s, ship[SHIP_PAYS], gold)
    earn(s, q, gold)
    return False


@compiled(internal=True)
def sail_ships(s: State) -> None:
    """Move all trade ships by a tile; take those off the sea that arrive or are given up."""
    kept = int64(0)
    for i in range(s.clock[N_SHIPS]):
        if not _sails_on(s, s.ships[i]):
            continue
        if i != kept:
            for column in range(N_SHIP):
                s.ships[kept, column] = s.ships[i, column]
        kept += 1
    s.clock[N_SHIPS] = kept


@compiled(internal=True)
def forget_port(s: State, i: int) -> None:
    """Note that structure i is about to go and that the later rows move up."""
    for k in range(s.clock[N_SHIPS]):
        ship = s.ships[k]
        if ship[SHIP_FROM] == i:
            ship[SHIP_PAYS] = s.structures[i, STRUCTURE_OWNER]
            ship[SHIP_FROM] = -1
        elif ship[SHIP_FROM] > i:
            ship[SHIP_FROM] -= 1
        if ship[SHIP_TO] == i:
            ship[SHIP_TO] = -1
        elif ship[SHIP_TO] > i:
            ship[SHIP_TO] -= 1
