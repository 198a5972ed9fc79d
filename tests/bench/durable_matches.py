"""What it costs that results survive a power cut: rated matches per second with and without.

`python tests/bench/durable_matches.py [SECONDS] [ROUNDS]` plays matches of 200 ticks on 64 x 64
tiles (many results a second, so that the cost shows) on two workers, by turns with all waits for
the disk and without any. It prints the rates, their means, and how long the replays of a match
waited. The league lies in the current folder: its disk is measured.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

from db.session import write_transaction
from league.daemon.arenas import make_arena
from league.daemon.matches import RatedMatches
from league.daemon.planner import MatchSettings
from league.members import admission
from league.rating.season import Season
from tests.league.daemon.scripted import new_league

N_WORKERS = 2
BATCH = 8
SETS = (
    "rules.max_ticks=200",
    f"arena.n_workers={N_WORKERS}",
    f"arena.matches_per_worker={BATCH}",
    "rating.canary_share='off'",
)


def matches_per_s(root: Path, seconds: float, *, durable: bool) -> float:
    """Play rated matches for a while, from the first result on; return how many a second."""
    with new_league(root, *SETS) as league:
        season = Season.of(league.config.to_json())
        engine = league.engine if durable else league.engine.execution_options(durable=False)
        with write_transaction(engine) as session:
            admission.admit_scripted(session, league.config.rating.anchors, season)
        settings = MatchSettings.of(league.config, N_WORKERS)
        arena = make_arena(league.folder, league.config.arena, 0)
        rated = RatedMatches(league.folder, settings, engine, season, arena, [])
        while not any(league.folder.replays.iterdir()):  # the workers come up
            rated.turn(0.2)
        n_before, begun = _n_replays(league.folder.replays), time.perf_counter()
        while time.perf_counter() < begun + seconds:
            rated.turn(0.2)
        rate = (_n_replays(league.folder.replays) - n_before) / (time.perf_counter() - begun)
        rated.close(0.0)
        return rate


def _n_replays(folder: Path) -> int:
    return sum(1 for _ in folder.iterdir())


def main(arguments: list[str]) -> int:
    """Measure by turns; print a line for each, then the means."""
    seconds = float(arguments[0]) if arguments else 15.0
    rounds = int(arguments[1]) if len(arguments) > 1 else 3
    sync = os.fsync
    waited_s, n_durable = 0.0, 0.0

    def timed(handle: int) -> None:
        nonlocal waited_s
        at = time.perf_counter()
        sync(handle)
        waited_s += time.perf_counter() - at

    rates: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(rounds):
        for durable in (True, False) if turn % 2 else (False, True):
            wait = timed if durable else lambda handle: None
            with (
                tempfile.TemporaryDirectory(dir=Path.cwd()) as folder,
                mock.patch("arena.files.os.fsync", wait),
            ):
                rate = matches_per_s(Path(folder) / "league", seconds, durable=durable)
            rates[durable].append(rate)
            n_durable += rate * seconds if durable else 0
            name = "durable" if durable else "without"
            sys.stdout.write(f"{name}  {rate:6.1f} matches/s\n")
            sys.stdout.flush()
    with_it, without = (sum(rates[key]) / rounds for key in (True, False))
    sys.stdout.write(
        f"mean: {with_it:.1f} matches/s durable, {without:.1f} without "
        f"({100 * (with_it / without - 1):+.1f} %); the replays of a match waited "
        f"{1000 * waited_s / n_durable:.2f} ms for the disk\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
