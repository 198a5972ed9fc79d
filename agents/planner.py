"""A planner: tries its orders on clones of the board, against neighbours as it believes them to be.

At each decision it tries up to ten orders, each on several clones of the board with other chance
and with neighbours drawn from its beliefs (agents.beliefs), some decisions ahead, in which it goes
on as the strategist does; it takes the order whose boards end best for it. Slow by design. It sees
what everybody sees: the clones are those of `SeatBatch.board`, with new random streams, and what it
draws comes from the batch's noise.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from agents.beliefs import NAMES, Beliefs, minds, settle
from agents.boards import Boards
from agents.budget import Budget
from agents.orders import BUILD, UPGRADE, WAIT
from agents.strategist import Strategist
from arena.agent import CONTACT, TARGET, TARGET_TROOPS, IntArray, SeatBatch
from arena.reward import placement_reward
from arena.territory.engine.engine import Engine
from arena.territory.engine.state import N_PLAYABLE

FloatArray = NDArray[np.float64]

_STRATEGIST = NAMES.index("strategist")
# The order in which intensities (15, 30, .. 75 % of the home troops) are tried on each target.
_INTENSITIES = (1, 3, 0, 4, 2)
_LAND, _STRENGTH = 1.2, 1.4  # weights of the learners' potential (league/learner/rewards.py)


@dataclass
class _Game:
    """What is remembered of one seat's match: the board at its last decision, and its order."""

    beliefs: Beliefs
    board: Engine
    spare: Engine | None = None
    action: int = WAIT
    ticks: int = 0


