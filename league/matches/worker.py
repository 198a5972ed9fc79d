"""What a worker process of the league's arena does: load agents and maps, play matches.

`setup` runs once per process, `play` per batch of matches (arena.processes). Agents are loaded anew
for every batch, except policies, whose weights never change and which have no state: those stay in
a small cache, so that a snapshot is read and verified once per process.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from agents.registry import make_loader
from arena.agent import Agent, LoadAgent
from arena.match import LoadMap, MatchFailure, MatchResult, MatchSpec, play_matches
from arena.processes.jobs import JobError
from arena.territory.maps import TerritoryMap, load_map
from league.store.afar import folder_here, place_here
from league.store.maps import MapsHere
from league.store.snapshots import PlaceOfSnapshots
from league.store.store import StorePlace
from msattn.memory import keep_freed_memory

N_CACHED_POLICIES = 64
N_CACHED_MAPS = 64  # all that a preset trains on; generating one takes 5 ms, at 1024 x 1024 0.2 s


@dataclass(frozen=True)
class PlayContext:
    """What a worker keeps between batches."""

    load_agent: LoadAgent
    load_map: LoadMap
    n_threads: int = 1


def cached_policies(load: LoadAgent) -> LoadAgent:
    """Make a loader keep the policies of the most recent snapshots; it loads others anew."""
    policies = lru_cache(N_CACHED_POLICIES)(load)

    def load_cached(spec: str) -> Agent:
        return policies(spec) if spec.startswith("snapshot:") else load(spec)

    return load_cached


def cached_maps(base: Path | None, store: StorePlace | None = None) -> LoadMap:
    """Return a map loader that keeps the most recent maps; relative paths start at `base`.

    Args:
        store: where `base` gets the league's own maps from, on a machine without its folder.
    """
    own = None if store is None or base is None else MapsHere(store, base)

    def load(reference: str) -> TerritoryMap:
        if own is not None:
            own.bring(reference)
        return load_map(reference, base=base)

    return lru_cache(N_CACHED_MAPS)(load)


def setup(settings: dict[str, Any]) -> PlayContext:
    """Prepare a worker.

    Args:
        settings: "snapshots": folder of the snapshots, as a text, or a place with a store behind it
            (league.store.snapshots), or None; "maps": folder that relative
            map references start from, or None: both are those of the manager's machine, and where
            that may be another one (`is_far`) a folder of this one takes their place;
            "device": "cpu", "cuda", "mps" or "auto";
            "niceness": added to that of the process, so that training goes first; "n_threads":
            threads that share the game's work in each worker.
    """
    if hasattr(os, "nice"):
        os.nice(settings.get("niceness", 0))
    snapshots = settings.get("snapshots")
    if snapshots is not None:
        import torch

        # Two torch threads beside other work were 3 to 5 times slower than one.
        torch.set_num_threads(1)
        keep_freed_memory()
    maps = Path(settings["maps"]) if settings.get("maps") else None
    place = Path(snapshots) if isinstance(snapshots, str) else snapshots
    store = None
    if isinstance(place, PlaceOfSnapshots) and place.is_far and maps is not None:
        store, maps = place_here(place.store, maps), folder_here(maps)
        place = PlaceOfSnapshots(maps / "snapshots", store, is_far=True)
    load = make_loader(place, device=settings.get("device", "cpu"))
    return PlayContext(
        cached_policies(load), cached_maps(maps, store), settings.get("n_threads", 1)
    )


def play(
    context: PlayContext, specs: Sequence[MatchSpec], progress: Callable[[int], None]
) -> list[MatchResult | JobError]:
    """Play a batch in lock-step; a failed match becomes a JobError naming the agents at fault.

    Trouble of the machine is told from theirs where the league's own code loads and plays: what a
    plug-in raises, of whatever class, is its own.
    """
    outcomes = play_matches(
        specs, context.load_agent, context.load_map, progress, context.n_threads
    )
    return [
        job_error(outcome) if isinstance(outcome, MatchFailure) else outcome for outcome in outcomes
    ]


def job_error(failure: MatchFailure) -> JobError:
    """Return what a worker says of a match that failed; what a plug-in raises is its own fault."""
    foreign = any(spec.startswith("plugin:") for spec in failure.blamed)
    fault: Literal["match", "machine"] = "match" if foreign else failure.fault
    return JobError(failure.error, failure.traceback, failure.blamed, fault)
