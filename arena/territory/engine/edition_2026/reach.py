"""What railways are worth to a nation that looks for a site of a city or a factory.

For each connected part of the railway of which a station is 15 to 110 tiles from the site, the best
trade that it offers counts: with an ally 60, with another neighbour 43, among one's own 17. Only
own stations and those of near players count, not tribes', and not under an embargo.
"""

from __future__ import annotations

from arena.territory.engine import rules
from arena.territory.engine.alliances import is_allied
from arena.territory.engine.compiled import compiled, int64
from arena.territory.engine.edition_2026.nearby import find_near
from arena.territory.engine.edition_2026.rails import LEAST_APART, MOST_APART
from arena.territory.engine.edition_2026.ships import may_trade
from arena.territory.engine.edition_2026.trains import ALLY_STOP, OTHER_STOP, OWN_STOP
from arena.territory.engine.posts import distance_squared
from arena.territory.engine.state import (
    IS_STATION,
    N_STRUCTURES,
    NEAR,
    STRUCTURE_OWNER,
    STRUCTURE_TILE,
    State,
)
from arena.territory.engine.traffic import RAILS_EACH

_BOT = rules.BOT
_SPACING = 60  # what the best trade counts


@compiled(internal=True)
def _offer(s: State, p: int, i: int) -> int:
    """Return the gold of a stop at station i for p's trains, 0 if it does not count."""
    q = s.structures[i, STRUCTURE_OWNER]
    if s.structures[i, IS_STATION] == 0:
        return int64(0)
    if q == p:
        return int64(OWN_STOP)
    if s.mind_lists[NEAR, q] == 0 or s.kind[q] == _BOT or not may_trade(s, p, q):
        return int64(0)
    return int64(ALLY_STOP if is_allied(s.pacts, s.clock, p, q) else OTHER_STOP)


@compiled(internal=True)
def find_clusters_of_rails(s: State, p: int) -> bool:
    """Write to s.stops[0] the first station of each station's part of the railway.

    -1 stands for what does not count for p. Return whether anything does.
    """
    find_near(s, p)
    first = s.stops[0]
    n = s.clock[N_STRUCTURES]
    for i in range(n):
        first[i] = i
    is_settled = False
    while not is_settled:
        is_settled = True
        for i in range(n):
            for k in range(RAILS_EACH):
                j = int64(s.rails[i, k, 0]) - 1
                if j < 0:
                    break
                if first[j] < first[i]:
                    first[i] = first[j]
                    is_settled = False
    found = False
    for i in range(n):
        if _offer(s, p, int64(i)) == 0:
            first[i] = -1
        else:
            found = True
    return found


@compiled(internal=True)
def worth_of_rails(s: State, p: int, tile: int) -> int:
    """Return what the railways in reach of a site are worth, after `find_clusters_of_rails`."""
    first, best = s.stops[0], s.stops[1]
    n = s.clock[N_STRUCTURES]
    for i in range(n):
        best[i] = 0
    total = int64(0)
    for i in range(n):
        if first[i] < 0:
            continue
        far = distance_squared(s.shape[2], s.structures[i, STRUCTURE_TILE], tile)
        if far < LEAST_APART or far > MOST_APART:
            continue
        offer = _offer(s, p, int64(i))
        if offer > best[first[i]]:
            total += offer - best[first[i]]
            best[first[i]] = offer
    return int64(total * _SPACING // ALLY_STOP)
