"""Who may not attack whom yet: what attacks, masks and orders ask, in both editions."""

from __future__ import annotations

from arena.territory.engine import rules
from arena.territory.engine.compiled import compiled
from arena.territory.engine.state import EDITION, TICK, State

_BOT, _HUMAN = rules.BOT, rules.HUMAN
_TICKS_2025 = rules.EDITIONS["2025"].immunity_ticks
_TICKS_2026 = rules.EDITIONS["2026"].immunity_ticks


@compiled(inline=True, internal=True)
def is_immune(s: State, p: int, target: int) -> bool:
    """Return whether p may not attack player `target` yet; in 2026 humans alone are held back."""
    if s.clock[EDITION] == 0:
        return bool(s.clock[TICK] < _TICKS_2025)
    bound = s.kind[p] == _HUMAN and s.kind[target] != _BOT
    return bool(bound and s.clock[TICK] < _TICKS_2026)
