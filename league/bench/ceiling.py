"""How far above the scripts a planner plays: mixed company, equal seeds and seats.

The planner, the strategist and the expander take the same seat of the same match among nine scripts
drawn at random (league.bench.scripts); so does, on request, a planner that learns nothing of its
neighbours, which shows what knowing them is worth.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from agents.budget import Budget
from agents.planner import Planner
from agents.strategist import Strategist
from arena.agent import Agent
from league.bench import machine
from league.bench.scripts import STANDARD, place_agents
from league.statistics.means import t_interval

PLANNER, BLIND, STRATEGIST = "planner", "planner, blind", "strategist"
_ROUND = 8  # matches of each between two looks at the clock


def run(
    *,
    budget: str = "",
    blind: bool = False,
    matches: int = 200,
    seconds: float = 600.0,
    seed: int = 0,
    preset: str = "small",
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Play `matches` matches of each agent, or as many as `seconds` allow.

    Args:
        budget: of the planners, as in their spec.
        blind: whether the planner that learns nothing plays too.
        tell: called with a sentence after each round.

    Raises:
        AgentError: the budget is not one.
        BenchError: a match failed.
    """
    began = time.perf_counter()
    spent = Budget.parse(budget)
    made: dict[str, Callable[[], Agent]] = {
        PLANNER: lambda: Planner(spent),
        STRATEGIST: Strategist,
    }
    if blind:
        made[BLIND] = lambda: Planner(spent, learns=False)
    places: dict[str, list[int]] = {name: [] for name in (*made, STANDARD)}
    rng = np.random.default_rng(seed)
    while len(places[STANDARD]) < matches and time.perf_counter() - began < seconds:
        n = min(_ROUND, matches - len(places[STANDARD]))
        for name, found in place_agents(preset, made, n, rng).items():
            places[name] += found
        tell(f"{len(places[STANDARD])} matches of each")
    return {
        "preset": preset,
        "budget": spent.text(),
        "matches": len(places[STANDARD]),
        "seed": seed,
        "rows": [_row(name, places) for name in places],
        "seconds": time.perf_counter() - began,
        "machine": machine.describe(),
    }


def _row(name: str, places: Mapping[str, list[int]]) -> dict[str, Any]:
    """Return the figures of one agent; differences are paired by seed and seat."""
    own = np.array(places[name], np.float64)
    firsts = own == 1
    row: dict[str, Any] = {
        "name": name,
        "mean_placement": float(own.mean()),
        "firsts": float(firsts.mean()),
    }
    for other in (STANDARD, STRATEGIST):
        gain = t_interval((np.array(places[other]) - own).tolist())
        row[f"better_than_{other}"] = gain.mean
        row[f"half_width_{other}"] = gain.half_width
    return row


def lines(result: dict[str, Any]) -> list[str]:
    """Return the result as text."""
    head = (
        f"ceiling    planner:{result['budget']} among nine scripts, {result['matches']} matches of "
        f"each in the same seats, in {result['seconds']:.0f} s on "
        f"{machine.sentence(result['machine'])}"
    )
    table = [
        f"  {row['name']:<16} place {row['mean_placement']:5.2f}  first {row['firsts']:5.1%}  "
        + "  ".join(
            f"better than {other} by {row[f'better_than_{other}']:+.2f} +/- "
            f"{row[f'half_width_{other}']:.2f}"
            for other in (STANDARD, STRATEGIST)
            if row["name"] != other
        )
        for row in result["rows"]
    ]
    return [head, *table]
