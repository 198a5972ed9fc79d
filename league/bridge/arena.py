"""Owns the arena whose workers play in the original engine: a process of it beside each worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from arena.processes.jobs import Arena, WorkerLimits
from arena.processes.local_arena import LocalArena
from league.bridge.checkout import Bundle
from league.pit.play import MakeArena

# A step takes milliseconds, but a map of millions of tiles a minute to load, without a tick; the
# engine's process has its own limit, ANSWER_LIMIT_S, which is to be the first to say something.
LIMITS = WorkerLimits(matches_per_worker=4, lease_s=600.0)


def bridged_arena(bundle: Bundle, without: Sequence[str] = ()) -> MakeArena:
    """Return what makes an arena whose workers play in the original engine.

    Args:
        without: what players cannot build there, and "alliances".
    """
    bridge = {
        "command": bundle.command,
        "edition": bundle.checkout.edition,
        "without": tuple(without),
    }

    def make(n_workers: int, settings: Mapping[str, Any]) -> Arena:
        return LocalArena(
            "league.bridge.worker:play",
            n_workers,
            {**settings, "bridge": bridge},
            setup="league.bridge.worker:setup",
            limits=LIMITS,
        )

    return make
