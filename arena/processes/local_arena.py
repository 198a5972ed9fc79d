"""Owns LocalArena: worker processes on this machine, replaced when they exit.

Promises: those of arena.processes.supervised. Workers share nothing; each has its own pipe: killing
one cannot damage another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from arena.processes.jobs import WorkerLimits
from arena.processes.launch import Launcher
from arena.processes.scratch import ScratchFolder
from arena.processes.supervised import SupervisedArena, check_arguments
from arena.processes.supervisor import Process
from arena.processes.worker import WorkerOrders, run_worker


class LocalArena(SupervisedArena):
    """Worker processes on this machine (an `arena.processes.jobs.Arena`).

    Args:
        play: "module:function", called in a worker as `play(context, jobs, progress)`; it returns
            one result per job, in order, where an exception or a `JobError` stands for a failed
            job, and calls `progress(ticks)` with the ticks of this call so far at every decision.
        n_workers: number of processes, at least 1.
        settings: passed to `setup`; must be picklable.
        setup: "module:function", called once per process with `settings`, before the first job;
            it returns the context. Without it the context is `settings`.
        limits: see `WorkerLimits`.
        preload: modules that the fork server imports once for all workers.

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
        preload: Sequence[str] = (),
    ) -> None:
        check_arguments(play, n_workers, settings, setup)
        self._folder = ScratchFolder("league-arena-")
        launcher = Launcher(run_worker, [play.partition(":")[0], *preload])
        orders = WorkerOrders(play, setup, dict(settings or {}))
        output = self._folder.path

        def start(index: int) -> Process:
            return launcher.launch(f"arena-{index}", orders, output / f"worker-{index}.txt")

        super().__init__(start, n_workers, limits or WorkerLimits())

    def close(self, grace_s: float = 2.0) -> None:
        """End all workers: SIGTERM now, SIGKILL after `grace_s`. Open jobs are forgotten.

        To let running matches finish first, stop submitting and call `poll` until
        `n_waiting` and `n_running` are 0.
        """
        super().close(grace_s)
        self._folder.close()
