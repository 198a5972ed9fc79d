"""Trains of edition 2026: factories send them over the railway, and stops at cities and ports pay.

In each tick, at least ten after its last train, a factory draws once per level, with chance 1 in
15 (F + 10), F being the levels of its owner's factories. The train goes over the fewest rails to a
random city or port among those that it can reach and whose owners trade with its own, two tiles a
tick. Each city and port on the way pays the train's owner: 10,000 if it is its own, 25,000 if it is
another's and 35,000 if it is an ally's, less 5,000 for each stop beyond the ninth, but at least
5,000; another owner gets the same. A train ends where the next station is gone or does not trade
with it any more, and with its owner.

The original keeps a train's way; ours looks at each station for the next one.
"""

from __future__ import annotations

import numpy as np

from arena.territory.engine import rules
from arena.territory.engine.alliances import is_allied
from arena.territory.engine.compiled import compiled, int64
from arena.territory.engine.edition_2026.rails import count_stops
from arena.territory.engine.edition_2026.ships import earn, may_trade
from arena.territory.engine.numerics import draw
from arena.territory.engine.state import (
    MAX_STRUCTURES,
    N_STRUCTURES,
    N_TRAINS,
    NEXT_TRAIN,
    OTHERS_OWNED,
    STRUCTURE,
    STRUCTURE_LEVEL,
    STRUCTURE_OWNER,
    TICK,
    State,
)
from arena.territory.engine.traffic import (
    MARKET,
    MAX_TRAINS,
    N_TRAIN,
    RAILS_EACH,
    TRAIN_ARRIVES,
    TRAIN_AT,
    TRAIN_GOAL,
    TRAIN_NEXT,
    TRAIN_OWNER,
    TRAIN_STOPS,
)

_MARKET = int64(MARKET)
_FACTORY = rules.FACTORY
_FACTORIES = OTHERS_OWNED + rules.FACTORY - rules.DEFENSE_POST  # column of the ledger
_ODDS, _FEW = 15, 10
_COOLDOWN = 10  # ticks between two trains of a factory
_SPEED = 2  # tiles per tick
OWN_STOP, OTHER_STOP, ALLY_STOP = 10_000, 25_000, 35_000  # gold, whose station it is
_FREE_STOPS = 9  # after which each one more costs 5,000, down to 5,000
_LESS = _LEAST = 5_000
_ANYWHERE = int64(MAX_STRUCTURES)


@compiled()
def train_odds(factories: int) -> int:
    """Return k if a draw sends a train with chance 1 in k.

    Args:
        factories: levels of its owner's factories.
    """
    return int((factories + _FEW) * _ODDS)


@compiled()
def stop_gold(is_own: bool, is_ally: bool, stops: int) -> int:
    """Return what a stop pays the train's owner, and the station's if it is another.

    Args:
        stops: cities and ports that the train has stopped at before.
    """
    gold = OWN_STOP if is_own else ALLY_STOP if is_ally else OTHER_STOP
    return int64(max(_LEAST, gold - _LESS * max(0, stops - _FREE_STOPS)))


@compiled(internal=True)
def _stops_at(s: State, p: int, i: int) -> bool:
    """Return whether structure i trades with p's trains."""
    q = s.structures[i, STRUCTURE_OWNER]
    return bool(p == q or may_trade(s, p, q))


@compiled(internal=True)
def _set_out(s: State, train: np.ndarray, i: int) -> None:
    """Send a train from station i towards its goal; it is over if no rail leads there."""
    goal = train[TRAIN_GOAL]
    count_stops(s, goal, _ANYWHERE)
    steps = s.stops[0]
    train[TRAIN_AT] = i
    train[TRAIN_NEXT] = -1
    for k in range(RAILS_EACH):
        j = int64(s.rails[i, k, 0]) - 1
        if j < 0:
            return
        if steps[j] >= 0 and steps[j] < steps[i]:
            train[TRAIN_NEXT] = j
            train[TRAIN_ARRIVES] = s.clock[TICK] + (s.rails[i, k, 1] + _SPEED - 1) // _SPEED
            return


@compiled(internal=True)
def draw_for_train(s: State, i: int) -> None:
    """Draw once per level of factory i whether it sends a train, and send it."""
    factory = s.structures[i]
    tick = s.clock[TICK]
    if tick < factory[NEXT_TRAIN] or s.rails[i, 0, 0] == 0 or s.clock[N_TRAINS] >= MAX_TRAINS:
        return
    p = factory[STRUCTURE_OWNER]
    odds = int64(train_odds(s.ledger[p, _FACTORIES]))
    is_sent = False
    for _ in range(factory[STRUCTURE_LEVEL]):
        if draw(s.streams, _MARKET, odds) == 0:
            is_sent = True
            break
    if not is_sent:
        return
    count_stops(s, i, _ANYWHERE)
    goal = int64(-1)
    n = int64(0)
    for j in range(s.clock[N_STRUCTURES]):
        if s.stops[0, j] > 0 and s.structures[j, STRUCTURE] != _FACTORY and _stops_at(s, p, j):
            n += 1
            if draw(s.streams, _MARKET, n) == 0:
                goal = int64(j)
    if goal < 0:
        return
    factory[NEXT_TRAIN] = tick + _COOLDOWN
    train = s.trains[s.clock[N_TRAINS]]
    s.clock[N_TRAINS] += 1
    train[TRAIN_OWNER] = p
    train[TRAIN_GOAL] = goal
    train[TRAIN_STOPS] = 0
    _set_out(s, train, i)


@compiled(internal=True)
def _stop(s: State, train: np.ndarray) -> None:
    """Pay for a train's stop at the station that it has come to, and send it on."""
    p = train[TRAIN_OWNER]
    i = train[TRAIN_NEXT]
    if s.structures[i, STRUCTURE] != _FACTORY:
        q = s.structures[i, STRUCTURE_OWNER]
        gold = stop_gold(p == q, is_allied(s.pacts, s.clock, p, q), train[TRAIN_STOPS])
        earn(s, p, gold)
        if q != p:
            earn(s, q, gold)
        train[TRAIN_STOPS] += 1
    _set_out(s, train, i)


@compiled(internal=True)
def run_trains(s: State) -> None:
    """Move all trains; take those off the rails whose journey is over."""
    kept = int64(0)
    for i in range(s.clock[N_TRAINS]):
        train = s.trains[i]
        p = train[TRAIN_OWNER]
        if train[TRAIN_NEXT] < 0 or s.tiles[p] == 0 or not _stops_at(s, p, train[TRAIN_NEXT]):
            continue
        if s.clock[TICK] >= train[TRAIN_ARRIVES]:
            _stop(s, train)
        if i != kept:
            for column in range(N_TRAIN):
                s.trains[kept, column] = train[column]
        kept += 1
    s.clock[N_TRAINS] = kept


@compiled(internal=True)
def forget_station(s: State, i: int) -> None:
    """End the journeys on which structure i lies, which is about to go; later rows move up."""
    for k in range(s.clock[N_TRAINS]):
        train = s.trains[k]
        for column in range(TRAIN_AT, TRAIN_GOAL + 1):
            if train[column] == i:
                train[TRAIN_NEXT] = -1
            elif train[column] > i:
                train[column] -= 1
