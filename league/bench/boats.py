"""What boats cost: the water of a map, where to land, ways, and their part of a match's ticks.

    python -m league.bench.boats MAP [SEATS [TICKS]]

Every seat sends a boat to a random one of its landings at each decision, which is as many boats as
there can be, and 15 % of its home troops onto neutral land. All times are processor times; parts
are measured on copies of the match and counted as often as they happen in it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from arena.territory.engine.edition_2026.coasts import find_waterways
from arena.territory.engine.edition_2026.landings import landings_of_all
from arena.territory.engine.edition_2026.waterways import ways_to
from arena.territory.engine.engine import Engine
from arena.territory.engine.rules import MatchRules
from arena.territory.maps import load_map

TICKS_PER_DECISION = 10
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


def main(arguments: Sequence[str]) -> None:
    """Print the figures of a map, after a short match that warms everything up."""
    reference = arguments[0] if arguments else "generated:islands:128x128:1"
    seats = int(arguments[1]) if len(arguments) > 1 else 10
    ticks = int(arguments[2]) if len(arguments) > 2 else 1_500
    measure(reference, seats, 50)
    figures = measure(reference, seats, ticks)
    lines = [f"boats  {reference}, {seats} seats, {ticks:,} ticks, processor time"]
    lines += [f"{value:14,.3f} {name}" for name, value in figures._asdict().items()]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
