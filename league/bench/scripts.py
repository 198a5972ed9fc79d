"""Search the parameters of the strategist: random plans in mixed company, equal seeds and seats.

Each plan and `expander` take the same seat of the same match among nine scripts drawn at random, so
that the spawn, which explains more than half of a placement, falls out of their difference. Half
of the matches screen all plans; the best few play again on new seeds, and those figures alone are
unbiased: the best of many always looks better than it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.random import Generator

from agents.registry import make_loader
from agents.strategist import EAGER, PATIENT, Plan, Strategist
from arena.agent import Agent, LoadAgent
from arena.match import MatchResult, MatchSpec, play_matches
from arena.territory.maps import expand_references
from league.bench import machine
from league.config.layers import resolve
from league.errors import BenchError
from league.matches.worker import cached_maps
from league.statistics.means import t_interval

FELLOWS = ("tribe", "expander", "turtle", "opportunist")
STANDARD = "expander"
KNOWN: Mapping[str, Plan] = {
    "strategist": Plan(),
    "strategist-eager": EAGER,
    "strategist-patient": PATIENT,
}
_GRID: Mapping[str, tuple[float, ...]] = {
    "spread": (0.15, 0.30, 0.45),
    "spread_from": (0.10, 0.15, 0.25),
    "spread_busy": (0.05, 0.10, 0.20, 0.40),
    "prey": (0.35, 0.45, 0.55, 0.65, 0.80),
    "strike_from": (0.50, 0.60, 0.70, 0.80, 0.90),
    "strike": (0.30, 0.45, 0.60, 0.75),
    "reserve": (0.0, 0.25, 0.50, 0.75, 1.0),
    "answer": (0.0, 0.15, 0.30),
}
_PER_CALL = 96  # matches in lock-step


def draw_plan(rng: Generator) -> Plan:
    """Return a plan with every parameter drawn from its grid."""
    return replace(Plan(), **{key: float(rng.choice(grid)) for key, grid in _GRID.items()})


def run(
    *,
    plans: int = 24,
    keep: int = 5,
    matches: int = 200,
    seed: int = 0,
    preset: str = "small",
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Screen `plans` random plans on half of the matches, and play the best `keep` on new seeds.

    The plans that scripted members have take part in both rounds.

    Args:
        matches: of each plan in the second round.
        tell: called with a sentence at each step.

    Raises:
        BenchError: a match failed.
    """
    began = time.perf_counter()
    rng = np.random.default_rng(seed)
    drawn = {f"plan-{i + 1}": draw_plan(rng) for i in range(plans)}
    tell(f"screening {plans} plans")
    first = place(preset, {**KNOWN, **drawn}, max(1, matches // 2), rng)
    order = sorted(drawn, key=lambda name: float(np.mean(first[name])))
    chosen = {**KNOWN, **{name: drawn[name] for name in order[:keep]}}
    tell(f"playing the best {min(keep, plans)} again")
    second = place(preset, chosen, matches, rng)
    standard = np.array(second[STANDARD])
    rows = []
    for name in sorted(second, key=lambda name: float(np.mean(second[name]))):
        places = np.array(second[name])
        gain = t_interval((standard - places).tolist())
        rows.append(
            {
                "name": name,
                "mean_placement": float(places.mean()),
                "firsts": float((places == 1).mean()),
                "better_than_expander": gain.mean,
                "half_width": gain.half_width,
                "plan": asdict(chosen[name]) if name in chosen else None,
            }
        )
    return {
        "preset": preset,
        "matches": matches,
        "plans": plans,
        "seed": seed,
        "rows": rows,
        "seconds": time.perf_counter() - began,
        "machine": machine.describe(),
    }


def place(preset: str, plans: Mapping[str, Plan], n: int, rng: Generator) -> dict[str, list[int]]:
    """Return n placements of each plan and of `expander`, in the same seats of the same matches."""
    agents: dict[str, Callable[[], Agent]] = {
        name: partial(Strategist, plan) for name, plan in plans.items()
    }
    return place_agents(preset, agents, n, rng)


def place_agents(
    preset: str, made: Mapping[str, Callable[[], Agent]], n: int, rng: Generator
) -> dict[str, list[int]]:
    """Return n placements of each agent and of `expander`, in the same seats of the same matches.

    The nine others of a match are drawn from FELLOWS.

    Args:
        made: by name, a function that makes the agent.

    Raises:
        BenchError: a match failed.
    """
    config = resolve(preset)
    rules, views = config.rules.to_rules(), config.views.to_views()
    maps = expand_references(config.maps.rate)
    names = [*made, STANDARD]
    specs: list[MatchSpec] = []
    seats: list[int] = []
    for i in range(n):
        fellows = [f"scripted:{name}" for name in rng.choice(FELLOWS, rules.n_seats - 1)]
        seat, seed = int(rng.integers(rules.n_seats)), int(rng.integers(2**62))
        for name in names:
            agents = (*fellows[:seat], name, *fellows[seat:])
            specs.append(MatchSpec(seed, maps[i % len(maps)], agents, rules, views))
            seats.append(seat)
    found: dict[str, list[int]] = {name: [] for name in names}
    load, load_map = _loader(made), cached_maps(None)
    for at in range(0, len(specs), _PER_CALL):
        outcomes = play_matches(specs[at : at + _PER_CALL], load, load_map)
        for outcome, seat in zip(outcomes, seats[at : at + _PER_CALL], strict=True):
            if not isinstance(outcome, MatchResult):
                raise BenchError(f"a match of the search failed: {outcome.error}")
            found[outcome.spec.agents[seat]].append(outcome.placements[seat])
    return found


def _loader(made: Mapping[str, Callable[[], Agent]]) -> LoadAgent:
    scripted = make_loader()

    def load(spec: str) -> Agent:
        if spec in made:
            return made[spec]()
        return scripted(spec if ":" in spec else f"scripted:{spec}")

    return load


def lines(result: dict[str, Any]) -> list[str]:
    """Return the result as text, the best placement first."""
    head = (
        f"scripts    {result['plans']} plans searched, the best again on {result['matches']} new "
        f"matches each, in {result['seconds']:.0f} s on {machine.sentence(result['machine'])}"
    )
    table = [
        f"  {row['name']:<20} place {row['mean_placement']:5.2f}  first {row['firsts']:5.1%}  "
        f"better than {STANDARD} by {row['better_than_expander']:+.2f} +/- {row['half_width']:.2f}"
        for row in result["rows"]
    ]
    plans = [
        f"  {row['name']}: " + ", ".join(f"{key} {value:g}" for key, value in row["plan"].items())
        for row in result["rows"]
        if row["plan"] is not None
    ]
    return [head, *table, "", *plans]
