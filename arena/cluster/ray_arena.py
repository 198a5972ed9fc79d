"""Owns RayArena: workers on the nodes of a Ray cluster, with LocalArena's interface.

Promises: those of arena.processes.supervised. A worker that is lost with its node, its host or the
whole cluster is trouble of the machine: its jobs come back as `Failed` with fault "machine", nobody
is blamed, and a worker starts anew where there is room. A cluster that cannot be used as it is
raises `ArenaStopped` with a sentence. One that was started here leaves no process behind; one that
was joined is never ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from arena.cluster.bridge import Bridge, folder_for_ray
from arena.cluster.messages import DriverOrders
from arena.processes.jobs import News, WorkerLimits
from arena.processes.scratch import ScratchFolder
from arena.processes.supervised import SupervisedArena, check_arguments
from arena.processes.supervisor import Process
from arena.processes.worker import WorkerOrders
from arena.processes.workplace import Workplace


class RayArena(SupervisedArena):
    """Workers on the nodes of a Ray cluster (an `arena.processes.jobs.Arena`).

    Args:
        play, n_workers, settings, setup, limits: as of `LocalArena`; the time limit of a start
            begins when a worker has a place.
        address: of a cluster to join ("auto", "host:6379", "ray://host:10001"); None starts one
            on this machine, with room for the workers.
        check: "module:function"; what it returns from `settings`, names and values, must be the
            same here and on every node.
        bridge: one that others use too, and close; None makes one of this arena's own.

    Raises:
        WorkerError: an argument is malformed.
    """

    def __init__(
        self,
        play: str,
        n_workers: int,
        settings: Mapping[str, object] | None = None,
        *,
        setup: str | None = None,
        limits: WorkerLimits | None = None,
        address: str | None = None,
        check: str | None = None,
        bridge: Bridge | None = None,
    ) -> None:
        check_arguments(play, n_workers, settings, setup)
        limits = limits or WorkerLimits()
        self._folder = ScratchFolder("league-ray-")
        self._own = bridge is None
        if bridge is None:
            driver = DriverOrders(
                address=address,
                n_cpus=n_workers,
                folder=folder_for_ray(self._folder.path),
                check=check,
                settings=dict(settings or {}),
            )
            bridge = Bridge(driver, self._folder.path, limits.start_limit_s)
        self.bridge = bridge
        orders = WorkerOrders(play, setup, dict(settings or {}))
        preload = [play.partition(":")[0]]

        def start(index: int) -> Process:
            return self.bridge.launch(f"arena-{index}", orders, preload=preload)

        super().__init__(start, n_workers, limits, placed_later=True)

    def take_news(self) -> list[News]:
        """Return what happened to the cluster since the last call."""
        return self.bridge.take_news()

    def close(self, grace_s: float = 2.0) -> None:
        """End all workers: SIGTERM now, SIGKILL after `grace_s`. Open jobs are forgotten."""
        if not self._closed:
            super().close(grace_s)
            if self._own:
                self.bridge.close(grace_s)
        self._folder.close()

    def _handles(self, running: Sequence[Workplace]) -> list[Any]:
        return self.bridge.handles  # all workers share them

    def _wait(self, longest_s: float) -> None:
        super()._wait(0.0 if self.bridge.has_unread else longest_s)
        if self.bridge.refusal is not None and self._stopped is None:
            self._stop(self.bridge.refusal)
