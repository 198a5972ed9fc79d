"""The strategist: patient, strikes far weaker neighbours from a full home, and keeps a reserve.

Its four sources of strength, each a parameter of `Plan`: it takes neutral land early, attacks a
player only when that one is much weaker, only from a home that is full (growth is fastest and
losses smallest there), and never sends so much that its strongest neighbour would find it weak.
In edition 2026 it builds cities as soon as it can pay them (`orders.city_order`).
`league bench scripts` searches the parameters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from agents import orders
from arena.agent import (
    ATTACK_ON_ME,
    MY_ATTACK,
    TARGET_TILES,
    TARGET_TROOPS,
    TROOPS,
    IntArray,
    SeatBatch,
)


@dataclass(frozen=True)
class Plan:
    """The parameters of a strategist, all shares.

    Attributes:
        spread: of the home troops, sent into neutral land in one order.
        spread_from: fullness (home troops / cap) from which neutral land is taken.
        spread_busy: no further order while attacks on that land hold this share of home troops.
        prey: attacks players with fewer home troops than this share of its own.
        strike_from: fullness from which players are attacked.
        strike: of the home troops, the most that one attack takes.
        reserve: keeps this share of its strongest neighbour's home troops at home.
        answer: sends this share against an attacker weaker than itself, whatever the fullness.
    """

    spread: float = 0.30
    spread_from: float = 0.15
    spread_busy: float = 0.10
    prey: float = 0.55
    strike_from: float = 0.60
    strike: float = 0.60
    reserve: float = 0.50
    answer: float = 0.0


# Two further characters of about the same strength, found by the same search: members that learners
# never meet (`rating.held_out`).
EAGER = Plan(spread=0.15, spread_busy=0.40, prey=0.45, strike_from=0.50, strike=0.60, reserve=0.75)
PATIENT = Plan(
    spread_from=0.25, prey=0.80, strike_from=0.90, strike=0.75, reserve=0.50, answer=0.30
)


class Strategist:
    """Cities, neutral land, then the weakest prey from a full home, with a reserve at home."""

    uses_rng = False

    def __init__(self, plan: Plan | None = None) -> None:
        self.plan = plan or Plan()

    def reset(self, rows: IntArray) -> None:
        """Do nothing: this agent keeps no memory."""

    def act(self, batch: SeatBatch, rng: Generator) -> IntArray:
        """Choose actions without noise."""
        plan, directions = self.plan, batch.directions
        full = orders.fullness(batch)
        mine = np.maximum(batch.own[:, TROOPS].astype(np.float64), 1.0)
        rivals = orders.rivals(batch)
        theirs = directions[:, :, TARGET_TROOPS].astype(np.float64)
        strongest = np.where(rivals, theirs, 0.0).max(axis=1)
        spare = np.clip(1.0 - plan.reserve * strongest / mine, 0.0, 1.0)

        neutral = orders.neutral(batch)
        sent = directions[:, :, MY_ATTACK]
        busy = (neutral & (sent > plan.spread_busy * mine[:, None])).any(axis=1)
        spread, spreads = orders.choose(
            batch,
            orders.contact(batch),
            np.where((full > plan.spread_from) & ~busy, np.minimum(plan.spread, spare), 0.0),
            neutral,
        )

        prey = rivals & (theirs < plan.prey * mine[:, None])
        answered = rivals & (directions[:, :, ATTACK_ON_ME] > 0) & (theirs < mine[:, None])
        gain = directions[:, :, TARGET_TILES] / (theirs + 1.0)
        strike, strikes = orders.choose(
            batch,
            gain,
            np.where(full >= plan.strike_from, np.minimum(plan.strike, spare), 0.0),
            prey & (sent == 0),
        )
        answer, answers = orders.choose(
            batch, gain, np.full(len(batch), plan.answer), answered & (sent == 0)
        )
        city = orders.city_order(batch)
        order = np.where(
            spreads, spread, np.where(strikes, strike, np.where(answers, answer, orders.WAIT))
        )
        return np.where(city != orders.WAIT, city, order).astype(np.int64)
