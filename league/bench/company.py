"""How a trained policy plays: mixed company, five against five, and its habits.

Promises: all agents that are judged with the same seeds meet the same company on the same maps from
the same seats, so that their figures may be compared seed by seed; the plans, seats and intervals
are those of `league pit`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.random import Generator

from agents import orders
from arena.agent import TARGET_TROOPS, TROOPS, Agent, IntArray, LoadAgent, SeatBatch
from arena.match import LoadMap, MatchResult, MatchSpec, play_matches
from arena.territory.maps import expand_references
from league.config.tree import HELD_OUT, LeagueConfig
from league.errors import BenchError
from league.pit.mixed.plan import mixed_plan
from league.pit.mixed.statistics import first_shares, mean_places
from league.pit.plan import PitPlan, UnitPlan
from league.pit.play import played
from league.pit.sides import Side
from league.pit.statistics import PitMatch, pair_score

SCRIPTS = ("tribe", "expander", "turtle", "opportunist", "strategist")
COMPANY = (*SCRIPTS, *HELD_OUT)
RIVAL = "expander"
_PER_CALL = 96  # matches in lock-step


@dataclass
class Habits:
    """What an agent did, counted over its decisions.

    Attributes:
        decisions, orders: how many, WAIT not being an order.
        fullness: sum of home troops over the cap.
        targets: for each order against a player, its home troops over the agent's own.
    """

    decisions: int = 0
    orders: int = 0
    fullness: float = 0.0
    targets: list[float] = field(default_factory=list)

    def add(self, batch: SeatBatch, actions: IntArray) -> None:
        """Count one call."""
        at = np.flatnonzero(actions < orders.WAIT)
        self.decisions += len(batch)
        self.orders += len(at)
        self.fullness += float(orders.fullness(batch).sum())
        direction = actions[at] // len(orders.INTENSITIES)
        against = orders.rivals(batch)[at, direction]
        theirs = batch.directions[at, direction, TARGET_TROOPS][against]
        mine = np.maximum(batch.own[at, TROOPS][against], 1)
        self.targets += (theirs / mine).tolist()

    def to_json(self) -> dict[str, float | None]:
        """Return shares: of orders, of targets (median and those above 1), of a full home."""
        targets = np.array(self.targets)
        return {
            "orders_per_decision": self.orders / max(self.decisions, 1),
            "target_over_own": float(np.median(targets)) if len(targets) else None,
            "orders_on_stronger": float((targets > 1.0).mean()) if len(targets) else None,
            "home_fullness": self.fullness / max(self.decisions, 1),
        }


class _Watched:
    """An agent whose habits are counted; it plays as it would."""

    def __init__(self, agent: Agent, habits: Habits) -> None:
        self._agent, self._habits = agent, habits
        self.uses_rng = getattr(agent, "uses_rng", True)

    def reset(self, rows: IntArray) -> None:
        """Pass it on."""
        self._agent.reset(rows)

    def act(self, batch: SeatBatch, rng: Generator) -> IntArray:
        """Pass it on and count the answer."""
        actions = self._agent.act(batch, rng)
        self._habits.add(batch, actions)
        return actions


@dataclass(frozen=True)
class Judged:
    """What an agent's matches gave, unit by unit, so that agents can be compared in pairs.

    Attributes:
        places: mean place in mixed company, one per seed.
        company: the same of each script that it met there, by name.
        firsts: share of the matches of each seed that it won, ties split.
        scores: score of each mirrored pair five against five.
        n_matches: of mixed company.
        habits: in mixed company (`Habits.to_json`).
    """

    places: list[float]
    company: dict[str, list[float]]
    firsts: list[float]
    scores: list[float]
    n_matches: int
    habits: dict[str, float | None]

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return asdict(self)


def judge(
    spec: str,
    load_agent: LoadAgent,
    load_map: LoadMap,
    config: LeagueConfig,
    *,
    matches: int,
    pairs: int,
    seed: int,
    tell: Callable[[str], None] = lambda _: None,
) -> Judged:
    """Play an agent in mixed company (COMPANY) and, half of the seats each, against RIVAL.

    Args:
        spec: of the agent; it is loaded once.
        config: whose rules, views and rating maps are played on.
        matches: in mixed company, rounded up to whole seeds of one match for each name.
        pairs: mirrored pairs against RIVAL.
        seed: the first one.

    Raises:
        BenchError: a match failed.
    """
    rules, views = config.rules.to_rules(), config.views.to_views()
    maps = tuple(expand_references(config.maps.rate))
    habits = Habits()
    agent = load_agent(spec)
    watched = _Watched(agent, habits)
    mixed = mixed_plan(
        (Side(spec, spec), *(Side(name, f"scripted:{name}") for name in COMPANY)),
        maps,
        rules,
        views,
    )
    n_seeds = -(-matches // mixed.n_parts)
    units = _play(
        mixed,
        range(seed, seed + n_seeds),
        lambda name: watched if name == spec else load_agent(name),
        load_map,
        tell,
    )
    duel = PitPlan(Side(spec, spec), Side(RIVAL, f"scripted:{RIVAL}"), maps, rules, views)
    duels = _play(
        duel,
        range(seed, seed + pairs),
        lambda name: agent if name == spec else load_agent(name),
        load_map,
        tell,
    )
    return Judged(
        places=mean_places(units, spec),
        company={name: mean_places(units, name) for name in COMPANY},
        firsts=first_shares(units, spec),
        scores=[pair_score(unit) for unit in duels],
        n_matches=n_seeds * mixed.n_parts,
        habits=habits.to_json(),
    )


def _play(
    plan: UnitPlan,
    seeds: Sequence[int],
    load_agent: LoadAgent,
    load_map: LoadMap,
    tell: Callable[[str], None],
) -> list[list[PitMatch]]:
    """Play whole units in lock-step and return them in the order of their seeds."""
    units = []
    at_once = max(1, _PER_CALL // plan.n_parts)
    for start in range(0, len(seeds), at_once):
        parts = [(seed, i) for seed in seeds[start : start + at_once] for i in range(plan.n_parts)]
        specs: list[MatchSpec] = [plan.spec(*part) for part in parts]
        found: list[PitMatch] = []
        for part, outcome in zip(parts, play_matches(specs, load_agent, load_map), strict=True):
            if not isinstance(outcome, MatchResult):
                raise BenchError(f"a match of the comparison failed: {outcome.error}")
            found.append(played(outcome, plan.labels(*part)))
        units += [found[i : i + plan.n_parts] for i in range(0, len(found), plan.n_parts)]
        tell(f"{len(units)} of {len(seeds)} seeds played")
    return units
