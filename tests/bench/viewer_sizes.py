"""Sizes of the pages of matches, and the processor time that making them takes.

`python tests/bench/viewer_sizes.py` plays a match of scripts on each map and prints a table.
"""

from __future__ import annotations

import sys
import time
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from agents.registry import make_loader
from arena.match import MatchResult, MatchSpec, play_matches
from arena.replay import read_replay, write_replay
from arena.territory.engine.rules import MatchRules
from arena.territory.maps import load_map
from arena.territory.observation.views import CLASSIC_VIEWS, SMALL_VIEWS, Views
from arena.viewer.film import record_film
from arena.viewer.page import viewer_html
from arena.viewer.payload import film_payload

SCRIPTS = ("tribe", "opportunist", "expander", "turtle", "strategist")
OF_2026 = ("builder", "nation-medium", "builder", "nation-hard", "nation")
CASES: tuple[tuple[str, MatchRules, Views], ...] = (
    (
        "generated:lakes:128x128:1000",
        MatchRules(max_ticks=1500, ticks_per_decision=25),
        SMALL_VIEWS,
    ),
    ("generated:continents:128x128:1000", MatchRules(max_ticks=3000), SMALL_VIEWS),
    (
        "generated:continents:128x128:1001",
        MatchRules(max_ticks=3000, ticks_per_decision=25, edition="2026"),
        SMALL_VIEWS,
    ),
    (
        "generated:continents:256x256:1",
        MatchRules(
            max_ticks=6000,
            ticks_per_decision=25,
            edition="2026",
            crowd="tribes=55,nations-medium=24",
        ),
        SMALL_VIEWS,
    ),
    ("generated:continents:512x512:1", MatchRules(max_ticks=6000), CLASSIC_VIEWS),
    ("generated:continents:1024x1024:1", MatchRules(max_ticks=6000), CLASSIC_VIEWS),
    ("generated:highlands:1024x1024:1", MatchRules(max_ticks=12000), CLASSIC_VIEWS),
)


def measure(reference: str, rules: MatchRules, views: Views, folder: Path) -> str:
    """Return a row of the table for one map."""
    maps = lru_cache(1)(load_map)
    names = SCRIPTS if rules.edition == "2025" else OF_2026
    agents = tuple(f"scripted:{names[seat % len(names)]}" for seat in range(rules.n_seats))
    load = make_loader(None)
    terms = tuple(str(getattr(load(agent), "terms", "")) for agent in agents)
    spec = MatchSpec(1, reference, agents, rules, views, terms=terms)
    (result,) = play_matches([spec], load, maps)
    assert isinstance(result, MatchResult), result
    path = folder / "m.replay"
    write_replay(result, path)
    replay = read_replay(path)
    started = time.process_time()
    film = record_film(replay, maps)
    played = time.process_time()
    payload = film_payload(film)
    packed = time.process_time()
    page = viewer_html(payload)
    return (
        f"| {rules.edition} | {reference.removeprefix('generated:')} | {result.ticks:,} | "
        f"{len(film) - 1} | "
        f"{payload['n_frames']} | {len(page) / 1000:,.0f} kB | {played - started:.1f} s | "
        f"{packed - played:.1f} s |"
    )


def main() -> int:
    """Print the table."""
    print("| edition | map | ticks | decisions | frames | page | playing back | packing |")
    print("|---|---|---|---|---|---|---|---|")
    with TemporaryDirectory() as folder:
        for reference, rules, views in CASES:
            print(measure(reference, rules, views, Path(folder)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
