"""Which arena a league plays its rated matches in: processes of this machine, or of a Ray cluster.

Promises: a cluster's nodes are asked for the program, the rules and the league's folder, and must
have those of this machine; Ray is neither imported nor needed where it is not asked for.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping

from arena.processes.jobs import Arena, RestartLimits, WorkerLimits
from arena.processes.local_arena import LocalArena
from league.config.playing import ArenaConfig, RayConfig
from league.folder.layout import LeagueFolder

ARENA_NICENESS = 5  # rated matches yield to training when both want the same core
_PLAY = "league.matches.worker:play"
_SETUP = "league.matches.worker:setup"
_CHECK = "league.matches.nodes:node_facts"


def count_workers(wanted: int | None, n_learners: int) -> int:
    """Return the number of worker processes: as set, else the cores that the learners leave."""
    if wanted is not None:
        return wanted
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, cores - n_learners)


def make_arena(
    folder: LeagueFolder, arena: ArenaConfig, n_learners: int, ray: RayConfig | None = None
) -> Arena:
    """Make an arena whose workers play rated matches with the league's snapshots and maps."""
    n_workers = count_workers(arena.n_workers, n_learners)
    settings: dict[str, object] = {
        "snapshots": folder.snapshot_place(),
        "maps": str(folder.root),
        "device": "cpu",
        "niceness": ARENA_NICENESS if n_learners else 0,
        "n_threads": arena.n_threads,
    }
    limits = WorkerLimits(
        matches_per_worker=arena.matches_per_worker,
        lease_s=arena.lease_s,
        match_limit_s=arena.match_limit_s,
        recycle_after=arena.recycle_after,
        # A member that ends its process may sit in both batches of every worker at once; it
        # takes two more deaths to find out who it is.
        restart=RestartLimits(max_deaths=max(10, 4 * n_workers), trouble_limit_s=math.inf),
    )
    if arena.engine == "ray":
        address = None if ray is None else ray.address
        return _ray_arena(n_workers, settings, limits, address)
    return LocalArena(_PLAY, n_workers, settings, setup=_SETUP, limits=limits)


def _ray_arena(
    n_workers: int, settings: Mapping[str, object], limits: WorkerLimits, address: str | None
) -> Arena:
    from arena.cluster.ray_arena import RayArena

    return RayArena(
        _PLAY,
        n_workers,
        settings,
        setup=_SETUP,
        limits=limits,
        address=address,
        check=_CHECK,
    )
