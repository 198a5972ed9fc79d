"""Owns how marks are taken from a board of edition 2026: what knows the engine's side of them.

Promises: the page, the terminal and the live screen take their marks here, and so show the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from arena.territory.engine.edition_2026.at_sea import BoatAtSea
from arena.territory.engine.edition_2026.economy import Rail, TradeShip, Train
from arena.territory.engine.engine import Engine
from arena.territory.engine.rules import STRUCTURES
from arena.territory.engine.state import ALLIED_UNTIL, CITY_LEVELS, TICK, TRAITOR_UNTIL
from arena.viewer.marks import IntArray, Marks


class Lookout:
    """Takes the marks of one match, moment by moment, and knows its boats again."""

    def __init__(self) -> None:
        self._ids: dict[tuple[float, ...], list[int]] = {}
        self._n_boats = 0

    def take(self, engine: Engine) -> Marks | None:
        """Return the marks of the board as it stands, None in edition 2025."""
        if engine.edition.number == 0:
            return None
        s, spawn_of = engine.state, engine.spawn_of
        owners = spawn_of + 1
        pacts = s.pacts[np.ix_(owners, owners)][:, :, ALLIED_UNTIL]
        seat = np.append(-1, engine.seat_of)  # by owner id
        return Marks(
            gold=engine.gold[spawn_of].astype(np.int64),
            levels=s.ledger[owners, CITY_LEVELS].astype(np.int64),
            traitor_until=s.ledger[owners, TRAITOR_UNTIL].astype(np.int64),
            structures=_structures(engine, seat),
            boats=self._boats(engine.boats_at_sea(), seat),
            allies=np.argwhere(np.triu(pacts > s.clock[TICK], 1)).astype(np.int64),
            ships=_ships(engine, seat),
            rails=_rails(engine),
            trains=_trains(engine, seat),
        )

    def _boats(self, at_sea: Sequence[BoatAtSea], seat: IntArray) -> IntArray:
        """Number the boats: one of the same seat, target, landing and troops is the same boat."""
        known, self._ids = self._ids, defaultdict(list)
        rows = []
        for boat in at_sea:
            key = (boat.owner, boat.target, *boat.landing, boat.troops)
            before = known.get(key)
            number = before.pop(0) if before else self._n_boats
            self._n_boats = max(self._n_boats, number + 1)
            self._ids[key].append(number)
            where = (boat.x, boat.y, *boat.landing, round(boat.troops), int(boat.is_ordered_back))
            rows.append((number, int(seat[boat.owner]), int(seat[boat.target]), *where))
        return np.array(sorted(rows), np.int64).reshape(-1, 9)


def _ships(engine: Engine, seat: IntArray) -> IntArray:
    return _ways(
        (int(seat[ship.owner]), *_ends(engine, ship), ship.steps, ship.arrives_at)
        for ship in engine.trade_ships()
    )


def _rails(engine: Engine) -> IntArray:
    rows = [(*sorted(_ends(engine, rail)), rail.tiles) for rail in engine.railway()]
    return np.array(sorted(rows), np.int64).reshape(-1, 3)


def _trains(engine: Engine, seat: IntArray) -> IntArray:
    return _ways(
        (int(seat[train.owner]), *_ends(engine, train), train.tiles, train.arrives_at)
        for train in engine.trains()
    )


def _ways(rows: Iterable[tuple[int, ...]]) -> IntArray:
    return np.array(sorted(rows), np.int64).reshape(-1, 5)


def _ends(engine: Engine, way: TradeShip | Rail | Train) -> tuple[int, int]:
    return _tile(engine, way.start), _tile(engine, way.goal)


def _tile(engine: Engine, place: tuple[int, int] | None) -> int:
    return -1 if place is None else place[1] * engine.map.width + place[0]


def _structures(engine: Engine, seat: IntArray) -> IntArray:
    rows = [
        (
            each.y * engine.map.width + each.x,
            STRUCTURES.index(each.kind) + 1,
            int(seat[each.owner]),
            each.level,
            int(each.is_finished),
        )
        for each in engine.structures()
    ]
    return np.array(sorted(rows), np.int64).reshape(-1, 5)
