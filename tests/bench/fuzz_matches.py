"""Random matches on small odd maps, every count re-checked: a search for the unforeseen.

    python tests/bench/fuzz_matches.py [--matches 10000] [--first-seed 0] [--limit-s SECONDS]

Run it once per change of the engine with array bounds checked, in a cache folder of its own (the
compiled code is another one):

    NUMBA_BOUNDSCHECK=1 LEAGUE_CACHE_DIR=/tmp/checked python tests/bench/fuzz_matches.py

It prints the failing seeds and exits 1 if there are any.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from pathlib import Path

import numpy as np

from arena.territory.engine.engine import Engine
from arena.territory.maps import TerritoryMap


def bounds_are_checked() -> bool:
    """Whether the engine's compiled code notices an index behind the end of an array."""
    engine = Engine(TerritoryMap.from_terrain("probe", np.full((4, 4), 128, np.uint8)), 1, seed=0)
    events = np.zeros((8, 4), np.int32)  # the second event is written behind a slice of one
    engine.state = engine.state._replace(event_at=events[:1])
    engine.conquer(1, 0, 0)
    try:
        engine.conquer(1, 1, 0)
    except IndexError:
        return True
    return False


def main() -> int:
    parser = argparse.ArgumentParser(description="Play random matches and check every count.")
    parser.add_argument("--matches", type=int, default=10_000)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--limit-s", type=float, default=float("inf"), help="stop after this time")
    options = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from tests.arena.territory.engine.engine_checks import fuzz_match

    print(f"array bounds are {'checked' if bounds_are_checked() else 'not checked'}", flush=True)
    fuzz_match(options.first_seed)  # compile before the clock starts
    start = time.monotonic()
    failing: list[int] = []
    n_matches = n_ticks = 0
    for seed in range(options.first_seed, options.first_seed + options.matches):
        try:
            n_ticks += fuzz_match(seed)
        except Exception:  # any failure of any kind is what this looks for; go on to the next
            failing.append(seed)
            traceback.print_exc()
        n_matches += 1
        if time.monotonic() - start > options.limit_s:
            break
    wall_s = time.monotonic() - start
    print(f"{n_matches} matches, {n_ticks} ticks, {wall_s:.0f} s; failing seeds: {failing}")
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main())
