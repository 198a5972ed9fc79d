"""Which arena a league plays its rated matches in: processes of this machine, or of a Ray cluster.

Promises: a cluster's nodes are asked for the program, the rules and the league's folder or store,
and must have those of this machine; Ray is neither imported nor needed where it is not asked for.
"""

from __future__ import annotations

import math
from dataclasses import replace

from arena.cluster.bridge import Bridge
from arena.cluster.ray_arena import RayArena
from arena.machine import usable_cores
from arena.processes.jobs import Arena, RestartLimits, WorkerLimits
from arena.processes.local_arena import LocalArena
from league.config.tree import LeagueConfig
from league.folder.layout import LeagueFolder
from league.store.snapshots import PlaceOfSnapshots

ARENA_NICENESS = 5  # rated matches yield to training when both want the same core
_PLAY = "league.matches.worker:play"
_SETUP = "league.matches.worker:setup"
CHECK = "league.matches.nodes:node_facts"  # of the nodes of a cluster


def count_workers(wanted: int | None, n_learners: int) -> int:
    """Return the number of worker processes: as set, else the cores that the learners leave."""
    if wanted is not None:
        return wanted
    return max(1, usable_cores() - n_learners)


def count_ranks(config: LeagueConfig) -> int:
    """Return the number of processes of all learners."""
    return len(config.learners) * config.learner.n_ranks


def settings_of_workers(folder: LeagueFolder, config: LeagueConfig) -> dict[str, object]:
    """Return what workers are told (league.matches.worker.setup), and nodes are compared by."""
    snapshots = folder.snapshot_place()
    may_be_far = "ray" in (config.arena.engine, config.learner.engine)
    if isinstance(snapshots, PlaceOfSnapshots) and may_be_far and config.ray.address is not None:
        snapshots = replace(snapshots, is_far=True)
    return {
        "snapshots": snapshots,
        "maps": str(folder.root),
        "device": "cpu",
        "niceness": ARENA_NICENESS if config.learners else 0,
        "n_threads": config.arena.n_threads,
    }


def make_arena(
    folder: LeagueFolder, config: LeagueConfig, n_learners: int, bridge: Bridge | None = None
) -> Arena:
    """Make an arena whose workers play rated matches with the league's snapshots and maps.

    Args:
        n_learners: learners' processes on the machine of the workers.
        bridge: to the league's cluster, where its workers run on one; None makes one of their own.
    """
    arena = config.arena
    n_workers = count_workers(arena.n_workers, n_learners)
    settings = settings_of_workers(folder, config)
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
        return RayArena(
            _PLAY,
            n_workers,
            settings,
            setup=_SETUP,
            limits=limits,
            address=config.ray.address,
            check=CHECK,
            bridge=bridge,
        )
    return LocalArena(_PLAY, n_workers, settings, setup=_SETUP, limits=limits)
