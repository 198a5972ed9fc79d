"""What boats cost: the water of a map, where to land, ways, and their part of a match's ticks.

`league bench territory --edition 2026 --boats` prints it. Every seat sends a boat to a random one
of its landings at each decision, which is as many boats as there can be, and 15 % of its home
troops onto neutral land. All times are processor times; parts are measured on copies of the match
and counted as often as they happen in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from arena.territory.engine.edition_2026.coasts import find_waterways
from arena.territory.engine.edition_2026.landings import landings_of_all
from arena.territory.engine.edition_2026.waterways import ways_to
from arena.territory.engine.engine import Engine
from arena.territory.engine.rules import MatchRules
from arena.territory.maps import load_map
from league.bench import machine
from league.bench.territory import TICKS_PER_DECISION

_SAMPLE_EVERY = 20  # decisions
_REPEATS = 20  # of a part that is measured, whose call from Python costs more than it does


class Figures(NamedTuple):
    """What one match showed.

    Attributes:
        water_s: to find the water ways of the map, once.
        ticks_per_s: of the match, its boats included; of ticks alone, not of orders.
        boats: that were sent.
        landing_us: to find the landings of a seat in all eight directions.
        way_us: to find the way of a boat.
        way_tiles: its mean length.
        share: of the ticks' time that ways took.
    """

    water_s: float
    ticks_per_s: float
    boats: int
    landing_us: float
    way_us: float
    way_tiles: float
    share: float


def measure(reference: str, seats: int, ticks: int, seed: int = 0) -> Figures:
    """Play one match and return its figures."""
    territory = load_map(reference)
    began = time.process_time()
    find_waterways(territory, territory.passable)
    water_s = time.process_time() - began
    rules = MatchRules(n_seats=seats, max_ticks=ticks + 1, edition="2026")
    engine = Engine.new_match(territory, rules, seed)
    engine.never_end()
    engine.run(1)
    rng = np.random.default_rng(seed)
    copy = engine.clone(None)
    landings = np.zeros((seats + 1, 8), np.int64)
    _sample(copy, landings)  # compiles or loads what is measured
    spent, boats = 0.0, 0
    samples: list[tuple[float, float, int, int]] = []
    for decision in range(ticks // TICKS_PER_DECISION):
        boats += _send(engine, landings, rng)
        if decision % _SAMPLE_EVERY == 1:
            samples.append(_sample(engine.clone(None, into=copy), landings))
        began = time.process_time()
        engine.run(TICKS_PER_DECISION)
        spent += time.process_time() - began
    landing_s, way_s, n_ways, n_tiles = (sum(column) for column in zip(*samples, strict=True))
    way_us = 1e6 * way_s / max(n_ways, 1)
    return Figures(
        water_s=water_s,
        ticks_per_s=ticks / spent,
        boats=boats,
        landing_us=1e6 * landing_s / (len(samples) * seats),
        way_us=way_us,
        way_tiles=n_tiles / max(n_ways, 1),
        share=1e-6 * way_us * boats / spent,
    )


def _send(engine: Engine, landings: np.ndarray, rng: np.random.Generator) -> int:
    """Give the orders of one decision; return the number of boats sent."""
    stride = int(engine.state.shape[2])
    landings_of_all(engine.state, landings)
    n = 0
    for p in range(1, engine.n_players + 1):
        home = int(engine.troops[p - 1])
        engine.order(p, 0, 0.15 * home)
        reachable = landings[p][landings[p] >= 0]
        if len(reachable):
            tile = int(rng.choice(reachable))
            engine.boat(p, tile % stride - 1, tile // stride - 1, float(home // 5))
            n += 1
    return n


def _sample(engine: Engine, landings: np.ndarray) -> tuple[float, float, int, int]:
    """Return the seconds for all seats' landings and for their ways, and the ways and their tiles.

    Args:
        engine: a copy, whose boats are lost by this.
    """
    engine.state.boats[:] = 0
    landings_of_all(engine.state, landings)
    began = time.process_time()
    for _ in range(_REPEATS):
        landings_of_all(engine.state, landings)
    landing_s = (time.process_time() - began) / _REPEATS
    way_s, n_ways, n_tiles = 0.0, 0, 0
    for p in range(1, engine.n_players + 1):
        tiles = np.repeat(landings[p][landings[p] >= 0], _REPEATS)
        found = np.zeros((len(tiles), 2), np.int64)
        began = time.process_time()
        ways_to(engine.state, p, tiles, False, found)
        way_s += (time.process_time() - began) / _REPEATS
        n_ways += len(tiles) // _REPEATS
        n_tiles += int(found[::_REPEATS, 1].sum())
    return landing_s, way_s, n_ways, n_tiles


def run(
    reference: str,
    *,
    seats: int = 10,
    ticks: int = 3_000,
    runs: int = 5,
    tell: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Play matches of one map and return the median of each figure.

    Args:
        reference: map folder, PNG or generated:...; `load_map` takes it.
        runs: seeds, each a match.
        tell: called with what is being measured.
    """
    say = tell or (lambda text: None)
    territory = load_map(reference)
    say("loading the compiled code")
    measure(reference, seats, 5 * TICKS_PER_DECISION)
    say(f"{runs} matches of {ticks:,} ticks with boats")
    found = [measure(reference, seats, ticks, seed) for seed in range(runs)]
    return {
        **{name: median(getattr(each, name) for each in found) for name in Figures._fields},
        "map": territory.name,
        "map_size": [territory.width, territory.height],
        "seats": seats,
        "ticks": ticks,
        "runs": runs,
        "machine": machine.describe(),
    }


def lines(result: dict[str, Any]) -> list[str]:
    """Return the result as text."""
    width, height = result["map_size"]
    shown = [
        ("water_s", "s       the water ways of the map, once"),
        ("ticks_per_s", "ticks/s a match with its boats, without its orders"),
        ("boats", "boats   sent in a match"),
        ("landing_us", "us      a seat's landings in all directions"),
        ("way_us", "us      the way of a boat"),
        ("way_tiles", "tiles   its mean length"),
    ]
    return [
        f"boats      medians of {result['runs']} matches of {result['ticks']:,} ticks, "
        f"{result['seats']} seats, {result['map']} ({width}x{height}), processor time",
        *(f"           {result[name]:10,.2f} {text}" for name, text in shown),
        f"           {100 * result['share']:10,.2f} %       of the ticks' time is ways",
        f"           on {machine.sentence(result['machine'])}",
    ]
