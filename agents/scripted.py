"""The scripted agents: fixed strategies, from standing still to exploiting others' mistakes.

They are the league's anchors: they never learn, so a rating measured against them means the same
tomorrow. All of them use public facts only (no images), decide for all their rows in one call, and
draw their chance from the batch's noise, so their matches are reproducible.

- `idle`: always waits.
- `random`: now and then a random legal action.
- `tribe`: the original game's bot on equal terms: on its own beat, neutral land while there is any,
  then a random neighbour once it has saved enough. In edition 2026 it accepts every alliance.
- `expander`: neutral land first and fast, then the weakest neighbour.
- `turtle`: neutral land while there is any, then only answers attacks.
- `opportunist`: neutral land, then whoever is under attack by others or has few troops at home.
- `strategist`: strikes far weaker neighbours from a full home, with a reserve (agents.strategist);
  `strategist-eager` and `strategist-patient` are the same with other parameters.
- `builder`, in edition 2026 alone: expander that builds cities as soon as it can pay them.
- `diplomat`, in edition 2026 alone: a bolder strategist with strong neighbours as its allies
  (agents.diplomat).

All play both editions; in 2026 their compass orders are the same, and strategists build cities too.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from agents import orders
from agents.diplomat import Diplomat
from agents.in_tick import IN_TICK
from agents.orders import WAIT, BoolArray, FloatArray
from agents.strategist import EAGER, PATIENT, Strategist
from arena.agent import (
    ATTACK_ON_ME,
    MY_ATTACK,
    OTHERS_ATTACKS,
    TARGET,
    TARGET_TROOPS,
    TICK,
    TROOPS,
    Agent,
    IntArray,
    SeatBatch,
)

_RANDOM_SHARE = 0.04


class Idle:
    """Always waits."""

    uses_rng = False

    def reset(self, rows: IntArray) -> None:
        """Do nothing: this agent keeps no memory."""

    def act(self, batch: SeatBatch, rng: Generator) -> IntArray:
        """Return the first of the five WAITs, which are always legal."""
        return np.full(len(batch), WAIT, np.int64)


class Random:
    """Takes a uniformly drawn legal action (all five WAITs count) once in 25 decisions, else waits.

    The share is chosen so that the known order holds five seats against five on small maps: at 25
    ticks a decision random beats idle 71 : 29 and loses to tribe 29 : 71, at 10 ticks 59 : 41 and
    31 : 69 (30 mirrored pairs each). Drawn at every decision, random orders are an even match for
    tribe and lose to idle (mean placement 8.1 against 6.4): they empty the home. In mixed company
    of strong members random still ranks just below idle: compare these two with `league pit`.
    """

    uses_rng = False

    def reset(self, rows: IntArray) -> None:
        """Do nothing: this agent keeps no memory."""

    def act(self, batch: SeatBatch, rng: Generator) -> IntArray:
        """Choose actions with two columns of noise."""
        noise = batch.noise(2)
        n_legal = batch.action_mask.sum(axis=1)
        nth = np.floor(noise[:, 0] * n_legal).astype(np.int64)
        rank = batch.action_mask.cumsum(axis=1) - 1
        chosen = (batch.action_mask & (rank == nth[:, None])).argmax(axis=1)
        return np.where(noise[:, 1] < _RANDOM_SHARE, chosen, WAIT).astype(np.int64)


class Tribe:
    """The original game's bot on equal terms (arena.territory.engine.bots), land neighbours only.

    Each row draws its temper at its first decision: a beat of 40..79 ticks with a phase, a trigger
    of 0.60..0.89, a reserve of 0.20..0.29 and an expansion reserve of 0.10..0.19 of the cap.

    In edition 2026 it does as the original's about alliances: on its beat it first accepts every
    request and every extension, it asks nobody, and it neither attacks an ally nor breaks with one.
    There all answers and an attack go out in one tick. Here each is an order, so that the beat
    lasts, a decision an answer, until nobody waits, and the attack comes next. Only neighbours in
    one of the eight directions can be answered.
    """

    uses_rng = False

    # Columns of the memory of a row
    _RATE, _PHASE, _TRIGGER, _RESERVE, _EXPAND, _LAST, _SETTLED, _ENEMY, _CHOSEN = range(9)

    def __init__(self) -> None:
        self._memory = np.full((0, 9), np.nan)

    def reset(self, rows: IntArray) -> None:
        """Forget the tempers of these rows; each draws a new one at its next decision."""
        self._grow(rows)
        self._memory[rows] = np.nan

    def _grow(self, rows: IntArray) -> None:
        missing = int(rows.max()) + 1 - len(self._memory)
        if missing > 0:
            self._memory = np.vstack([self._memory, np.full((missing, 9), np.nan)])

    def _recall(self, batch: SeatBatch, noise: FloatArray) -> FloatArray:
        self._grow(batch.rows)
        memory = self._memory[batch.rows]
        new = np.isnan(memory[:, self._RATE])
        if new.any():
            temper = np.floor(noise[:, :5] * np.array([40, 1e9, 30, 10, 10]))
            memory[new, self._RATE] = 40 + temper[new, 0]
            memory[new, self._PHASE] = temper[new, 1] % (40 + temper[new, 0])
            memory[new, self._TRIGGER] = (60 + temper[new, 2]) / 100
            memory[new, self._RESERVE] = (20 + temper[new, 3]) / 100
            memory[new, self._EXPAND] = (10 + temper[new, 4]) / 100
            memory[new, self._LAST] = batch.own[new, TICK] - 1
            memory[new, self._SETTLED] = 0
            memory[new, self._ENEMY] = 0
            memory[new, self._CHOSEN] = 0
        return memory

    def act(self, batch: SeatBatch, rng: Generator) -> IntArray:
        """Choose actions with six columns of noise."""
        noise = batch.noise(6)
        memory = self._recall(batch, noise)
        tick = batch.own[:, TICK].astype(np.float64)
        rate, phase = memory[:, self._RATE], memory[:, self._PHASE]
        on_beat = (tick + phase) // rate > (memory[:, self._LAST] + phase) // rate
        accept = orders.acceptance(batch)
        answering = on_beat & (accept != WAIT)
        on_beat &= ~answering  # the attack waits: while LAST stays, the beat is not over
        memory[:, self._LAST] = np.where(answering, memory[:, self._LAST], tick)

        full = np.maximum(orders.fullness(batch), 1e-9)
        neutral = orders.neutral(batch)
        memory[on_beat & ~neutral.any(axis=1), self._SETTLED] = 1
        settling = memory[:, self._SETTLED] == 0
        spread, _ = orders.choose(
            batch, orders.contact(batch), 1 - memory[:, self._EXPAND] / full, neutral
        )
        self._choose_enemy(batch, memory, full, noise[:, 5], on_beat & ~settling)
        is_enemy = batch.directions[:, :, TARGET] == memory[:, self._ENEMY, None]
        strike, _ = orders.choose(
            batch,
            orders.contact(batch),
            1 - memory[:, self._RESERVE] / full,
            is_enemy & orders.rivals(batch),
        )
        self._memory[batch.rows] = memory
        attack = np.where(on_beat, np.where(settling, spread, strike), WAIT)
        return np.where(answering, accept, attack).astype(np.int64)

    def _choose_enemy(
        self,
        batch: SeatBatch,
        memory: FloatArray,
        full: FloatArray,
        noise: FloatArray,
        thinking: BoolArray,
    ) -> None:
        """Forget allies and enemies chosen over 100 ticks ago; pick a neighbour at the trigger."""
        tick = batch.own[:, TICK]
        old = tick - memory[:, self._CHOSEN] > 100
        allies = orders.allies(batch)
        is_enemy = batch.directions[:, :, TARGET] == memory[:, self._ENEMY, None]
        befriended = (allies & is_enemy).any(axis=1)
        memory[thinking & (old | befriended), self._ENEMY] = 0
        rivals = orders.rivals(batch) & ~allies
        ready = thinking & (memory[:, self._ENEMY] == 0) & (full >= memory[:, self._TRIGGER])
        ready &= rivals.any(axis=1)
        for i in np.flatnonzero(ready):
            names = np.unique(batch.directions[i, rivals[i], TARGET])
            memory[i, self._ENEMY] = names[int(noise[i] * len(names))]
            memory[i, self._CHOSEN] = tick[i]


class Expander:
    """Takes neutral land first, in steady small waves, then the weakest neighbour."""

    uses_rng = False

    def reset(self, rows: IntArray) -> None:
        """Do nothing: this agent keeps no memory."""

    def act(self, batch: SeatBatch, rng: Generator) -> IntArray:
        """Choose actions without noise."""
        full = orders.fullness(batch)
        directions = batch.directions
        neutral = orders.neutral(batch)
        busy = (neutral & (directions[:, :, MY_ATTACK] > 0.1 * batch.own[:, TROOPS, None])).any(1)
        spread, spreads = orders.choose(
            batch,
            orders.contact(batch),
            np.where((full > 0.15) & ~busy, 0.30, 0.0),
            neutral,
        )
        weaker = orders.rivals(batch) & (
            directions[:, :, TARGET_TROOPS] < batch.own[:, TROOPS, None]
        )
        strike, _ = orders.choose(
            batch,
            -directions[:, :, TARGET_TROOPS].astype(np.float64),
            np.where(full > 0.45, 0.45, 0.0),
            weaker & ~np.asarray(neutral.any(axis=1))[:, None],
        )
        return np.where(spreads, spread, strike).astype(np.int64)


class Builder(Expander):
    """An expander that builds and raises cities as soon as it can pay them (edition 2026)."""

    def act(self, batch: SeatBatch, rng: Generator) -> IntArray:
        """Choose actions without noise."""
        city = orders.city_order(batch)
        return np.where(city != WAIT, city, super().act(batch, rng)).astype(np.int64)


class Turtle:
    """Takes neutral land while there is any, keeps its home full, and answers attacks in kind."""

    uses_rng = False

    def reset(self, rows: IntArray) -> None:
        """Do nothing: this agent keeps no memory."""

    def act(self, batch: SeatBatch, rng: Generator) -> IntArray:
        """Choose actions without noise."""
        full = orders.fullness(batch)
        directions = batch.directions
        attacked = directions[:, :, ATTACK_ON_ME] > directions[:, :, MY_ATTACK]
        answer, answers = orders.choose(
            batch,
            directions[:, :, ATTACK_ON_ME].astype(np.float64),
            orders.constant(batch, 0.30),
            attacked,
        )
        spread, _ = orders.choose(
            batch,
            orders.contact(batch),
            np.where(full > 0.30, 0.15, 0.0),
            orders.neutral(batch),
        )
        return np.where(answers, answer, spread).astype(np.int64)


class Opportunist:
    """Takes neutral land, then whoever is under attack by others or far weaker than itself."""

    uses_rng = False

    def reset(self, rows: IntArray) -> None:
        """Do nothing: this agent keeps no memory."""

    def act(self, batch: SeatBatch, rng: Generator) -> IntArray:
        """Choose actions without noise."""
        full = orders.fullness(batch)
        directions = batch.directions
        mine = batch.own[:, TROOPS, None]
        theirs = directions[:, :, TARGET_TROOPS]
        others = directions[:, :, OTHERS_ATTACKS]
        spread, spreads = orders.choose(
            batch,
            orders.contact(batch),
            np.where(full > 0.20, 0.30, 0.0),
            orders.neutral(batch),
        )
        pressed = (others > 0.2 * theirs) & (theirs < 1.2 * mine)
        weak = orders.rivals(batch) & (pressed | (theirs < mine / 3))
        strike, _ = orders.choose(
            batch, (others + 1.0) / (theirs + 1.0), np.where(full > 0.25, 0.45, 0.0), weak
        )
        return np.where(spreads, spread, strike).astype(np.int64)


SCRIPTED: dict[str, Callable[[], Agent]] = {
    "idle": Idle,
    "random": Random,
    "tribe": Tribe,
    "expander": Expander,
    "turtle": Turtle,
    "opportunist": Opportunist,
    "strategist": Strategist,
    "strategist-eager": lambda: Strategist(EAGER),
    "strategist-patient": lambda: Strategist(PATIENT),
}

SCRIPTED_2026: dict[str, Callable[[], Agent]] = {"builder": Builder, "diplomat": Diplomat}
"""Those of edition 2026 alone: in 2025 they would be others under another name."""

SCRIPTED_NAMES = (*SCRIPTED, *SCRIPTED_2026, *IN_TICK)
"""All that may stand after `scripted:`, those whom the engine plays included."""

# Leagues, replays and match logs of older versions hold these names: they stay valid.
FORMER_NAMES = {"wait": "idle"}


def other_names(name: str) -> tuple[str, ...]:
    """Return the other names of a scripted agent: its present name, then former ones."""
    present = FORMER_NAMES.get(name, name)
    names = (present, *(old for old, new in FORMER_NAMES.items() if new == present))
    return tuple(other for other in names if other != name)
