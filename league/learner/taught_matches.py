"""The learner's matches with a teacher beside them: what league.teaching.collect plays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from arena.agent import TARGET, Agent, LoadAgent
from arena.lockstep import LiveMatch
from arena.match import LoadMap, MatchSpec
from arena.territory.engine.actions import WAIT
from arena.territory.engine.rules import MAX_SEATS
from league.learner.environment import DrawOpponents, LeagueVecEnv
from league.learner.middles import Middle
from league.learner.settings import EnvSettings

IntArray = NDArray[np.int64]


class TaughtVecEnv(LeagueVecEnv):
    """See league.teaching.collect.TaughtMatches.

    Args:
        teacher: an agent of its own, which sits in no seat.
    """

    def __init__(
        self,
        settings: EnvSettings,
        load_agent: LoadAgent,
        load_map: LoadMap,
        draw_opponents: DrawOpponents,
        self_play: Agent | None,
        teacher: Agent,
    ) -> None:
        self._teacher = teacher
        self._begins_anew = False
        self.is_first = np.zeros(settings.n_matches * settings.seats_per_match, np.bool_)
        super().__init__(settings, load_agent, load_map, draw_opponents, self_play, 0)

    def reset_to(self, seed: list[int]) -> None:
        """Draw what follows from this seed."""
        self.rng = Generator(PCG64(seed))

    def reset(self) -> dict[str, NDArray[Any]]:
        """Begin new matches everywhere."""
        self._begins_anew = True
        observations = super().reset()
        self._begins_anew = False
        return observations

    def _begin(self, slot: int, spec: MatchSpec, middle: Middle | None = None) -> LiveMatch:
        match = super()._begin(slot, spec, middle)
        k = self.settings.seats_per_match
        rows = slice(slot * k, (slot + 1) * k)
        self.is_first[rows] = self._begins_anew
        self._teacher.reset(self.rows[rows].copy())
        return match

    def targets(self, rows: IntArray) -> IntArray:
        """Return int64[n, 8]: the owner in each direction of these rows, -1 for none."""
        found: IntArray = self.lockstep.facts.direction[self.rows[rows], :, TARGET]
        return found

    def ask_teacher(self, rows: IntArray) -> IntArray:
        """Return int64[n], legal in the game: what it refuses is played as WAIT.

        Raises:
            AgentFault: the teacher raised.
        """
        of_match = self.rows[rows]
        said = self.lockstep.ask(self._teacher, of_match)
        said = np.where((said >= 0) & (said < self.settings.views.n_actions), said, WAIT)
        legal = self.lockstep.facts.mask[of_match, said].astype(np.bool_)
        return np.where(legal, said, WAIT)

    def tell_teacher(self, rows: IntArray, actions: IntArray) -> None:
        """Tell a teacher that remembers its orders what was played instead."""
        told: Callable[[IntArray, IntArray], None] | None = getattr(self._teacher, "told", None)
        if told is not None:
            told(self.rows[rows], actions)

    def match_of(self, rows: IntArray) -> IntArray:
        """Return int64[n]: the slot of the match of each row."""
        return self.rows[rows] // MAX_SEATS
