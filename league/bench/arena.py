"""Benchmark of the arena: matches per second of worker processes with scripted members.

`run_engines` plays the same matches by workers of this machine and by as many on a Ray cluster of
it, in turn, there and back.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from arena.match import MatchResult, MatchSpec
from arena.processes.jobs import Done, WorkerLimits
from arena.processes.local_arena import LocalArena
from arena.processes.supervised import SupervisedArena
from arena.territory.maps import expand_references
from league.bench import machine
from league.config.layers import resolve
from league.errors import BenchError
from league.extras import missing_engine

# Fixed, so that figures of different versions compare: not every script that there is.
_SCRIPTS = ("idle", "random", "tribe", "expander", "turtle", "opportunist")
_PLAYERS = tuple(f"scripted:{name}" for name in _SCRIPTS)


def specs(preset: str, n: int) -> list[MatchSpec]:
    """Return the specs of n matches of scripted members on the preset's maps."""
    config = resolve(preset)
    rules, views = config.rules.to_rules(), config.views.to_views()
    maps = expand_references(config.maps.rate)
    return [
        MatchSpec(
            seed=i,
            map=maps[i % len(maps)],
            agents=tuple(_PLAYERS[(i + seat) % len(_PLAYERS)] for seat in range(rules.n_seats)),
            rules=rules,
            views=views,
        )
        for i in range(n)
    ]


def _play(arena: SupervisedArena, jobs: Sequence[MatchSpec], first_id: int) -> list[MatchResult]:
    for i, spec in enumerate(jobs):
        arena.submit(first_id + i, spec)
    results: list[MatchResult] = []
    while len(results) < len(jobs):
        for outcome in arena.poll(1.0):
            if not isinstance(outcome, Done):
                raise BenchError(f"a match of the benchmark failed: {outcome.error}")
            results.append(outcome.result)
    return results


def run(
    preset: str = "small", *, workers: int = 1, matches: int = 24, per_worker: int = 4
) -> dict[str, Any]:
    """Play matches on `workers` processes; the start of the processes is not counted.

    Raises:
        BenchError: a match failed.
    """
    limits = WorkerLimits(matches_per_worker=per_worker)
    arena = LocalArena(
        "league.matches.worker:play",
        workers,
        {"snapshots": None},
        setup="league.matches.worker:setup",
        limits=limits,
    )
    with arena:
        warm = workers * per_worker
        _play(arena, specs(preset, warm), 0)
        began = time.perf_counter()
        results = _play(arena, specs(preset, matches), warm)
        seconds = time.perf_counter() - began
    ticks = sum(result.ticks for result in results)
    return {
        "preset": preset,
        "workers": workers,
        "matches_per_worker": per_worker,
        "matches": matches,
        "matches_per_s": matches / seconds,
        "ticks_per_s": ticks / seconds,
        "mean_ticks": ticks / matches,
        "machine": machine.describe(),
    }


def run_engines(
    preset: str = "small",
    *,
    workers: int = 1,
    matches: int = 64,
    per_worker: int = 16,
    rounds: int = 3,
    tell: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Play the same matches on each engine in turn: local, Ray, Ray, local, so `rounds` times.

    The start of the processes, and a first batch of each worker, are not counted. While one engine
    plays, the other's workers wait and take no time.

    Raises:
        BenchError: a match failed, or Ray is not installed.
    """
    from arena.cluster.ray_arena import RayArena

    missing = missing_engine("ray")
    if missing is not None:
        raise BenchError(missing)
    play, setup = "league.matches.worker:play", "league.matches.worker:setup"
    limits = WorkerLimits(matches_per_worker=per_worker)
    rates: dict[str, list[float]] = {"local": [], "ray": []}
    jobs, warm = specs(preset, matches), specs(preset, workers * per_worker)
    n_played = 0
    with (
        LocalArena(play, workers, {"snapshots": None}, setup=setup, limits=limits) as local,
        RayArena(play, workers, {"snapshots": None}, setup=setup, limits=limits) as ray,
    ):
        arenas: dict[str, SupervisedArena] = {"local": local, "ray": ray}
        for name, arena in arenas.items():
            tell(f"workers of engine {name} start")
            while arena.n_idle < workers:
                arena.poll(0.1)
            _play(arena, warm, n_played)
            n_played += len(warm)
        for i in range(rounds):
            tell(f"round {i + 1} of {rounds}")
            for name in ("local", "ray", "ray", "local"):
                began = time.perf_counter()
                _play(arenas[name], jobs, n_played)
                rates[name].append(matches / (time.perf_counter() - began))
                n_played += matches
    ratios = [ray / local for local, ray in zip(rates["local"], rates["ray"], strict=True)]
    return {
        "preset": preset,
        "workers": workers,
        "matches_per_worker": per_worker,
        "matches": matches,
        "arms": [
            {"engine": name, "matches_per_s": statistics.median(found), "runs": found}
            for name, found in rates.items()
        ],
        "ratios": ratios,
        "ratio": statistics.median(ratios),
        "machine": machine.describe(),
    }


def engines_lines(result: dict[str, Any]) -> list[str]:
    """Return the result of `run_engines` as text."""
    rows = [
        f"{arm['engine']:<10} {arm['matches_per_s']:10.2f} matches/s, median of {len(arm['runs'])}"
        for arm in result["arms"]
    ]
    low, high = min(result["ratios"]), max(result["ratios"])
    return [
        f"arena      preset {result['preset']}, {result['workers']} workers of "
        f"{result['matches_per_worker']} matches, {result['matches']} matches by each in turn",
        *rows,
        f"           Ray plays {result['ratio']:.2f} times as many ({low:.2f} to {high:.2f}), on "
        f"{machine.sentence(result['machine'])}",
    ]


def lines(result: dict[str, Any]) -> list[str]:
    """Return the result as text."""
    return [
        f"arena      {result['matches_per_s']:10.2f} matches/s  {result['matches']} matches of "
        f"{result['mean_ticks']:,.0f} ticks on average, {result['workers']} workers, scripted "
        f"members, preset {result['preset']}, on {machine.sentence(result['machine'])}"
    ]
