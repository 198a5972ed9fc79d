"""Compile everything once, in one process, before several processes need it at the same time.

The first start on a machine compiles for about half a minute; without this, every worker and every
learner would do the same work side by side.  Afterwards it takes a fraction of a second.
"""

from __future__ import annotations

import numpy as np

from arena.territory import observation as obs
from arena.territory.engine import Engine
from arena.territory.maps import generate_map
from arena.territory.numerics import uniform_noise
from arena.territory.rules import MatchRules
from arena.territory.views import Views


def warm_up() -> None:
    """Play two decisions of a tiny match, calling every compiled function that Python calls."""
    views = Views(16, 16, 16)
    rules = MatchRules(max_ticks=20, n_seats=2)
    engine = Engine.new_match(generate_map("plains", 32, 32, 0), rules, 0, grid=16)
    scratch = obs.make_scratch(engine.state, views)
    rows = np.arange(2)
    facts, seen = obs.empty_facts(2), obs.empty_views(2, views)
    while not engine.is_over:
        obs.observe_facts(engine.state, scratch, rows, rules.max_ticks, facts)
        obs.observe(engine.state, scratch, rows, rules.max_ticks, facts.mask, seen)
        engine.act(np.zeros(2, np.int64))
        engine.run(rules.ticks_per_decision)
    uniform_noise(rows, rows, rows, 1, 0)
    engine.conquer(1, 16, 16)
