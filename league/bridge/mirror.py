"""Owns a board of ours that shows one of the original engine (arena/territory/engine/mirror.py)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arena.territory.engine.edition_2026.cities import mirror_structures
from arena.territory.engine.engine import Engine
from arena.territory.engine.mirror import ATTACKER, mirror_attacks, mirror_tick
from arena.territory.engine.rules import OFF_MAP
from arena.territory.engine.state import (
    ALLIED_UNTIL,
    BOAT_LANDING,
    BOAT_OWNER,
    BOAT_STEPS,
    BOAT_TARGET,
    BOAT_TILE,
    BOAT_TURNS_AT,
    BOAT_WAY,
    CITIES_MADE,
    CITY_LEVELS,
    EXTENDS,
    GOLD,
    HAS_ATTACKED,
    IS_PENDING,
    REQUESTED_AT,
    TRAITOR_UNTIL,
)
from league.bridge.protocol import Board

_NORTH, _EAST, _SOUTH, _WEST = 0, 2, 4, 6
_SAILS_ON, _HAS_TURNED = -1, -2


class Mirror:
    """An engine of ours that shows another program's board; its `run` must not be called."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._width = engine.map.width

    def tick(
        self,
        tick: int,
        tiles: NDArray[np.int64],
        owners: NDArray[np.int64],
        troops: NDArray[np.int64],
        city_levels: NDArray[np.int64],
        started: NDArray[np.float64],
    ) -> None:
        """Follow one tick; `tiles` are y * width + x, the rest as in `mirror_tick`."""
        state = self.engine.state
        mirror_tick(state, tick, self.framed(tiles), owners, troops, started)
        state.ledger[1:, CITY_LEVELS] = city_levels
        state.ledger[started[:, ATTACKER].astype(np.int64), HAS_ATTACKED] = 1

    def framed(self, tiles: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where tiles y * width + x are in State's framed arrays."""
        return (tiles // self._width + 1) * (self._width + 2) + tiles % self._width + 1

    def unframed(self, tile: int) -> int:
        """Return y * width + x of a framed tile."""
        y, x = divmod(tile, self._width + 2)
        return (y - 1) * self._width + x - 1

    def attacks(
        self,
        players: NDArray[np.int64],
        troops: NDArray[np.float64],
        retreating: NDArray[np.bool_],
    ) -> None:
        """Follow the running attacks, as in `mirror_attacks`; MatchError if they do not fit."""
        mirror_attacks(self.engine.state, players, troops, retreating)
        self.engine.check()

    def follow(self, board: Board, first_tick: int) -> None:
        """Bring it up to a board, whose blocks begin at `first_tick`."""
        for tick, block in enumerate(board.blocks, first_tick):
            self.tick(
                tick, block.tiles, block.owners, block.troops, block.city_levels, block.started
            )
        pairs = [board.column("attacks", name) for name in ("attacker", "target")]
        self.attacks(
            np.column_stack(pairs).astype(np.int64),
            board.column("attacks", "troops").copy(),
            board.column("attacks", "retreating") != 0,
        )
        self._holdings(board)

    def _holdings(self, board: Board) -> None:
        """Write gold, cities, alliances and boats; edition 2025 has none."""
        state, tick = self.engine.state, board.tick
        ledger = state.ledger[1:]
        ledger[:, GOLD] = board.column("players", "gold")
        ledger[:, CITIES_MADE] = board.column("players", "cities_made")
        left = board.column("players", "traitor_ticks").astype(np.int64)
        ledger[:, TRAITOR_UNTIL] = np.where(left > 0, tick + left, 0)
        if not len(state.structures):
            return
        self._structures(board)
        pacts = state.pacts
        pacts[:, :, [ALLIED_UNTIL, EXTENDS, IS_PENDING]] = 0
        for p, q, ends_at, p_extends, q_extends in board.tables["alliances"].astype(np.int64):
            pacts[p, q, [ALLIED_UNTIL, EXTENDS]] = (ends_at, p_extends)
            pacts[q, p, [ALLIED_UNTIL, EXTENDS]] = (ends_at, q_extends)
        for p, q, made_at in board.tables["requests"].astype(np.int64):
            pacts[p, q, [REQUESTED_AT, IS_PENDING]] = (made_at, 1)
        self._boats(board)

    def _structures(self, board: Board) -> None:
        found = board.tables["structures"].astype(np.int64)
        owner, kind, tile, level, finished = found[:, 1:6].T
        rows = np.column_stack((kind + 1, owner, self.framed(tile), level, finished))
        mirror_structures(self.engine.state, np.ascontiguousarray(rows))

    def _way(self, here: int, there: int) -> list[int]:
        """Return the directions of the steps from one tile to another, first east or west."""
        (y0, x0), (y1, x1) = divmod(here, self._width), divmod(there, self._width)
        across = [_EAST if x1 > x0 else _WEST] * abs(x1 - x0)
        return across + [_SOUTH if y1 > y0 else _NORTH] * abs(y1 - y0)

    def _boats(self, board: Board) -> None:
        """Write the boats; their ways are unknown, and stand for by the shortest on a grid."""
        state = self.engine.state
        state.boats[:] = 0
        table = board.tables["boats"]
        table = table[np.argsort(table[:, 0], kind="stable")][: len(state.boats)]
        found = table.astype(np.int64)
        n = len(found)
        landing = self.framed(np.maximum(found[:, 3], 0))
        owner = state.owner[landing].astype(np.int64)
        state.boats[:n, BOAT_OWNER] = found[:, 1]
        state.boats[:n, BOAT_TARGET] = np.where(owner >= OFF_MAP, 0, owner)
        state.boats[:n, BOAT_TILE] = self.framed(found[:, 2])
        state.boats[:n, BOAT_LANDING] = landing
        state.boats[:n, BOAT_TURNS_AT] = np.where(found[:, 5] != 0, _HAS_TURNED, _SAILS_ON)
        state.boats[:n, BOAT_WAY] = np.arange(n)
        for i, (here, there) in enumerate(found[:, [2, 3]].tolist()):
            way = self._way(here, max(there, 0))[: state.boat_ways.shape[1]]
            state.boat_ways[i, : len(way)] = way
            state.boats[i, BOAT_STEPS] = len(way)
        state.boat_troops[:] = 0.0
        state.boat_troops[:n] = table[:, 4]
