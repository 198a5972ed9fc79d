"""What a planner believes of its neighbours: which of the scripts each of them plays.

From the board at the last decision each script's orders are predicted and played for one decision;
the nearer the board that was then seen is to the predicted one, in a player's home troops and in
its attacks by target, the more is that script believed of that player (Bayes' rule). An order
moves 15 % of the home troops at least, chance and third parties mostly less than 4 %.

On a board a third of the players plays the script in question and the others what is most believed
of them: with all of them playing it, what they do to each other hid who did it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from agents.boards import Boards
from agents.scripted import Expander, Opportunist, Tribe, Turtle
from agents.strategist import Strategist
from arena.agent import Agent, IntArray
from arena.territory.engine.engine import Engine

FloatArray = NDArray[np.float64]

KNOWN: dict[str, Callable[[], Agent]] = {
    "tribe": Tribe,
    "expander": Expander,
    "turtle": Turtle,
    "opportunist": Opportunist,
    "strategist": Strategist,
}
NAMES = tuple(KNOWN)
_PARTS = 3  # of the players; each part plays a script on boards of its own
# A tribe's beat, temper and enemy are its secret: its orders are predicted on as many boards.
_BOARDS = np.array([4 if name == "tribe" else 1 for name in NAMES])
_NEAR = 0.04  # of the home troops: how far chance and third parties move a prediction
_DOUBT = 0.01  # likelihood of what no script would do: nobody is ruled out for ever
_MEMORY = 0.985  # share of the evidence that is kept at each decision: members may change


def minds() -> list[Agent]:
    """Return one new agent of each script, in the order of NAMES."""
    return [make() for make in KNOWN.values()]


def settle(agents: list[Agent], boards: Boards, agent_of: IntArray, ticks: int) -> None:
    """Let agents with a memory live through the decision before, so that their beats lie anywhere.

    A tribe that has just been made is on its beat once in 40 to 79 ticks, counted from its first
    decision; without this it would not act in the first one.
    """
    for agent in agents:
        agent.reset(np.arange(len(agent_of), dtype=np.int64))
    tribes = np.where(agent_of == NAMES.index("tribe"), agent_of, -1)
    boards.decide(agents, tribes, -1, earlier=ticks)


class Beliefs:
    """How likely each player plays each script.

    Attributes:
        evidence: float64[P + 1, scripts], logarithm of the likelihood of what was seen.
    """

    def __init__(self, n_players: int) -> None:
        self.evidence: FloatArray = np.zeros((n_players + 1, len(NAMES)))

    def shares(self) -> FloatArray:
        """Return float64[P + 1, scripts], the probability of each script for each player."""
        raised = np.exp(self.evidence - self.evidence.max(axis=1, keepdims=True))
        shares: FloatArray = raised / raised.sum(axis=1, keepdims=True)
        return shares

    def draw(self, rng: Generator) -> IntArray:
        """Return int64[P], a script for each player, drawn by its probability."""
        below = self.shares()[1:].cumsum(axis=1) < rng.random((len(self.evidence) - 1, 1))
        drawn: IntArray = np.minimum(below.sum(axis=1), len(NAMES) - 1).astype(np.int64)
        return drawn

    def see(
        self, before: Engine, now: Engine, me: int, action: int, boards: Boards, rng: Generator
    ) -> None:
        """Take in one decision: the board before it and after it.

        Args:
            me: the planner's own owner id; `action` is what it chose.
            boards: clones to predict on.
        """
        ticks = now.tick - before.tick
        n = before.n_players
        script = np.repeat(np.arange(len(NAMES)), _BOARDS * _PARTS)
        part = np.concatenate([np.arange(n_boards) % _PARTS for n_boards in _BOARDS * _PARTS])
        tried = part[:, None] == rng.permutation(n)[None, :] % _PARTS  # [boards, P]
        believed = self.evidence[1:].argmax(axis=1)
        boards.clone(before, rng.integers(2**62, size=len(script)).tolist())
        agents = minds()
        agent_of = np.where(tried, script[:, None], believed[None, :]).reshape(-1)
        boards.look()
        settle(agents, boards, agent_of, ticks)
        actions = boards.decide(agents, agent_of, 0)
        actions[me - 1 :: n] = action
        boards.play(actions, ticks)

        home, out = standing(now)
        scale = np.maximum(before.state.troops.astype(np.float64), 1.0)
        likelihood = np.zeros((n + 1, len(NAMES)))
        for b, (k, engine) in enumerate(zip(script, boards.engines, strict=True)):
            predicted_home, predicted_out = standing(engine)
            apart = np.abs(predicted_home - home) + np.abs(predicted_out - out).sum(axis=1)
            near = np.exp(-apart / scale / _NEAR)[1:] / _BOARDS[k]
            likelihood[1:, k] += np.where(tried[b], near, 0.0)
        seen = (before.state.tiles > 0) & (now.state.tiles > 0)
        update = np.where(seen[:, None], np.log(_DOUBT + likelihood), 0.0)
        self.evidence = _MEMORY * self.evidence + update


def standing(engine: Engine) -> tuple[FloatArray, FloatArray]:
    """Return home troops, float64[P + 1], and attacks by attacker and target, [P + 1, P + 1]."""
    out = np.zeros((engine.n_players + 1, engine.n_players + 1))
    for attacker, target, troops in engine.attacks():
        out[attacker, target] += troops
    return engine.state.troops.astype(np.float64), out
