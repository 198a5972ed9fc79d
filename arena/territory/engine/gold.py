"""Gold of edition 2026: what every living player gets per tick, and what a conqueror takes."""

from __future__ import annotations

import numpy as np

from arena.territory.engine import rules
from arena.territory.engine.compiled import compiled
from arena.territory.engine.state import GOLD, HAS_ATTACKED

_BOT, _HUMAN = rules.BOT, rules.HUMAN
_PER_TICK = rules.GOLD_PER_TICK
_SHARE = rules.CONQUERED_SHARE


@compiled(inline=True)
def gold_per_tick(kind: int) -> int:
    """Return what a living player of a kind gets in each tick, however large it is."""
    return _PER_TICK // 2 if kind == _BOT else _PER_TICK


@compiled()
def take_gold(ledger: np.ndarray, kind: np.ndarray, conqueror: int, victim: int) -> None:
    """Give a fallen player's gold to its conqueror: all of a bot's or nation's, half a human's.

    The victim keeps nothing. From a human who never attacked anybody nothing moves, so that idle
    seats are no prize.

    Args:
        ledger, kind: of State.
    """
    if kind[victim] == _HUMAN and ledger[victim, HAS_ATTACKED] == 0:
        return
    taken = ledger[victim, GOLD]
    ledger[victim, GOLD] = 0
    ledger[conqueror, GOLD] += taken // _SHARE if kind[victim] == _HUMAN else taken