@dataclass
class Planner:
    """See the module.

    Attributes:
        budget: what it spends on each decision.
        learns: whether it learns from what it sees which scripts its neighbours play; without, it
            takes each of them for any script (the control of `league bench ceiling`).
    """

    uses_rng = False

    budget: Budget = field(default_factory=Budget)
    learns: bool = True
    _games: dict[int, _Game] = field(default_factory=dict)
    _boards: Boards = field(default_factory=Boards)
    _strategist: Strategist = field(default_factory=Strategist)

    def reset(self, rows: IntArray) -> None:
        """Forget the matches of these rows."""
        for row in rows.tolist():
            self._games.pop(row, None)

    def act(self, batch: SeatBatch, rng: Generator) -> IntArray:
        """Choose actions, one seat after the other, with one column of noise."""
        actions = self._strategist.act(batch, rng)
        noise = batch.noise(1)[:, 0]
        for i, row in enumerate(batch.rows.tolist()):
            own = Generator(PCG64(int(noise[i] * 2**53)))
            known = self._games.get(row)
            spare = None if known is None else known.spare
            board, me = batch.board(i, int(own.integers(2**62)), spare)
            if known is None:
                # The first decision: how long one takes is seen at the second.
                game = self._games[row] = _Game(Beliefs(board.n_players), board)
            else:
                game = known
                game.ticks = board.tick - game.board.tick
                if self.learns:
                    game.beliefs.see(game.board, board, me, game.action, self._boards, own)
                game.board, game.spare = board, game.board
                actions[i] = self._best(game, me, candidates(batch, i, int(actions[i]), self), own)
            game.action = int(actions[i])
        return actions

    def told(self, rows: IntArray, actions: IntArray) -> None:
        """Hear what was played in these rows instead of what it chose (league.teaching)."""
        for row, action in zip(rows.tolist(), actions.tolist(), strict=True):
            if row in self._games:
                self._games[row].action = action

    def _best(self, game: _Game, me: int, orders: list[int], rng: Generator) -> int:
        """Return the order whose boards end best: few boards for all, the rest for the best.

        The strategist's order, the first, stands unless another is better by more than the standard
        error of their difference: chance alone makes the best of ten look better than it is.
        """
        if len(orders) == 1:
            return orders[0]
        copies = self.budget.copies
        first = max(1, copies // 3)
        minds_of = [game.beliefs.draw(rng) for _ in range(copies)]
        seeds = rng.integers(2**62, size=copies).tolist()
        value = self._try(game, me, orders, minds_of[:first], seeds[:first])
        if copies > first:
            n_kept = max(2, -(-len(orders) // 3))
            others = 1 + np.argsort(-value[1:].mean(axis=1), kind="stable")[: n_kept - 1]
            kept = [0, *np.sort(others).tolist()]
            orders = [orders[j] for j in kept]
            more = self._try(game, me, orders, minds_of[first:], seeds[first:])
            value = np.hstack([value[kept], more])
        gain = value - value[0]
        error = gain.std(axis=1, ddof=1) / np.sqrt(copies) if copies > 1 else 0.0
        return orders[int((gain.mean(axis=1) - error).argmax())]

    def _try(
        self, game: _Game, me: int, orders: list[int], minds_of: list[IntArray], seeds: list[int]
    ) -> FloatArray:
        """Return float64[orders, copies], what the board is worth after each order.

        Every order meets the same neighbours and the same streams on the k-th copy: what is
        compared is the order.
        """
        n, copies = game.board.n_players, len(seeds)
        boards = self._boards
        boards.clone(game.board, seeds * len(orders))
        agent_of = np.tile(np.concatenate(minds_of), len(orders))
        agent_of[me - 1 :: n] = _STRATEGIST
        agents = minds()
        boards.look()
        settle(agents, boards, agent_of, game.ticks)
        for ahead in range(self.budget.decisions):
            if ahead > 0:
                boards.look()
            actions = boards.decide(agents, agent_of, ahead)
            if ahead == 0:
                actions[me - 1 :: n] = np.repeat(orders, copies)
            boards.play(actions, game.ticks)
        worth = [value_of(engine, me) for engine in boards.engines]
        return np.array(worth).reshape(len(orders), copies)


def candidates(batch: SeatBatch, i: int, usual: int, planner: Planner) -> list[int]:
    """Return the orders to try for row i: the strategist's, WAIT, cities, then target by target.

    Neutral land comes first, then players from the weakest to the strongest, each in the direction
    of the longest contact, first with 30 % of the home troops, then with 60, 15, 75 and 45 %.
    """
    found = [usual, WAIT] if usual != WAIT else [WAIT]
    if len(batch.action_mask[i]) > BUILD:  # edition 2026
        found += [a for a in (BUILD, UPGRADE) if batch.action_mask[i, a] and a not in found]
    facts = batch.directions[i]
    best: dict[int, int] = {}
    for direction in np.argsort(-facts[:, CONTACT], kind="stable").tolist():
        best.setdefault(int(facts[direction, TARGET]), direction)
    best.pop(-1, None)
    targets = sorted(best, key=lambda q: (q != 0, int(facts[best[q], TARGET_TROOPS])))
    for intensity in _INTENSITIES:
        for target in targets:
            action = best[target] * 5 + intensity
            if batch.action_mask[i, action] and action not in found:
                found.append(action)
    return found[: planner.budget.candidates]


def value_of(engine: Engine, me: int) -> float:
    """Return what a board is worth to player `me`: its shares of land and of troops, saturating.

    Once the match is over its placement stands in the place of its troops.
    """
    state, n = engine.state, engine.n_players
    land = float(state.playable_tiles[me]) / max(int(state.clock[N_PLAYABLE]), 1)
    worth = _LAND * _saturating(land, n)
    if engine.is_over:
        return worth + 0.5 * _STRENGTH * placement_reward(engine.placements()[me - 1], n)
    troops = state.troops.astype(np.float64)
    for attacker, _, sent in engine.attacks():
        troops[attacker] += sent
    return worth + _STRENGTH * _saturating(float(troops[me] / max(troops[1:].sum(), 1.0)), n)


def _saturating(share: float, n: int) -> float:
    return share / (share + 1.0 / n) - 0.5
