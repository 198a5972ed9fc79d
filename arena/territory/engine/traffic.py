"""Columns of the State's lists of trade ships and of trains, and how many rows they have.

Rows of both are in order of departure, without gaps; only edition 2026 has any.
"""

from __future__ import annotations

MARKET = 0  # row of State.streams that trade draws from; rows from 1 are the players'
# columns of State.ships, trade ships at sea
SHIP_OWNER = 0
SHIP_FROM = 1  # row of `structures` of its port, -1 once that is gone
SHIP_TO = 2  # of the port that it sails to, -1 once that is gone
SHIP_PAYS = 3  # whom its own port belongs to, or did when it went
SHIP_STEPS = 4  # tiles of its way
SHIP_ARRIVES = 5  # the tick in which it pays
N_SHIP = 6
MAX_SHIPS = 1_024
MAX_LANES = 512  # ports that trade
# columns of State.trains
TRAIN_OWNER = 0
TRAIN_AT = 1  # row of `structures` of the station that it left last
TRAIN_NEXT = 2  # of the station that it comes to, -1 once its journey is over
TRAIN_GOAL = 3  # of the last station of its journey
TRAIN_STOPS = 4  # cities and ports that it has stopped at
TRAIN_ARRIVES = 5  # the tick in which it comes to the next station
N_TRAIN = 6
MAX_TRAINS = 1_024
RAILS_EACH = 12  # of a station, at most
