"""The diplomat: a strategist of edition 2026 that fights one neighbour while the others are allies.

Alone against all, a seat among hard nations is attacked from every side as soon as it looks weak.
The diplomat offers an alliance to every neighbour with at least as many troops as its own, but
never to the weakest of those that are not allies, who stays its prey. Its attacks are
bolder than the strategist's, since few are left who could answer. When it borders allies alone it
breaks with the weakest, from a full home; the price is to be a traitor for a while, whose defence
counts half. `league evaluate scripted:diplomat --against nations:hard` measures it, and
docs/learning.md has what other parameters gave ("Among nations").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from agents import orders
from agents.strategist import Plan, Strategist
from arena.agent import TARGET_TROOPS, TROOPS, IntArray, SeatBatch
from arena.territory.engine.actions import ALLY, BREAK
from arena.territory.engine.rules import N_DIRECTIONS

BOLD = Plan(prey=0.80, strike_from=0.60, strike=0.75, reserve=0.15)
"""How it attacks: any neighbour with less than four fifths of its own troops."""


@dataclass(frozen=True)
class Diplomacy:
    """With whom the diplomat makes and breaks alliances, all shares.

    Attributes:
        equal: asks neighbours with at least this share of its own home troops.
        weak: breaks with an ally that has less than this share of its own home troops.
        break_from: fullness (home troops / cap) from which it breaks an alliance.
    """

    equal: float = 1.0
    weak: float = 0.6
    break_from: float = 0.8


class Diplomat:
    """The strategist's orders first; where there is none, the alliance that helps most."""

    uses_rng = False

    def __init__(self, plan: Plan = BOLD, diplomacy: Diplomacy | None = None) -> None:
        self._strategist = Strategist(plan)
        self._limits = diplomacy or Diplomacy()

    def reset(self, rows: IntArray) -> None:
        """Do nothing: this agent keeps no memory."""

    def act(self, batch: SeatBatch, rng: Generator) -> IntArray:
        """Choose actions without noise."""
        chosen = self._strategist.act(batch, rng)
        return np.where(chosen == orders.WAIT, self._envoy(batch), chosen).astype(np.int64)

    def _envoy(self, batch: SeatBatch) -> IntArray:
        """Return int64[n]: whom to ask for an alliance or to break with, WAIT for nobody."""
        mine = np.maximum(batch.own[:, TROOPS, None].astype(np.float64), 1.0)
        theirs = batch.directions[:, :, TARGET_TROOPS].astype(np.float64)
        rivals = orders.rivals(batch)
        allied = orders.allies(batch)
        foes = rivals & ~allied
        weakest = np.where(foes, theirs, np.inf).min(axis=1, keepdims=True)

        may_ask = batch.action_mask[:, ALLY : ALLY + N_DIRECTIONS]
        asks = may_ask & (theirs >= self._limits.equal * mine) & (theirs > weakest)
        may_break = batch.action_mask[:, BREAK : BREAK + N_DIRECTIONS]
        at_peace = ~(foes | orders.neutral(batch)).any(axis=1, keepdims=True)
        ready = at_peace & (orders.fullness(batch) >= self._limits.break_from)[:, None]
        breaks = may_break & ready & (theirs < self._limits.weak * mine)

        strongest = np.where(asks, theirs, -1.0).argmax(axis=1)
        victim = np.where(breaks, theirs, np.inf).argmin(axis=1)
        peace = np.where(asks.any(axis=1), ALLY + strongest, orders.WAIT)
        return np.where(breaks.any(axis=1), BREAK + victim, peace).astype(np.int64)
