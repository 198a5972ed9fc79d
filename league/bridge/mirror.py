"""Owns a board of ours that shows one of the original engine (arena/territory/engine/mirror.py)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arena.territory.engine.engine import Engine
from arena.territory.engine.mirror import mirror_attacks, mirror_tick
from league.bridge.protocol import Board


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
        started: NDArray[np.float64],
    ) -> None:
        """Follow one tick; `tiles` are y * width + x, the rest as in `mirror_tick`."""
        framed = (tiles // self._width + 1) * (self._width + 2) + tiles % self._width + 1
        mirror_tick(self.engine.state, tick, framed, owners, troops, started)

    def attacks(
        self,
        players: NDArray[np.int64],
        troops: NDArray[np.float64],
        retreating: NDArray[np.bool_],
    ) -> None:
        """Follow the running attacks, as in `mirror_attacks`."""
        mirror_attacks(self.engine.state, players, troops, retreating)

    def follow(self, board: Board, first_tick: int) -> None:
        """Bring it up to a board, whose blocks begin at `first_tick`."""
        for tick, block in enumerate(board.blocks, first_tick):
            self.tick(tick, block.tiles, block.owners, block.troops, block.started)
        pairs = [board.column("attacks", name) for name in ("attacker", "target")]
        self.attacks(
            np.column_stack(pairs).astype(np.int64),
            board.column("attacks", "troops").copy(),
            board.column("attacks", "retreating") != 0,
        )
