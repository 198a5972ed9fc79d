"""Measure which unit of a head-to-head takes the fewest matches: pairs, blocks, strata.

`python tests/bench/pit_units.py A B [--seeds 400]` plays four matches per seed on the maps of rated
matches: seats A B A B ... and mirrored, and a drawn seating and mirrored. It prints the variance of
a mirrored pair over that of two matches without a mirror; of a block of four matches of one seed
over that of two pairs of two seeds; and of a pair within the kinds of map over that of all pairs.
Below 1 the former takes fewer matches, by that factor. A and B are agent specs.
"""

from __future__ import annotations

import argparse
import sys
from functools import lru_cache

import numpy as np

from agents.registry import make_loader
from arena.match import MatchResult, MatchSpec, play_matches
from arena.territory.maps import expand_references, load_map
from league.config.layers import resolve
from league.pit.draws import shuffled, stratified
from league.pit.statistics import PitMatch, match_score


def score(result: object, seats: tuple[str, ...]) -> float:
    """Return A's score of one match."""
    if not isinstance(result, MatchResult):
        raise SystemExit(f"a match failed: {result}")
    alive = tuple(tick is None for tick in result.eliminated_tick)
    return match_score(PitMatch(result.placements, seats, alive))


def play(a: str, b: str, n_seeds: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (float[seeds, 4] of A's scores, int[seeds] of kinds of map)."""
    config = resolve("small")
    groups = [
        [(kind, reference) for reference in expand_references([listed])]
        for kind, listed in enumerate(config.maps.rate)
    ]
    maps = stratified(groups)
    load, agents = lru_cache(64)(load_map), {"A": a, "B": b}
    scores, kinds = [], []
    for seed in range(1, n_seeds + 1):
        kind, reference = maps[seed % len(maps)]
        fixed = ("A", "B") * (config.rules.n_seats // 2)
        seatings = []
        for seats in (fixed, shuffled(fixed, f"bench:{seed}")):
            seatings += [seats, tuple("BA"["AB".index(side)] for side in seats)]
        specs = [
            MatchSpec(
                seed=seed,
                map=reference,
                agents=tuple(agents[side] for side in seats),
                rules=config.rules.to_rules(),
                views=config.views.to_views(),
            )
            for seats in seatings
        ]
        results = play_matches(specs, make_loader(None), load)
        scores.append([score(*each) for each in zip(results, seatings, strict=True)])
        kinds.append(kind)
    return np.array(scores), np.array(kinds)


def main(arguments: list[str]) -> int:
    """Play and print."""
    parser = argparse.ArgumentParser(description="Measure units of a head-to-head.")
    parser.add_argument("a")
    parser.add_argument("b")
    parser.add_argument("--seeds", type=int, default=400)
    given = parser.parse_args(arguments)
    scores, kinds = play(given.a, given.b, given.seeds)
    pairs = scores.reshape(-1, 2, 2).mean(axis=2)
    of_pairs = pairs.var(axis=0, ddof=1).mean()
    mirrored = of_pairs / (scores.var(axis=0, ddof=1).mean() / 2)
    block = pairs.mean(axis=1).var(ddof=1) / (of_pairs / 2)
    rest = pairs[:, 0].copy()
    for kind in np.unique(kinds):
        rest[kinds == kind] -= rest[kinds == kind].mean()
    within = (rest**2).sum() / (len(rest) - len(np.unique(kinds))) / pairs[:, 0].var(ddof=1)
    sys.stdout.write(
        f"{given.a} against {given.b}, {given.seeds} seeds, A scores {pairs.mean():.3f}, "
        f"standard deviation of a pair {of_pairs**0.5:.3f}\n"
        f"mirrored pair / two matches without a mirror: {mirrored:.2f}\n"
        f"block of four matches of one seed / two pairs of two seeds: {block:.2f}\n"
        f"pair within the kinds of map / pair: {within:.2f}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
