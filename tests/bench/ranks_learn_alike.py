"""Do one and two ranks learn alike? Trains both from several seeds, as a league starts them.

    python tests/bench/ranks_learn_alike.py --decisions 100000 --seeds 3

Every arm has the same total of matches, rollout and minibatch, meets the same five scripts, and is
compared by decisions, not by time. Prints the mean placement in the training matches of each fifth
of the run, with the spread over the seeds (standard deviation), and the entropy and KL beside it.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import time
from pathlib import Path
from typing import Any

from arena.processes.scratch import ScratchFolder
from arena.processes.supervisor import Process
from league.bench.company import SCRIPTS
from league.bench.learner import make_orders
from league.config.layers import resolve
from league.config.toml import write_toml
from league.daemon.learners import launch_learner
from league.folder.layout import create_folder
from league.learner.messages import Progress, Ready, Roster, Stop
from league.matchmaking.opponents import Foe

SHOWN = ("placement_mean", "entropy", "kl", "explained_variance")
PARTS = 5
SILENCE_S = 600.0


def train(root: Path, n_ranks: int, seed: int, asked: argparse.Namespace) -> list[dict[str, Any]]:
    """Train one lineage for so many decisions; return the numbers of its updates."""
    config = resolve(asked.preset, None, (*asked.set, f"learner.n_ranks={n_ranks}", f"seed={seed}"))
    folder = create_folder(root, write_toml(config))
    folder.logs.mkdir(exist_ok=True)
    orders = make_orders(folder.root, config, asked.family, seed=seed)
    specs = dict(enumerate(f"scripted:{name}" for name in SCRIPTS))
    foes = tuple(Foe(i, 0.5, role="anchor") for i in specs)
    process: Process = launch_learner(folder.logs)("bench", orders)
    updates: list[dict[str, Any]] = []
    heard_at = time.monotonic()
    try:
        while not updates or updates[-1]["decisions"] < asked.decisions:
            for message in process.poll():
                heard_at = time.monotonic()
                if isinstance(message, Ready):
                    process.send(Roster(foes, specs, ()))
                elif isinstance(message, Progress) and message.numbers:
                    numbers = {k: message.numbers[k] for k in SHOWN if k in message.numbers}
                    updates.append({"decisions": message.trained_decisions, **numbers})
            if process.has_ended or time.monotonic() - heard_at > SILENCE_S:
                raise SystemExit(f"{n_ranks} ranks, seed {seed}: {process.last_output()}")
            time.sleep(0.05)
        process.send(Stop())
        process.join(60.0)
    finally:
        process.kill()
        process.close(5.0)
    return updates


def parts(updates: list[dict[str, Any]], decisions: int, name: str) -> list[float]:
    """Return the mean of a number in each fifth of the run."""
    bins: list[list[float]] = [[] for _ in range(PARTS)]
    for update in updates:
        if name in update:
            at = min(PARTS - 1, (update["decisions"] - 1) * PARTS // decisions)
            bins[at].append(update[name])
    return [statistics.fmean(found) if found else float("nan") for found in bins]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--decisions", type=int, default=100_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--preset", default="small")
    parser.add_argument("--family", default="baseline")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--json", type=Path, help="also write all updates to this file")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    found: dict[int, list[list[dict[str, Any]]]] = {n: [] for n in asked.ranks}
    with ScratchFolder("league-bench-") as place:
        for seed in range(asked.seeds):
            for n in asked.ranks if seed % 2 == 0 else asked.ranks[::-1]:
                began = time.monotonic()
                found[n].append(train(place / f"{n}-{seed}", n, seed, asked))
                print(f"{n} ranks, seed {seed}: {time.monotonic() - began:.0f} s", flush=True)
    for name in SHOWN:
        print(name)
        for n, runs in found.items():
            columns = zip(*(parts(run, asked.decisions, name) for run in runs), strict=True)
            cells = [
                f"{statistics.fmean(c):7.3f} +- {statistics.stdev(c) if len(c) > 1 else 0.0:.3f}"
                for c in columns
            ]
            print(f"  {n} ranks  " + "  ".join(cells))
    if asked.json is not None:
        asked.json.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
