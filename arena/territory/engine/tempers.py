"""What the engine's minds draw for themselves, once per match: their tempers.

Nobody else can see a temper; a clone that is made to think on draws new ones (copies.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from arena.errors import MatchError
from arena.territory.engine import rules
from arena.territory.engine.bots import (
    CHOSEN_AT,
    ENEMY,
    EXPAND,
    LIFE,
    PHASE,
    RATE,
    RESERVE,
    TRIGGER,
)
from arena.territory.engine.numerics import draw, stream_seed
from arena.territory.engine.state import (
    ASSIGNED,
    DIFFICULTY,
    EDITION,
    MIND,
    NATION_MIND,
    PLACED,
    SAVED_AT,
    TRIBE_MIND,
    State,
)

MINDS = {"tribe": TRIBE_MIND, "nation": NATION_MIND}
# ticks between two decisions, from and below: of tribes, and of nations by difficulty
_TRIBE_RATES = (40, 80)
_NATION_RATES = ((65, 100), (55, 70), (45, 60), (30, 50))


@dataclass(frozen=True)
class Temper:
    """The pace of a mind and how much it keeps at home.

    Attributes:
        rate: ticks between two decisions.
        phase: it decides when (tick + 101) % rate is this.
        trigger: share of its cap that it waits for before it attacks players.
        reserve: share of its cap that it keeps from attacks on players.
        expand: share of its cap that it keeps from attacks on neutral land.
    """

    rate: int
    phase: int
    trigger: float
    reserve: float
    expand: float


def draw_temper(seed: int, *, is_2026: bool = False, rates: tuple[int, int] = (40, 80)) -> Temper:
    """Return the temper of a stream's seed, in the ranges of an edition."""
    stream = np.array([seed], np.uint64)
    rate = rates[0] + draw(stream, 0, rates[1] - rates[0])
    trigger, reserve = (50, 30) if is_2026 else (60, 20)
    return Temper(
        rate=rate,
        phase=draw(stream, 0, rate),
        trigger=(trigger + draw(stream, 0, 10 if is_2026 else 30)) / 100,
        reserve=(reserve + draw(stream, 0, 10)) / 100,
        expand=(10 + draw(stream, 0, 10)) / 100,
    )


def temper_of(s: State, p: int, seed: int, index: int, purpose: int) -> Temper:
    """Return the temper that p's mind draws from the stream of (seed, index, purpose)."""
    is_2026 = bool(s.clock[EDITION])
    rates = _TRIBE_RATES
    if is_2026 and s.bot_clock[p, MIND] == NATION_MIND:
        rates = _NATION_RATES[int(s.bot_clock[p, DIFFICULTY])]
    return draw_temper(int(stream_seed(seed, index, purpose)), is_2026=is_2026, rates=rates)


def set_temper(s: State, p: int, temper: Temper) -> None:
    """Give a mind its temper; it holds no enemy and has assigned no troops."""
    s.bot_clock[p, [RATE, PHASE, ENEMY, CHOSEN_AT]] = [temper.rate, temper.phase, 0, 0]
    s.bot_ratio[p, [TRIGGER, RESERVE, EXPAND]] = [temper.trigger, temper.reserve, temper.expand]
    if s.clock[EDITION]:
        s.bot_ratio[p, ASSIGNED] = 0.0


def install_mind(s: State, p: int, mind: str, difficulty: str) -> None:
    """Let a mind of edition 2026 play p, without a temper yet.

    Raises:
        MatchError: there is no such mind or difficulty, or the edition has no minds.
    """
    if mind not in MINDS:
        raise MatchError(f"expected a mind of {', '.join(MINDS)}, found {mind!r}")
    if difficulty not in rules.DIFFICULTIES:
        raise MatchError(
            f"expected a difficulty of {', '.join(rules.DIFFICULTIES)}, found {difficulty!r}"
        )
    if not s.clock[EDITION]:
        if mind == "tribe":
            s.bot_clock[p, LIFE] = 0
            return
        raise MatchError(
            "nations have minds in edition 2026 alone; set rules.edition to 2026 or give this seat "
            "another player"
        )
    s.bot_clock[p, [MIND, DIFFICULTY]] = [MINDS[mind], rules.DIFFICULTIES.index(difficulty)]
    s.bot_clock[p, [LIFE, PLACED, SAVED_AT]] = [0, 0, -1]
