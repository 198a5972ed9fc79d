"""Play seats among a crowd: who wins the whole game, and what the crowd costs.

    PYTHONPATH=. python tests/bench/crowd.py [--map MAP] [--crowd tribes=100] [--matches 3] ...

The same seats and seeds with the crowd and without it, in turn, in this process: processor time of
whole matches (the agents included), their ratio per pair and its median. Of the matches with the
crowd it prints for each agent its mean place in the whole game and its share of whole games won.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from functools import lru_cache
from statistics import fmean, median

from agents.in_tick import terms_of
from agents.registry import make_loader
from arena.match import MatchResult, MatchSpec, play_matches
from arena.territory.engine.rules import MatchRules
from arena.territory.maps import load_map
from arena.territory.observation.views import SMALL_VIEWS

SEATS = "expander,tribe,opportunist,strategist,turtle"


def main(words: list[str]) -> int:
    """Print a line per seed, the ratio and the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--map", default="generated:continents:512x512:3")
    parser.add_argument("--crowd", default="tribes=100")
    parser.add_argument("--edition", default="2026")
    parser.add_argument("--seats", default=SEATS, help="scripted agents, in turn")
    parser.add_argument("--n-seats", type=int, default=10)
    parser.add_argument("--ticks", type=int, default=3_000)
    parser.add_argument("--matches", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(words)
    names = asked.seats.split(",")
    agents = tuple(f"scripted:{names[i % len(names)]}" for i in range(asked.n_seats))
    load = lru_cache(4)(load_map)

    def rules(crowd: str) -> MatchRules:
        return MatchRules(asked.ticks, 25, asked.n_seats, asked.edition, crowd)

    def play(seed: int, crowd: str) -> tuple[float, MatchResult]:
        spec = MatchSpec(
            seed,
            asked.map,
            agents,
            rules(crowd),
            SMALL_VIEWS.of_edition(asked.edition),
            terms=terms_of(agents),
        )
        began = time.process_time()
        (found,) = play_matches([spec], make_loader(), load)
        if not isinstance(found, MatchResult):
            raise SystemExit(found.error)
        return time.process_time() - began, found

    play(asked.seed, "")  # compiles, or loads what is compiled
    return _report(asked, play)


def _report(
    asked: argparse.Namespace, play: Callable[[int, str], tuple[float, MatchResult]]
) -> int:
    ratios: list[float] = []
    places: dict[str, list[int]] = defaultdict(list)
    won: dict[str, int] = defaultdict(int)
    for seed in range(asked.seed, asked.seed + asked.matches):
        alone_s, alone = play(seed, "")
        full_s, full = play(seed, asked.crowd)
        per_tick = [1e3 * s / r.ticks for s, r in ((alone_s, alone), (full_s, full))]
        ratios.append(per_tick[1] / per_tick[0])
        sys.stdout.write(
            f"seed {seed}: {per_tick[0]:.3f} ms a tick alone ({alone.ticks} ticks), "
            f"{per_tick[1]:.3f} with the crowd ({full.ticks}), {ratios[-1]:.2f} times\n"
        )
        for spec, place in zip(full.spec.agents, full.places_in_crowd, strict=True):
            places[spec].append(place)
            won[spec] += place == 1
    sys.stdout.write(f"median ratio {median(ratios):.2f} of {len(ratios)} pairs\n")
    for spec in sorted(places, key=lambda spec: fmean(places[spec])):
        n_seats = len(places[spec]) / asked.matches
        sys.stdout.write(
            f"{spec:<28} mean place {fmean(places[spec]):6.1f} in the whole game, won "
            f"{won[spec] / asked.matches:.2f} of the matches with {n_seats:.0f} seats\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
