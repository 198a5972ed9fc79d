"""What the daemon's loop costs: CPU a recorded match, an update, a reading of a report.

`python tests/bench/daemon_share.py [MATCHES] [--profile]`: a real manager on a real SQLite file,
with a scripted arena and scripted learners, so that the daemon's own work alone is measured. Its
share of a core is matches/s times the first number, and on a terminal the last two each second.
"""

from __future__ import annotations

import cProfile
import io
import pstats
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console

from arena.processes.jobs import Done
from league.learner.messages import Progress
from league.report.screen import report_screen
from league.report.state import StateReader
from tests.league.daemon.managed import Run
from tests.league.daemon.scripted import new_league, result

SETS = ("rules.n_seats=10", "learner.seats_per_match=2", "arena.n_workers=2")
N_NUMBERS = 28  # that a learner reports of an update


class Feed:
    """Plays matches at once, with random places."""

    def __init__(self, run: Run) -> None:
        self.run, self.n, self.updates = run, 0, 0
        self.rng = np.random.default_rng(0)

    def matches(self, n: int) -> None:
        target = self.n + n
        while self.n < target:
            self.run.turn()
            new = self.run.arena.submitted[self.n :]
            self.n += len(new)
            for job_id, spec, _ in new:
                places = tuple(int(place) + 1 for place in self.rng.permutation(10))
                self.run.arena.outcomes.append(
                    Done(job_id, replace(result(spec), placements=places))
                )
        self.run.turn()

    def update(self) -> None:
        self.updates += 1
        numbers = {f"number_{at}": float(self.rng.normal()) for at in range(N_NUMBERS)}
        met = {"scripted:tribe": (20, 9.0), "scripted:expander": (20, 5.0)}
        self.run.say(Progress(4_096 * self.updates, numbers, met, "bench", self.updates))


def ms(work: Callable[[], None], n: int) -> float:
    """Return milliseconds of CPU for one of `n` pieces of work."""
    began = time.process_time()
    work()
    return 1e3 * (time.process_time() - began) / n


def main(arguments: list[str]) -> None:
    """Measure, and print."""
    n = next((int(word) for word in arguments if word.isdigit()), 400)
    profile = cProfile.Profile() if "--profile" in arguments else None
    with (
        tempfile.TemporaryDirectory() as place,
        new_league(Path(place) / "league", *SETS) as league,
    ):
        feed = Feed(Run(league))
        feed.matches(32)
        if profile:
            profile.enable()
        match_ms = ms(lambda: feed.matches(n), n)
        update_ms = ms(lambda: [feed.update() for _ in range(50)] and None, 50)
        if profile:
            profile.disable()
        console = Console(width=120, height=40, file=io.StringIO(), force_terminal=True)
        with StateReader(league.folder) as reader:
            state = reader.read()
            read_ms = draw_ms = 0.0
            for _ in range(10):
                feed.matches(4)
                read_ms += ms(lambda: reader.read() and None, 10)
                draw_ms += ms(lambda: console.print(report_screen(state)), 10)
    print(f"a match recorded {match_ms:.1f} ms, an update {update_ms:.1f} ms of CPU")
    print(f"the report read {read_ms:.1f} ms, drawn {draw_ms:.1f} ms of CPU")
    if profile:
        pstats.Stats(profile, stream=sys.stdout).sort_stats("cumulative").print_stats(50)


if __name__ == "__main__":
    main(sys.argv[1:])
