"""What edition 2026 adds to an Engine's interface about gold and structures."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from arena.errors import MatchError
from arena.territory.engine import orders, rules
from arena.territory.engine.board import Board
from arena.territory.engine.edition_2026.cities import price_of, put_structure
from arena.territory.engine.edition_2026.places import best_places
from arena.territory.engine.state import (
    BUILT,
    FINISHED_AT,
    GOLD,
    IS_FINISHED,
    N_SHIPS,
    N_STRUCTURES,
    N_TRAINS,
    STRUCTURE,
    STRUCTURE_LEVEL,
    STRUCTURE_OWNER,
    STRUCTURE_TILE,
    TRADED,
)
from arena.territory.engine.traffic import (
    SHIP_ARRIVES,
    SHIP_FROM,
    SHIP_OWNER,
    SHIP_STEPS,
    SHIP_TO,
    TRAIN_ARRIVES,
    TRAIN_AT,
    TRAIN_NEXT,
    TRAIN_OWNER,
)


class Structure(NamedTuple):
    """A city or another structure on the board.

    Attributes:
        kind: of rules.STRUCTURES.
        owner: player id; until its turn comes one may stand on land that was just taken from it.
        x, y: its tile.
        level: 1 and more; each level of a finished city counts in its owner's cap.
        is_finished: whether it has an effect.
        finished_at: the tick in which it is, or will be, finished.
    """

    kind: str
    owner: int
    x: int
    y: int
    level: int
    is_finished: bool
    finished_at: int


class TradeShip(NamedTuple):
    """A trade ship at sea; trade ships sail by themselves.

    Attributes:
        owner: player id.
        start: (x, y) of the port that it left, None if that is gone.
        goal: (x, y) of the port that it sails to.
        steps: tiles of its way.
        arrives_at: the tick in which both owners are paid.
    """

    owner: int
    start: tuple[int, int] | None
    goal: tuple[int, int] | None
    steps: int
    arrives_at: int


class Rail(NamedTuple):
    """A rail between two stations; whoever owns the land, it is nobody's.

    Attributes:
        start, goal: (x, y) of its stations, in the order in which they were begun.
        tiles: how long it is; where it lies between them is not known.
    """

    start: tuple[int, int]
    goal: tuple[int, int]
    tiles: int


class Train(NamedTuple):
    """A train between two stations; factories send trains by themselves.

    Attributes:
        owner: player id.
        start, goal: (x, y) of the station that it left last, and of the next one.
        tiles: of the rail between them.
        arrives_at: the tick in which it comes to the next station.
    """

    owner: int
    start: tuple[int, int]
    goal: tuple[int, int]
    tiles: int
    arrives_at: int


class Economy(Board):
    """Gold and structures of a match, as methods of its Engine."""

    @property
    def gold(self) -> NDArray[np.int64]:
        """int64[P] gold by spawn index (a view); nobody ever has any in edition 2025."""
        return self.state.ledger[1:, GOLD]

    @property
    def traded(self) -> NDArray[np.int64]:
        """int64[P] gold that trade ships and trains brought so far, by spawn index (a view)."""
        return self.state.ledger[1:, TRADED]

    def trade_ships(self) -> list[TradeShip]:
        """Return the trade ships at sea in order of departure; none in edition 2025."""
        return [
            TradeShip(
                int(ship[SHIP_OWNER]),
                self._place_of_port(int(ship[SHIP_FROM])),
                self._place_of_port(int(ship[SHIP_TO])),
                steps=int(ship[SHIP_STEPS]),
                arrives_at=int(ship[SHIP_ARRIVES]),
            )
            for ship in self.state.ships[: int(self.state.clock[N_SHIPS])]
        ]

    def railway(self) -> list[Rail]:
        """Return all rails, each once; none in edition 2025."""
        rails = self.state.rails[: int(self.state.clock[N_STRUCTURES])]
        # Both stations have the rail: it is taken from the one that was begun first.
        is_first = rails[:, :, 0] - 1 > np.arange(len(rails))[:, None]
        rows = zip(np.nonzero(is_first)[0].tolist(), rails[is_first].tolist(), strict=True)
        return [
            Rail(self._place_of_row(i), self._place_of_row(j - 1), tiles) for i, (j, tiles) in rows
        ]

    def trains(self) -> list[Train]:
        """Return the trains between two stations in order of departure; none in edition 2025."""
        s = self.state
        found = []
        for train in s.trains[: int(s.clock[N_TRAINS])]:
            i, j = int(train[TRAIN_AT]), int(train[TRAIN_NEXT])
            if j >= 0:  # else its journey is over
                ((_, tiles),) = s.rails[i][s.rails[i, :, 0] == j + 1]
                places = self._place_of_row(i), self._place_of_row(j)
                arrives_at = int(train[TRAIN_ARRIVES])
                found.append(Train(int(train[TRAIN_OWNER]), *places, int(tiles), arrives_at))
        return found

    def _place_of_row(self, row: int) -> tuple[int, int]:
        return self._place_of(int(self.state.structures[row, STRUCTURE_TILE]))

    def _place_of_port(self, row: int) -> tuple[int, int] | None:
        return self._place_of_row(row) if row >= 0 else None

    def price(self, p: int, kind: str) -> int:
        """Return what p pays for its next structure of a kind, or for a level more of one."""
        return int(price_of(self.state.ledger, p, self._kind_of(kind)))

    def structures(self) -> list[Structure]:
        """Return all structures in the order in which they were begun."""
        return [
            Structure(
                rules.STRUCTURES[int(row[STRUCTURE]) - 1],
                int(row[STRUCTURE_OWNER]),
                *self._place_of(int(row[STRUCTURE_TILE])),
                level=int(row[STRUCTURE_LEVEL]),
                is_finished=bool(row[IS_FINISHED]),
                finished_at=int(row[FINISHED_AT]),
            )
            for row in self.state.structures[: int(self.state.clock[N_STRUCTURES])]
        ]

    def build(self, p: int, kind: str, x: int, y: int) -> None:
        """Order a structure of p as near to (x, y) as the rules allow.

        It is begun, and paid for, in the tick after the one that carries out the order. The order
        has no effect if p cannot pay then, or if no place is free.

        Raises:
            MatchError: there is no such kind or tile, or the match is of edition 2025.
        """
        self._check_has("structures")
        self._append_order(p, orders.BUILD, self._kind_of(kind), tile=self._tile_at(x, y))

    def upgrade(self, p: int, x: int, y: int) -> None:
        """Order a level more for p's finished structure at (x, y), at the end of the next tick.

        Raises:
            MatchError: there is no such tile, or the match is of edition 2025.
        """
        self._check_has("structures")
        self._append_order(p, orders.UPGRADE, tile=self._tile_at(x, y))

    def best_places(self, p: int) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
        """Return where p had best build its next city, and which it had best upgrade, as (x, y).

        None stands for no free place, and for no finished city. Whether p can pay is not checked.
        """
        if self.edition.number == 0:
            return None, None
        city, level = (int(tile) for tile in best_places(self.state, p))
        return (
            self._place_of(city) if city >= 0 else None,
            self._place_of(level) if level >= 0 else None,
        )

    def put_structure(self, p: int, kind: str, x: int, y: int, level: int = 1) -> None:
        """Put a finished structure of p at (x, y); its price is taken as far as p's gold lasts.

        For reference scenarios and tests.

        Raises:
            MatchError: (x, y) is not p's land, or holds a structure.
        """
        self._check_has("structures")
        number, tile = self._kind_of(kind), self._tile_at(x, y)
        s = self.state
        if s.owner[tile] != p or s.flags[tile] & BUILT:
            raise MatchError(f"expected free land of player {p} at ({x}, {y})")
        put_structure(s, p, number, tile, level)

    def _kind_of(self, kind: str) -> int:
        if kind not in rules.STRUCTURES:
            raise MatchError(
                f"expected a structure of {', '.join(rules.STRUCTURES)}, found {kind!r}"
            )
        return rules.STRUCTURES.index(kind) + 1
