"""The cap of a player's home troops, from its land and its cities."""

from __future__ import annotations

from arena.territory.engine.compiled import compiled
from arena.territory.engine.formulas import troop_cap
from arena.territory.engine.state import CITY_LEVELS, State


@compiled(inline=True, internal=True)
def cap_of(s: State, p: int) -> float:
    """Return the most home troops that p grows to; without cities (2025) from its land alone."""
    levels = s.ledger[p, CITY_LEVELS]
    return troop_cap(s.tiles[p], s.cap_divisor[p], s.cap_factor[p], levels)
