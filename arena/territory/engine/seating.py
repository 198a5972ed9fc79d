"""Who sits where as a match begins: equal humans, and players whom the engine plays itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from arena.territory.engine import rules
from arena.territory.engine.bots import RATE
from arena.territory.engine.numerics import draw, stream_seed
from arena.territory.engine.spawns import choose_spawns
from arena.territory.engine.terms import HUMAN_TERMS, NATION_MIND, TRIBE_TERMS, check_terms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arena.territory.engine.state import State
    from arena.territory.maps import TerritoryMap

_SEAT_STREAM = 3
_BOT_STREAM = 4


class Board(Protocol):
    """What is needed of an Engine to seat its players."""

    map: TerritoryMap
    seed: int
    n_players: int
    state: State
    edition: rules.Edition
    seat_of: NDArray[np.int64]

    def place(
        self,
        p: int,
        *,
        kind: str = "human",
        spawn: tuple[int, int] | None = None,
        difficulty: str = "medium",
    ) -> None:
        """Put a player on the board."""

    def give_mind(self, p: int, kind: str, difficulty: str = "medium") -> None:
        """Let the engine's own mind play a player."""


def draw_seats(seed: int, n: int, rotation: int) -> NDArray[np.int64]:
    """Return int64[n], the seat of each spawn: a seeded permutation, shifted by `rotation`."""
    stream = np.array([stream_seed(seed, 0, _SEAT_STREAM)], np.uint64)
    seats = np.arange(n, dtype=np.int64)
    for i in range(n - 1, 0, -1):
        j = draw(stream, 0, i + 1)
        seats[i], seats[j] = seats[j], seats[i]
    return np.roll(seats, rotation % n)


def seat_players(engine: Board, terms: Sequence[str]) -> None:
    """Place everybody of a match at tick 0 on seeded spawns.

    Args:
        terms: of each seat (terms.py), the crowd's included.

    Raises:
        MatchError: there is no mind for some terms in this edition, or the map is too small.
    """
    n = engine.n_players
    for each in set(terms):
        check_terms(each, engine.edition.name)
    spawns = choose_spawns(engine.map, n, engine.seed)
    for p, (x, y) in enumerate(spawns, start=1):
        offset = np.array([stream_seed(engine.seed, p, _BOT_STREAM)], np.uint64)
        seated = terms[engine.seat_of[p - 1]]
        _place(engine, p, seated, (int(x), int(y)))
        engine.state.last_cluster_check[p] = draw(offset, 0, rules.CLUSTER_PERIOD)
    for p in range(1, n + 1):
        _give_mind(engine, p, terms[engine.seat_of[p - 1]])


def has_mind(engine: Board) -> NDArray[np.bool_]:
    """Return bool[P] by spawn index: whether the engine plays the player itself, in the tick."""
    minded: NDArray[np.bool_] = engine.state.bot_clock[1:, RATE] > 0
    return minded


def _place(engine: Board, p: int, terms: str, spawn: tuple[int, int]) -> None:
    if terms in (HUMAN_TERMS, NATION_MIND):
        engine.place(p, spawn=spawn)
    elif terms == TRIBE_TERMS:
        engine.place(p, kind="bot", spawn=spawn)
    else:
        engine.place(p, kind="nation", difficulty=terms.rpartition("-")[2], spawn=spawn)


def _give_mind(engine: Board, p: int, terms: str) -> None:
    """Let the engine's mind for these terms play player p; a human has none."""
    if terms == TRIBE_TERMS:
        engine.give_mind(p, "tribe")
    elif terms == NATION_MIND:
        engine.give_mind(p, "nation", rules.DIFFICULTIES[-1])
    elif terms != HUMAN_TERMS:
        engine.give_mind(p, "nation", terms.rpartition("-")[2])
