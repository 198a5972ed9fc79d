"""Benchmark of the arena: matches per second of worker processes with scripted members."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from arena.match import MatchResult, MatchSpec
from arena.processes.jobs import Done, WorkerLimits
from arena.processes.local_arena import LocalArena
from arena.territory.maps import expand_references
from league.bench import machine
from league.config.layers import resolve
from league.errors import BenchError

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


def _play(arena: LocalArena, jobs: Sequence[MatchSpec], first_id: int) -> list[MatchResult]:
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


def lines(result: dict[str, Any]) -> list[str]:
    """Return the result as text."""
    return [
        f"arena      {result['matches_per_s']:10.2f} matches/s  {result['matches']} matches of "
        f"{result['mean_ticks']:,.0f} ticks on average, {result['workers']} workers, scripted "
        f"members, preset {result['preset']}, on {machine.sentence(result['machine'])}"
    ]
