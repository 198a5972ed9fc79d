"""Clones of one board that are played on in lock-step, each seat by the script that is given.

Row b * P + p - 1 is player p of board b. An agent acts once for its rows of all boards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from agents.errors import AgentError
from agents.orders import WAIT
from arena.agent import TICK, Agent, IntArray, NoGenerator, SeatBatch
from arena.territory.engine.engine import Engine
from arena.territory.engine.seating import has_mind
from arena.territory.engine.state import GRID
from arena.territory.observation import observation as obs
from arena.territory.observation.seeing import see_facts
from arena.territory.observation.views import SMALL_VIEWS

_NO_GENERATOR = cast(Generator, NoGenerator())
NOBODY = -1


class Boards:
    """Clones that are kept and written over from one thought to the next.

    Attributes:
        engines: those of the present thought.
    """

    def __init__(self) -> None:
        self.engines: list[Engine] = []
        self._spare: list[Engine] = []
        self._scratch: tuple[tuple[int, ...], obs.Scratch] | None = None
        self._facts = obs.empty_facts(0)
        self._minded = np.zeros(0, np.bool_)

    def clone(self, board: Engine, seeds: Sequence[int]) -> None:
        """Set up one clone of `board` per seed, in the place of those that were there."""
        spare = self._spare
        if spare and [a.shape for a in spare[0].state] != [a.shape for a in board.state]:
            spare.clear()
        while len(spare) < len(seeds):
            spare.append(board.clone(0))
        self.engines = [board.clone(seed, into=spare[b]) for b, seed in enumerate(seeds)]
        self._minded = has_mind(board)
        n_players = board.n_players
        known = self._facts.mask.shape[1] == board.edition.n_actions
        if len(self._facts.own) < len(seeds) * n_players or not known:
            self._facts = obs.empty_facts(len(seeds) * n_players, board.edition)
        grid = int(board.state.clock[GRID])
        key = (board.map.height, board.map.width, n_players, grid, board.edition.number)
        if self._scratch is None or self._scratch[0] != key:
            views = replace(SMALL_VIEWS, global_size=key[3])
            self._scratch = (key, obs.make_scratch(board.state, views))

    def batch(self, rows: IntArray, decision: int, *, earlier: int = 0) -> SeatBatch:
        """Return rows as an agent sees them, `earlier` ticks before their time, after `look`."""
        n_players = self.engines[0].n_players
        seeds = np.array([engine.seed for engine in self.engines], np.int64)
        own = self._facts.own[rows].copy()
        own[:, TICK] -= earlier
        return SeatBatch(
            rows,
            self._facts.mask[rows].astype(np.bool_),
            own,
            self._facts.direction[rows],
            seeds[rows // n_players],
            rows % n_players,
            np.full(len(rows), decision, np.int64),
            _no_views,
        )

    def look(self) -> None:
        """Bring the facts of all boards up to date."""
        assert self._scratch is not None
        for b, engine in enumerate(self.engines):
            n = engine.n_players
            rows = b * n + np.arange(n, dtype=np.int64)
            see_facts(engine.state, self._scratch[1], rows, engine.max_ticks, self._facts)

    def decide(
        self, agents: Sequence[Agent], agent_of: IntArray, decision: int, *, earlier: int = 0
    ) -> IntArray:
        """Return the action of every row, after `look`; 0 for the dead and for rows of NOBODY.

        Players whom the engine plays go on by themselves: they WAIT, whoever is said to play them.

        Args:
            agents: each acts once.
            agent_of: int64[boards * P], index of the agent of each row, or NOBODY.
            decision: number of the decision, a key of the agents' noise.
            earlier: ticks that the agents are told to live before their time.
        """
        actions = np.zeros(len(agent_of), np.int64)
        alive = np.concatenate([engine.tiles > 0 for engine in self.engines])
        if self._minded.any():
            minded = np.tile(self._minded, len(self.engines))
            actions[minded] = WAIT
            alive &= ~minded
        for k, agent in enumerate(agents):
            rows = np.flatnonzero(alive & (agent_of == k)).astype(np.int64)
            if len(rows):
                batch = self.batch(rows, decision, earlier=earlier)
                actions[rows] = agent.act(batch, _NO_GENERATOR)
        return actions

    def play(self, actions: IntArray, ticks: int) -> None:
        """Play one decision on every board."""
        for engine, chosen in zip(
            self.engines, actions.reshape(len(self.engines), -1), strict=True
        ):
            engine.act(np.ascontiguousarray(chosen))
            if not engine.is_over:
                engine.run(ticks)


def _no_views() -> dict[str, NDArray[Any]]:
    raise AgentError("a planner imagines scripts alone, and this agent looks at views")
