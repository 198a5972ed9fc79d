"""What the tests of the views share: observing all players, channels by name, a plain map."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arena.lockstep import as_dict
from arena.territory.engine.engine import Engine
from arena.territory.maps import TerritoryMap
from arena.territory.observation import observation as obs
from arena.territory.observation.views import SMALL_VIEWS

OWN, RIVAL, NEUTRAL, BARRIER, TERRAIN, STRENGTH, SIZE, OUT, IN, FRONT, GAINED, LOST = range(12)

Images = dict[str, NDArray[Any]]


def observe(engine: Engine) -> tuple[Images, NDArray[np.int8], obs.Scratch]:
    """Observations and masks of all players, row i for player i + 1."""
    n = engine.n_players
    scratch = obs.make_scratch(engine.state, SMALL_VIEWS)
    facts, views = obs.empty_facts(n), obs.empty_views(n, SMALL_VIEWS)
    rows = np.arange(n)
    obs.observe_facts(engine.state, scratch, rows, engine.max_ticks, facts)
    obs.observe(engine.state, scratch, rows, engine.max_ticks, facts.mask, views)
    return as_dict(views), facts.mask, scratch


def plain(side: int, width: int | None = None) -> TerritoryMap:
    """A map of nothing but plains, square by default."""
    return TerritoryMap.from_terrain("plain", np.full((side, width or side), 128, np.uint8))
