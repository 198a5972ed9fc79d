"""What a tick of edition 2026 costs beside one of 2025, by processor time, in pairs.

The same seats play the same random compass orders on the same map three times: in 2025; in 2026
with structures, boats and alliances switched off; and in 2026 with cities and boats, which every
seat builds and sends as its gold and a coin allow. Each round plays all three, one after the other
in an order that turns, so that other work on the machine slows them alike; ratios are medians over
the rounds. The games differ (2026 has other formulas), so the tiles that changed hands are counted.

Seats are humans, as in a league's match: no mind of the engine is measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from arena.processes.scratch import ScratchFolder
from arena.territory.engine import rules
from arena.territory.engine.engine import Engine
from arena.territory.engine.state import N_EVENTS, NO_ALLIANCES, NO_BOATS, NO_STRUCTURES
from arena.territory.maps import TerritoryMap, load_map
from league.bench import machine
from league.bench.territory import TICKS_PER_DECISION

VARIANTS = ("2025", "2026, land alone", "2026, cities and boats")
_START_GOLD = 500_000  # so that cities stand from the beginning
_DECISIONS_PER_BUILD = 10
_P_BOAT = 0.05  # of a seat, at a decision
_BOAT_SHARE = 5  # a boat takes the home troops divided by this

_START = """
import json, sys, time
from arena.territory.observation.warm_up import warm_up
began = time.perf_counter()
warm_up(sys.argv[1])
print(json.dumps({"seconds": time.perf_counter() - began}))
"""


def play(territory: TerritoryMap, seats: int, ticks: int, seed: int, variant: str) -> list[float]:
    """Play one match.

    Returns:
        Seconds of processor time in its ticks, tiles that changed hands, structures at the end.
    """
    edition = variant[:4]
    match_rules = rules.MatchRules(max_ticks=ticks, n_seats=seats, edition=edition)
    engine = Engine.new_match(territory, match_rules, seed)
    engine.never_end()
    if variant == VARIANTS[1]:
        engine.forbid(NO_ALLIANCES | NO_BOATS | NO_STRUCTURES)
    has_cities = variant == VARIANTS[2]
    if has_cities:
        engine.gold[:] = _START_GOLD
    orders, coins = np.random.default_rng([seed, 1]), np.random.default_rng([seed, 2])
    land = np.argwhere(engine.map.land)
    spent = 0.0
    for decision in range(ticks // TICKS_PER_DECISION):
        actions = orders.integers(0, rules.N_ACTIONS, seats)
        engine.act(np.where(orders.random(seats) < 0.3, actions, rules.N_ACTIONS - 1))
        if has_cities:
            if decision % _DECISIONS_PER_BUILD == 0:
                _build(engine)
            _sail(engine, coins, land)
        began = time.process_time()
        engine.run(TICKS_PER_DECISION)
        spent += time.process_time() - began
    return [spent, float(engine.state.clock[N_EVENTS]), float(len(engine.structures()))]


def _build(engine: Engine) -> None:
    """Let every seat that has the gold build a city where it had best, else raise one."""
    for p in range(1, engine.n_players + 1):
        if engine.tiles[p - 1] > 0 and engine.gold[p - 1] >= engine.price(p, "city"):
            place, level = engine.best_places(p)
            if place is not None:
                engine.build(p, "city", *place)
            elif level is not None:
                engine.upgrade(p, *level)


def _sail(engine: Engine, coins: np.random.Generator, land: np.ndarray) -> None:
    """Let some seats send boats to random land; most find no way and stay."""
    for p in np.flatnonzero(coins.random(engine.n_players) < _P_BOAT) + 1:
        y, x = (int(v) for v in land[int(coins.integers(len(land)))])
        if engine.tiles[p - 1] > 0:
            engine.boat(int(p), x, y, float(engine.troops[p - 1] // _BOAT_SHARE))


def choosing_us(territory: TerritoryMap, seats: int, ticks: int) -> float:
    """Return the processor time of choosing a city's place and an upgrade in Python, us."""
    match_rules = rules.MatchRules(max_ticks=ticks, n_seats=seats, edition="2026")
    engine = Engine.new_match(territory, match_rules, 0)
    engine.gold[:] = _START_GOLD
    spent = []
    for decision in range(ticks // TICKS_PER_DECISION):
        engine.act(np.full(seats, decision % 8 * 5))
        _build(engine)
        engine.run(TICKS_PER_DECISION)
        began = time.process_time()
        engine.best_places(1 + decision % seats)
        spent.append((time.process_time() - began) * 1e6)
    return machine.middle(spent)


def compile_seconds(edition: str) -> float:
    """Return the wall time of `warm_up` with an empty code cache, on as many cores as there are."""
    with ScratchFolder("league-bench-") as folder:
        environment = {"LEAGUE_CACHE_DIR": str(folder)}
        found = machine.in_fresh_process(_START, edition, environment=environment)
    return float(found["seconds"])


def run(
    reference: str,
    *,
    seats: int = 10,
    ticks: int = 3_000,
    rounds: int = 5,
    tell: Callable[[str], None] | None = None,
    with_processes: bool = True,
) -> dict[str, Any]:
    """Measure both editions on one map.

    Args:
        reference: map folder, PNG or generated:...; `load_map` takes it.
        rounds: seeds; each is played three times.
        tell: called with what is being measured.
        with_processes: also measure the first compilation of both, in fresh processes.
    """
    say = tell or (lambda text: None)
    territory = load_map(reference)
    say("loading the compiled code")
    for variant in VARIANTS:
        play(territory, seats, 5 * TICKS_PER_DECISION, 0, variant)
    say(f"{rounds} rounds of three matches")
    found = np.zeros((rounds, len(VARIANTS), 3))
    for seed in range(rounds):
        for k in np.roll(range(len(VARIANTS)), seed):
            found[seed, k] = play(territory, seats, ticks, seed, VARIANTS[k])
    per_tick = found[:, :, 0] / ticks * 1e6
    per_tile = found[:, :, 0] / np.maximum(found[:, :, 1], 1.0) * 1e9
    result: dict[str, Any] = {
        "variants": [
            {
                "name": name,
                "us_per_tick": float(np.median(per_tick[:, k])),
                "ns_per_tile": float(np.median(per_tile[:, k])),
                "tiles_changed": float(np.median(found[:, k, 1])),
                "structures": float(np.median(found[:, k, 2])),
                "times_2025": float(np.median(per_tick[:, k] / per_tick[:, 0])),
                "times_2025_per_tile": float(np.median(per_tile[:, k] / per_tile[:, 0])),
            }
            for k, name in enumerate(VARIANTS)
        ],
        "choosing_us": choosing_us(territory, seats, min(ticks, 1_000)),
        "map": territory.name,
        "map_size": [territory.width, territory.height],
        "seats": seats,
        "ticks": ticks,
        "rounds": rounds,
    }
    if with_processes:
        say("compilation of both editions, with empty caches (takes minutes)")
        result["compile_s"] = {edition: compile_seconds(edition) for edition in rules.EDITIONS}
    result["machine"] = machine.describe()
    return result


def lines(result: dict[str, Any]) -> list[str]:
    """Return the result as text."""
    width, height = result["map_size"]
    shown = [
        f"editions   medians of {result['rounds']} rounds of {result['ticks']:,} ticks, "
        f"{result['seats']} seats, {result['map']} ({width}x{height})"
    ]
    for each in result["variants"]:
        shown.append(
            f"           {each['us_per_tick']:10.1f} us      a tick of {each['name']}: "
            f"{each['times_2025']:.2f} times 2025, {each['times_2025_per_tile']:.2f} per tile that "
            f"changes hands ({each['tiles_changed']:,.0f}), {each['structures']:.0f} structures"
        )
    shown.append(
        f"           {result['choosing_us']:10.1f} us      choosing a city's place and an upgrade"
    )
    for edition, seconds in result.get("compile_s", {}).items():
        shown.append(f"           {seconds:10.1f} s       first compilation of {edition}")
    return [*shown, f"           on {machine.sentence(result['machine'])}"]
