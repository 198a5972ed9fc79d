"""The messages between the league's process and the driver: frozen and picklable.

A worker, which may be any child of a host, is named by a key that the league's process gives it, a
new one for each start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Signal = Literal["hang_up", "terminate", "kill"]
RUN_WORKER = "arena.processes.worker:run_worker"


@dataclass(frozen=True)
class DriverOrders:
    """What a driver is told when it starts.

    Attributes:
        address: of the cluster to join, in Ray's words; None starts one on this machine.
        n_cpus: workers that the cluster of this machine has room for.
        folder: where the cluster of this machine keeps its files; None leaves it to Ray.
        check, settings: "module:function" that returns facts from `settings`, which must be equal
            on all nodes, and here (arena.cluster.nodes).
        is_known: this address was joined before: that nobody answers there passes.
        imports: environment variables by which a Python imports what this one does.
    """

    address: str | None
    n_cpus: int
    folder: str | None = None
    check: str | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    is_known: bool = False
    imports: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Room:
    """What a group of processes needs of the cluster: a bundle for each, all of them or none.

    Attributes:
        group: key of the group; its place is made for the first of its processes that is started.
        size: number of its processes, of which this is number `index`.
        n_cpus: of Ray, for each process.
        gpus: "on" gives each a GPU of Ray, and waits for one; "auto" does so where the cluster has
            any, and lets `n_sharing` processes have equal shares where it has fewer.
        n_sharing: processes of all groups that want a GPU.
        strategy: of Ray: PACK, SPREAD, STRICT_PACK or STRICT_SPREAD.
    """

    group: int
    index: int = 0
    size: int = 1
    n_cpus: int = 1
    gpus: Literal["off", "auto", "on"] = "off"
    n_sharing: int = 1
    strategy: str = "PACK"


@dataclass(frozen=True)
class LaunchWorker:
    """Start a worker on some node.

    Attributes:
        name, orders, log_level: of the worker.
        target: "module:function" that runs in it (arena.processes.launch.Target).
        preload: modules that its host imports first.
        room: of its group; None for one that runs wherever there is a CPU.
    """

    key: int
    name: str
    orders: Any
    log_level: int
    target: str = RUN_WORKER
    preload: tuple[str, ...] = ()
    room: Room | None = None


@dataclass(frozen=True)
class ToWorker:
    """Send a message to a worker."""

    key: int
    message: object


@dataclass(frozen=True)
class SignalWorker:
    """Close the worker's pipe, or send it SIGTERM or SIGKILL."""

    key: int
    signal: Signal


@dataclass(frozen=True)
class Leave:
    """End all workers and leave the cluster; one that was started here ends."""


@dataclass(frozen=True)
class Joined:
    """The driver has joined the cluster, and its nodes are as they should be."""

    text: str


@dataclass(frozen=True)
class Refused:
    """The driver does not use this cluster; the sentence says why, and what to do."""

    why: str


@dataclass(frozen=True)
class WorkerPlaced:
    """A worker has a place, and its process is starting there."""

    key: int
    pid: int
    node: str


@dataclass(frozen=True)
class FromWorker:
    """What a worker sent, in order."""

    key: int
    messages: tuple[object, ...]


@dataclass(frozen=True)
class WorkerExited:
    """A worker's process has exited; `output` is the end of what it wrote."""

    key: int
    exit_code: int | None
    output: str


@dataclass(frozen=True)
class WorkerLost:
    """A worker is gone with its node or host; `reason` is a predicate to its name."""

    key: int
    reason: str
