"""Trade of edition 2026: what ports and factories do in a tick, and how they begin and end.

Ports send ships (ships.py), factories trains (trains.py) over a railway (rails.py). While neither
stands there is nothing to do: a match without them pays for one look at their number. With the last
of them all stations are closed.
"""

from __future__ import annotations

from arena.territory.engine import rules
from arena.territory.engine.compiled import compiled
from arena.territory.engine.edition_2026.rails import clear_rails, close_station
from arena.territory.engine.edition_2026.ships import (
    draw_for_ship,
    forget_port,
    open_lanes,
    sail_ships,
)
from arena.territory.engine.edition_2026.trains import draw_for_train, forget_station, run_trains
from arena.territory.engine.state import (
    DRAWS_LOST,
    FINISHED_AT,
    IS_FINISHED,
    IS_STATION,
    LANE,
    N_SHIPS,
    N_STRUCTURES,
    N_TRADERS,
    N_TRAINS,
    NEXT_TRAIN,
    STRUCTURE,
    TICK,
    State,
)

_PORT, _FACTORY = rules.PORT, rules.FACTORY
_PORT_PERIOD = 10  # ticks between two looks at whether a port sends a ship


@compiled(internal=True)
def trade(s: State) -> None:
    """Move trade ships and trains, and let ports and factories send new ones."""
    if s.clock[N_TRADERS] == 0:
        return
    if s.clock[N_SHIPS] > 0:
        sail_ships(s)
    if s.clock[N_TRAINS] > 0:
        run_trains(s)
    tick = s.clock[TICK]
    for i in range(s.clock[N_STRUCTURES]):
        row = s.structures[i]
        if row[STRUCTURE] == _PORT:
            if (
                row[LANE] != 0
                and row[IS_FINISHED]
                and (tick - row[FINISHED_AT]) % _PORT_PERIOD == 0
            ):
                draw_for_ship(s, i)
        elif row[STRUCTURE] == _FACTORY and row[IS_STATION] != 0:
            draw_for_train(s, i)


@compiled(internal=True)
def begin_trader(s: State, i: int) -> None:
    """Make structure i, which is begun, ready for trade."""
    row = s.structures[i]
    row[LANE] = 0
    row[DRAWS_LOST] = 0
    row[IS_STATION] = 0
    row[NEXT_TRAIN] = 0
    clear_rails(s, i)
    if row[STRUCTURE] == _PORT or row[STRUCTURE] == _FACTORY:
        s.clock[N_TRADERS] += 1
        if row[STRUCTURE] == _PORT:
            open_lanes(s, i)


@compiled(internal=True)
def end_trader(s: State, i: int) -> None:
    """Take structure i out of trade; it is about to go, and the later rows move up."""
    forget_port(s, i)
    forget_station(s, i)
    close_station(s, i)
    if s.structures[i, STRUCTURE] == _PORT or s.structures[i, STRUCTURE] == _FACTORY:
        s.clock[N_TRADERS] -= 1
        if s.clock[N_TRADERS] == 0:
            end_trade(s)


@compiled(internal=True)
def end_trade(s: State) -> None:
    """End all trade: nothing sails or runs, and nothing that stands is a station."""
    s.clock[N_TRADERS] = 0
    s.clock[N_SHIPS] = 0
    s.clock[N_TRAINS] = 0
    for i in range(s.clock[N_STRUCTURES]):
        s.structures[i, IS_STATION] = 0
        clear_rails(s, i)
