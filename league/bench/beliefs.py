"""How often a planner knows which script a neighbour plays: the belief that its gain rests on.

A planner that does not think (one candidate) and only watches sits among nine scripts drawn from
those that it knows; at each mark its most believed script of every living neighbour is compared
with the one that plays there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator

from agents.beliefs import NAMES
from agents.budget import Budget
from agents.planner import Planner
from agents.registry import make_loader
from arena.agent import TARGET, TICK, IntArray, SeatBatch
from arena.match import MatchResult, MatchSpec, play_matches, start_match
from arena.territory.engine.rules import MAX_SEATS
from arena.territory.maps import expand_references
from league.bench import machine
from league.config.layers import resolve
from league.errors import BenchError
from league.matches.worker import cached_maps
from league.statistics.means import t_interval

MARKS = (150, 400)  # ticks
WATCHER = "planner:watching"
_PER_CALL = 8


class Watcher(Planner):
    """A planner that orders what the strategist does, and notes what it believes at the marks.

    Attributes:
        seen: (row, mark) -> neighbour's owner id -> the script that it is most believed to play.
    """

    def __init__(self) -> None:
        super().__init__(Budget(decisions=1, copies=1, candidates=1))
        self.seen: dict[tuple[int, int], dict[int, str]] = {}

    def act(self, batch: SeatBatch, rng: Generator) -> IntArray:
        """Choose as the strategist."""
        actions = super().act(batch, rng)
        for i, row in enumerate(batch.rows.tolist()):
            tick = int(batch.own[i, TICK])
            if tick not in MARKS:
                continue
            believed = self._games[row].beliefs.shares().argmax(axis=1)
            owners = {int(q) for q in batch.directions[i, :, TARGET] if q > 0}
            self.seen[row, tick] = {q: NAMES[int(believed[q])] for q in owners}
        return actions


def run(
    *,
    matches: int = 24,
    seed: int = 0,
    preset: str = "small",
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Play the matches and count.

    Raises:
        BenchError: a match failed.
    """
    began = time.perf_counter()
    rng = np.random.default_rng(seed)
    right: dict[int, list[float]] = {mark: [] for mark in MARKS}  # per match with neighbours
    n_neighbours = dict.fromkeys(MARKS, 0)
    for first in range(0, matches, _PER_CALL):
        n = min(_PER_CALL, matches - first)
        for seen, truth in _play(preset, n, rng):
            for mark, found in seen.items():
                if found:
                    right[mark].append(float(np.mean([truth[q] == s for q, s in found.items()])))
                    n_neighbours[mark] += len(found)
        tell(f"{first + n} matches watched")
    rows = []
    for mark in (mark for mark in MARKS if right[mark]):
        share = t_interval(right[mark])
        rows.append(
            {
                "tick": mark,
                "right": share.mean,
                "half_width": share.half_width,
                "neighbours": n_neighbours[mark],
                "matches": len(right[mark]),
            }
        )
    return {
        "preset": preset,
        "matches": matches,
        "seed": seed,
        "chance": 1.0 / len(NAMES),
        "rows": rows,
        "seconds": time.perf_counter() - began,
        "machine": machine.describe(),
    }


def _play(
    preset: str, n: int, rng: Generator
) -> list[tuple[dict[int, dict[int, str]], dict[int, str]]]:
    """Return of n matches what was believed by mark, and the script of each owner id."""
    config = resolve(preset)
    rules, views = config.rules.to_rules(), config.views.to_views()
    maps = expand_references(config.maps.rate)
    specs, seats = [], []
    for _ in range(n):
        others = [f"scripted:{name}" for name in rng.choice(NAMES, rules.n_seats - 1)]
        seat = int(rng.integers(rules.n_seats))
        seats.append(seat)
        agents = (*others[:seat], WATCHER, *others[seat:])
        reference = maps[int(rng.integers(len(maps)))]
        specs.append(MatchSpec(int(rng.integers(2**62)), reference, agents, rules, views))
    watcher, scripted, load_map = Watcher(), make_loader(), cached_maps(None)
    outcomes = play_matches(
        specs, lambda spec: watcher if spec == WATCHER else scripted(spec), load_map
    )
    found = []
    for slot, (spec, seat, outcome) in enumerate(zip(specs, seats, outcomes, strict=True)):
        if not isinstance(outcome, MatchResult):
            raise BenchError(f"a match of the beliefs failed: {outcome.error}")
        players = start_match(spec, load_map, [None] * rules.n_seats).engine.spawn_of
        truth = {
            int(players[other]) + 1: name.removeprefix("scripted:")
            for other, name in enumerate(spec.agents)
        }
        row = slot * MAX_SEATS + seat
        found.append(({mark: watcher.seen.get((row, mark), {}) for mark in MARKS}, truth))
    return found


def lines(result: dict[str, Any]) -> list[str]:
    """Return the result as text."""
    head = (
        f"beliefs    which script a neighbour plays, by chance {result['chance']:.0%}; "
        f"{result['matches']} matches in {result['seconds']:.0f} s on "
        f"{machine.sentence(result['machine'])}"
    )
    return [
        head,
        *(
            f"  tick {row['tick']:>4}  right of {row['right']:6.1%} +/- {row['half_width']:.1%} of "
            f"{row['neighbours']} neighbours in {row['matches']} matches"
            for row in result["rows"]
        ),
    ]
