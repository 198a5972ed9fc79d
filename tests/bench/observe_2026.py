"""Processor time of an observation of edition 2026 against version 2 of it, in pairs.

    PYTHONPATH=. python tests/bench/observe_2026.py [--matches 4] [--map generated:lakes:128x128:0]

Matches of 2026 with builders, who have cities and gold; every decision is observed twice on the
same board, in turn first, by the functions that both editions share (facts, then observation
version 2) and by those with what 2026 adds (`see_facts`, `see`). Printed are microseconds of one
thread's processor time per seat, with views and without, and the ratio of the sums.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from agents.registry import make_loader
from arena.lockstep import LiveMatch, Lockstep
from arena.territory.engine.rules import MAX_SEATS, MatchRules
from arena.territory.maps import load_map
from arena.territory.observation import observation as obs
from arena.territory.observation.seeing import see, see_facts
from arena.territory.observation.views import SMALL_VIEWS

RULES = MatchRules(max_ticks=3_000, ticks_per_decision=25, edition="2026")
VIEWS = SMALL_VIEWS.of_edition("2026")
MEMBERS = ("builder", "strategist", "expander", "tribe", "opportunist")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--matches", type=int, default=4)
    parser.add_argument("--map", default="generated:lakes:128x128:0")
    asked = parser.parse_args()
    load, board = make_loader(), load_map(asked.map)
    names = ("facts", "observe", "scalars alone")
    spent, n_seats, n_levels = np.zeros((2, len(names))), 0, 0
    for seed in range(asked.matches):
        agents = [load(f"scripted:{MEMBERS[seat % len(MEMBERS)]}") for seat in range(10)]
        match = LiveMatch(board, RULES, VIEWS, seed, 0, agents)
        core = Lockstep(1, VIEWS)
        core.begin(0, match)
        s, w, rows = match.engine.state, match.scratch, np.arange(10)
        old, new = (obs.empty_views(10, views) for views in (SMALL_VIEWS, VIEWS))
        facts = obs.empty_facts(10, VIEWS.edition)

        def both(version: int, s=s, w=w, rows=rows, old=old, new=new, facts=facts):  # type: ignore[no-untyped-def]
            end = RULES.max_ticks
            if version == 3:
                yield see_facts(s, w, rows, end, facts)
                yield see(s, w, rows, end, facts.mask, new)
                yield see(s, w, rows, end, facts.mask, new, with_views=False)
            else:
                yield obs.observe_facts(s, w, rows, end, facts)
                yield obs.observe(s, w, rows, end, facts.mask, old)
                yield obs.observe_scalars(s, w, rows, end, facts.mask, old)

        actions = np.zeros(MAX_SEATS, np.int64)
        while not match.engine.is_over:
            core.refresh()
            # The facts of 2026 come last in turn or first, and stay what `see` reads.
            for version in (2, 3) if match.n_decisions % 2 else (3, 2):
                began = time.thread_time()
                for k, _ in enumerate(both(version)):
                    now = time.thread_time()
                    spent[version - 2, k] += now - began if match.n_decisions else 0.0
                    began = now
            see_facts(s, w, rows, RULES.max_ticks, facts)
            n_seats += int(match.living.sum()) if match.n_decisions else 0
            core.ask_agents(actions)
            core.advance(actions)
        n_levels += sum(built.level for built in match.engine.structures())
    print(f"{asked.matches} matches on {asked.map}, {n_seats:,} seats, {n_levels} city levels")
    for k, name in enumerate(names):
        two, three = 1e6 * spent[:, k] / max(n_seats, 1)
        print(f"{name:>14}  {two:6.1f} us  {three:6.1f} us  {three / two:5.2f} times")


if __name__ == "__main__":
    main()
