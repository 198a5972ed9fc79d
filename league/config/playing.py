"""The settings of the processes that play rated matches, and of a cluster for them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from league.config.kinds import Off, Positive, Section


class ArenaConfig(Section):
    """The processes that play rated matches."""

    n_workers: Annotated[Annotated[int, Field(ge=1, le=1_024)] | None, Off] = Field(
        default=None,
        description="Worker processes; off divides the cores between learners and arena.",
    )
    matches_per_worker: int = Field(
        default=16,
        ge=1,
        le=256,
        description="Matches of the same networks that a worker plays in lock-step, so that they "
        "share forward passes; results come when the last of them has ended.",
    )
    recycle_after: Annotated[Annotated[int, Field(ge=1)] | None, Off] = Field(
        default=2_000,
        description="Matches after which a worker is replaced, because of slow memory leaks.",
    )
    lease_s: Positive = Field(
        default=120.0,
        description="Seconds without a tick played after which a worker is killed as stuck.",
    )
    match_limit_s: Annotated[Positive | None, Off] = Field(
        default=3_600.0,
        description="Seconds that a batch of matches may take in total; off sets no limit.",
    )
    n_threads: int = Field(
        default=1,
        ge=1,
        le=256,
        description="Threads that share the game and the observations in each learner and worker; "
        "results do not depend on it. It pays where cores are idle.",
    )
    engine: Literal["local", "ray"] = Field(
        default="local",
        description="Where the workers run: local, on this machine, or ray, on the nodes of a Ray "
        "cluster (docs/howto/cluster.md).",
    )


class RayConfig(Section):
    """The Ray cluster that `arena.engine = "ray"` and `learner.engine = "ray"` use."""

    address: Annotated[str | None, Off] = Field(
        default=None,
        min_length=1,
        description="Cluster to join: auto, HOST:6379 or ray://HOST:10001; off starts one on this "
        "machine and ends it with the league.",
    )
    placement: Literal["pack", "spread", "strict_pack", "strict_spread"] = Field(
        default="pack",
        description="How the `learner.n_ranks` processes of a learner are placed: on as few nodes "
        "as there is room for, or on as many; strict waits until all find room on one node, or "
        "each on a node of its own.",
    )
