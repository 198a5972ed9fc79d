"""Benchmark of the game: ticks, single ticks, clones, observations, memory, compilation, threads.

A match here has ten seeded bots of the engine on seeded spawns and never ends before its last tick:
the scenario in which the original engine reaches 670 ticks per second.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from arena.processes.scratch import ScratchFolder
from arena.territory.engine.engine import Engine
from arena.territory.engine.rules import EDITIONS
from arena.territory.engine.spawns import choose_spawns
from arena.territory.maps import TerritoryMap, load_map
from arena.territory.observation import observation as obs
from arena.territory.observation.views import (
    CLASSIC_VIEWS,
    OBSERVATION_VERSION,
    SMALL_VIEWS,
    Views,
)
from league.bench import machine

TICKS_PER_DECISION = 10
VERSIONS = EDITIONS["2025"].observation_versions  # tests/bench/observe_2026.py has that of 2026
# Ten seats, as in a league's match; every bot is observed.
_VIEWS = {"small": SMALL_VIEWS, "classic": CLASSIC_VIEWS}
_SMALL_MAP = "generated:continents:128x128:0"  # a map of preset small, for its views
_CLASSIC_SIDE = 512  # tiles; larger maps are for the views of preset classic


def new_match(territory: TerritoryMap, bots: int, seed: int, grid: int = 32) -> Engine:
    """Return a match of seeded bots at tick 0."""
    engine = Engine(territory, bots, seed=seed, grid=grid)
    engine.never_end()
    for p, (x, y) in enumerate(choose_spawns(territory, bots, seed), start=1):
        engine.place(p, kind="bot", spawn=(int(x), int(y)))
        engine.make_seeded_bot(p)
    return engine


def ticks_per_s(territory: TerritoryMap, bots: int, ticks: int, seed: int) -> float:
    """Return the ticks per second of one whole match."""
    engine = new_match(territory, bots, seed)
    began = time.perf_counter()
    engine.run(ticks)
    return ticks / (time.perf_counter() - began)


def tick_milliseconds(territory: TerritoryMap, bots: int, ticks: int) -> np.ndarray:
    """Return the time of every tick including the call from Python, float64[ticks], in ms."""
    engine = new_match(territory, bots, 0)
    spent = np.empty(ticks)
    for tick in range(ticks):
        began = time.perf_counter()
        engine.run(1)
        spent[tick] = time.perf_counter() - began
    return spent * 1000.0


def observations_per_s(
    territory: TerritoryMap, bots: int, ticks: int, views: Views
) -> dict[int, float]:
    """Return observations of living seats per second of processor time, by observation version.

    Facts and masks are included. All versions look at each decision of one match, in turn, so that
    other work on the machine slows them alike.
    """
    engine = new_match(territory, bots, 0, views.global_size)
    kinds = [replace(views, observation_version=version) for version in VERSIONS]
    scratches = [obs.make_scratch(engine.state, kind) for kind in kinds]
    buffers = [obs.empty_views(bots, kind) for kind in kinds]
    facts = obs.empty_facts(bots)
    rows = np.arange(bots, dtype=np.int64)
    n_seen, spent = 0, np.zeros(len(kinds))
    for decision in range(ticks // TICKS_PER_DECISION):
        engine.run(TICKS_PER_DECISION)
        living = np.where(engine.tiles > 0, rows, -1)
        for k in np.roll(range(len(kinds)), decision):  # the first to look warms the caches
            began = time.thread_time()
            obs.observe_facts(engine.state, scratches[k], living, ticks, facts)
            obs.observe(engine.state, scratches[k], living, ticks, facts.mask, buffers[k])
            if decision > 0:  # the first call loads the compiled code
                spent[k] += time.thread_time() - began
        if decision > 0:
            n_seen += int((living >= 0).sum())
    return {
        kind.observation_version: n_seen / max(float(seconds), 1e-9)
        for kind, seconds in zip(kinds, spent, strict=True)
    }


def clone_ms(territory: TerritoryMap, bots: int, ticks: int) -> float:
    """Return the processor time of `Engine.clone` in the middle of a match, ms: the median of 50.

    Each clone is written into the same engine, as a planner does it.
    """
    engine = new_match(territory, bots, 0)
    engine.run(ticks // 2)
    clone = engine.clone(0)
    spent = []
    for seed in range(50):
        began = time.process_time()
        engine.clone(seed, into=clone)
        spent.append((time.process_time() - began) * 1000.0)
    return machine.middle(spent)


def threads_scaling(territory: TerritoryMap, bots: int, ticks: int) -> tuple[float, float]:
    """Compare two matches on two threads with the same two one after the other.

    Returns:
        By wall time: 2 is perfect, 1 means that the GIL was held or that no second core was free.
        By processor time: 2 is perfect, less shows how much the matches slow each other (shared
        caches, memory); other work on the machine hardly affects it.
    """

    def seconds(seeds: tuple[int, ...]) -> tuple[float, float]:
        spent = [0.0] * len(seeds)

        def play(at: int, engine: Engine) -> None:
            began = time.thread_time()
            engine.run(ticks)
            spent[at] = time.thread_time() - began

        threads = [
            threading.Thread(target=play, args=(at, new_match(territory, bots, seed)))
            for at, seed in enumerate(seeds)
        ]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - began, sum(spent)

    # Matches differ in length, so both are timed alone; five rounds, because other work disturbs.
    wall, processor = [], []
    for _ in range(5):
        alone = [sum(times) for times in zip(seconds((0,)), seconds((1,)), strict=True)]
        together = seconds((0, 1))
        wall.append(alone[0] / together[0])
        processor.append(2.0 * alone[1] / together[1])
    return machine.middle(wall), machine.middle(processor)


_MEMORY = """
import gc, json, sys
from league.bench import machine, territory
from arena.territory.maps import load_map
tested = load_map(sys.argv[1])
warm = load_map("generated:continents:64x64:1")
territory.new_match(warm, 4, 0).run(50)
territory.choose_spawns(tested, int(sys.argv[2]), 0)
gc.collect()
before = machine.resident_bytes()
engine = territory.new_match(tested, int(sys.argv[2]), 0)
engine.run(int(sys.argv[3]))
gc.collect()
print(json.dumps({"memory_mb": (machine.resident_bytes() - before) / 1e6}))
"""

_START = """
import json, time
began = time.perf_counter()
from arena.territory.observation.warm_up import warm_up
warm_up()
print(json.dumps({"seconds": time.perf_counter() - began}))
"""


def memory_mb(reference: str, bots: int, ticks: int) -> float:
    """Return the memory that a match adds when map and code are loaded, MB of 10^6 bytes."""
    found = machine.in_fresh_process(_MEMORY, reference, str(bots), str(ticks))
    return float(found["memory_mb"])


def compile_seconds() -> tuple[float, float]:
    """Return the seconds of import and `warm_up` with an empty code cache, and with a full one."""
    with ScratchFolder("league-bench-") as folder:
        environment = {"LEAGUE_CACHE_DIR": str(folder)}
        cold = machine.in_fresh_process(_START, environment=environment)["seconds"]
        warm = machine.in_fresh_process(_START, environment=environment)["seconds"]
    return float(cold), float(warm)


def run(
    reference: str,
    *,
    bots: int = 10,
    ticks: int = 3_000,
    runs: int = 5,
    tell: Callable[[str], None] | None = None,
    with_processes: bool = True,
) -> dict[str, Any]:
    """Measure everything on one map.

    Args:
        reference: map folder, PNG or generated:...; `load_map` takes it.
        runs: whole matches, one seed each; the median is reported.
        tell: called with what is being measured.
        with_processes: also measure memory and compilation, in fresh processes; takes a minute.
    """
    say = tell or (lambda text: None)
    reference = str(Path(reference).resolve()) if Path(reference).exists() else reference
    territory = load_map(reference)
    say("loading the compiled code")
    for views in _VIEWS.values():
        observations_per_s(territory, bots, 2 * TICKS_PER_DECISION, views)
    say(f"{runs} whole matches")
    speeds = [ticks_per_s(territory, bots, ticks, seed) for seed in range(runs)]
    say("single ticks")
    single = tick_milliseconds(territory, bots, ticks)
    say("clones")
    cloned = {"small": clone_ms(load_map(_SMALL_MAP), bots, ticks)}
    cloned["this map"] = clone_ms(territory, bots, ticks)
    say("observations")
    maps = {"small": load_map(_SMALL_MAP), "classic": territory}
    by_version = {
        name: observations_per_s(maps[name], bots, ticks, views) for name, views in _VIEWS.items()
    }
    own = "classic" if max(territory.width, territory.height) >= _CLASSIC_SIDE else "small"
    if own == "small":
        by_version["small, this map"] = observations_per_s(territory, bots, ticks, SMALL_VIEWS)
    seen = {name: found[OBSERVATION_VERSION] for name, found in by_version.items()}
    say("two threads")
    scaling, processor_scaling = threads_scaling(territory, bots, ticks)
    result: dict[str, Any] = {
        "ticks_per_s": machine.middle(speeds),
        "ticks_per_s_runs": speeds,
        "tick_p99_ms": float(np.percentile(single, 99)),
        "tick_median_ms": float(np.median(single)),
        "clone_ms": cloned["this map"],
        "clone_ms_small": cloned["small"],
        "seat_observations_per_s": seen[own],
        "seat_observations_per_s_by_views": seen,
        "seat_observations_per_s_by_version": {
            name: {str(version): speed for version, speed in found.items()}
            for name, found in by_version.items()
        },
        "threads_scaling": scaling,
        "threads_scaling_processor_time": processor_scaling,
        "map": territory.name,
        "map_size": [territory.width, territory.height],
        "bots": bots,
        "ticks": ticks,
        "runs": runs,
    }
    if with_processes:
        say("memory of a match, in a fresh process")
        result["memory_mb"] = memory_mb(reference, bots, ticks)
        say("compilation, with an empty cache (takes half a minute)")
        result["compile_s"], result["warm_start_s"] = compile_seconds()
    result["machine"] = machine.describe()
    return result


def lines(result: dict[str, Any]) -> list[str]:
    """Return the result as text."""
    width, height = result["map_size"]
    seen = result["seat_observations_per_s_by_version"]
    shown = [
        f"territory  {result['ticks_per_s']:10,.0f} ticks/s  median of {result['runs']} matches of "
        f"{result['ticks']:,} ticks, {result['bots']} bots, {result['map']} ({width}x{height})",
        f"           {result['tick_p99_ms']:10.2f} ms      99th percentile of a tick (median "
        f"{result['tick_median_ms']:.2f})",
        f"           {result['clone_ms']:10.2f} ms      a clone of the engine in mid-match "
        f"({result['clone_ms_small']:.2f} on 128x128)",
        *(
            f"           {speed:10,.0f} /s      seat observations, {name} views, version {version}"
            for name, speeds in seen.items()
            for version, speed in speeds.items()
        ),
        f"           {result['threads_scaling']:10.2f} times   two matches on two threads "
        f"({result['threads_scaling_processor_time']:.2f} by processor time)",
    ]
    if "memory_mb" in result:
        shown += [
            f"           {result['memory_mb']:10.1f} MB      memory of a match",
            f"           {result['compile_s']:10.1f} s       first compilation, "
            f"{result['warm_start_s']:.2f} s start with a warm cache",
        ]
    return [*shown, f"           on {machine.sentence(result['machine'])}"]
