"""Owns LocalArena: a pool of processes that survives its workers.

Promises: every submitted job comes back once, as `Done` or as `Failed`, whatever happens to the
process that played it, until the pool is closed or gives up. A dead worker is named by its exit
code or signal, with its last output, and is replaced with growing pauses; after too many deaths
in a short time the pool raises `ArenaStopped` and says why. A worker that makes no progress is
killed. Nothing is ever shared but one pipe per worker: a killed process can damage no other.

The pool knows nothing of the game. It is pumped by `results` alone and not thread-safe: call it
often, from one thread.
"""

from __future__ import annotations

import logging
import pickle
import sys
import tempfile
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing import connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any

from arena.errors import ArenaStopped, WorkerError
from arena.processes.jobs import Done, Failed, Fault, JobError, PoolLimits, WorkerState
from arena.processes.launch import (
    WorkerPlace,
    birth_environment,
    log_for_worker,
    name_exit,
    process_context,
    settle,
)
from arena.processes.worker import WorkerOrders, run_worker

__all__ = ["Done", "Failed", "JobError", "LocalArena", "PoolLimits", "WorkerState"]

logger = logging.getLogger(__name__)
_LEAVING_S = 5.0  # a recycled worker gets this long to leave before it is killed
_MAX_MESSAGES = 1000  # read from one worker in one go, so that a chatty one starves nobody


class LocalArena:
    """A pool of worker processes on this machine.

    Args:
        play: "module:function", called in a worker as `play(context, jobs, progress)`; returns
            one result per job, in order, where an exception or a `JobError` stands for a failed
            job; calls `progress(ticks)` with the ticks of this call so far, at every decision.
        n_workers: number of processes, at least 1.
        settings: handed to `setup`; must be picklable.
        setup: "module:function", called once per process with `settings`, before the first job;
            what it returns is the context. Without it the context is `settings`.
        limits: see `PoolLimits`.
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
        limits: PoolLimits | None = None,
        preload: Sequence[str] = (),
    ) -> None:
        for name in (play,) if setup is None else (play, setup):
            if not all(name.partition(":")):
                raise WorkerError(f"worker pool: expected 'module:function', found {name!r}")
        if n_workers < 1:
            raise WorkerError(f"worker pool: expected at least 1 worker, found {n_workers}")
        self.limits = limits or PoolLimits()
        try:
            pickle.dumps(settings)
        except Exception as error:  # whatever a foreign __reduce__ raises
            raise WorkerError(f"worker pool: settings cannot be sent: {error}") from error
        self._play, self._setup, self._settings = play, setup, dict(settings or {})
        self._context = process_context([play.partition(":")[0], *preload])
        self._folder = tempfile.TemporaryDirectory(prefix="arena-", ignore_cleanup_errors=True)
        output = Path(self._folder.name)
        self._workers = [WorkerPlace(i, output / f"worker-{i}.txt") for i in range(n_workers)]
        self._waiting: deque[tuple[int, bytes, bool]] = deque()
        self._open_ids: set[int] = set()
        self._outcomes: list[Done | Failed] = []
        self._deaths: deque[float] = deque()
        self._leaving: list[tuple[BaseProcess, float]] = []
        self._stopped: str | None = None
        self._closed = False

    def __enter__(self) -> LocalArena:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def n_waiting(self) -> int:
        """Jobs that no worker has yet."""
        return len(self._waiting)

    @property
    def n_running(self) -> int:
        """Jobs that a worker has."""
        return sum(len(worker.jobs) for worker in self._workers)

    def worker_states(self) -> list[WorkerState]:
        """Say what each worker is doing."""
        return [
            WorkerState(
                worker.index,
                worker.process.pid if worker.process else None,
                worker.state,
                len(worker.jobs),
                worker.ticks,
                worker.n_played,
            )
            for worker in self._workers
        ]

    def submit(self, job_id: int, spec: object, *, alone: bool = False) -> None:
        """Queue a job; it is handed out by the next `results`.

        Args:
            job_id: free to choose, not in use by an open job.
            spec: anything picklable that the player understands.
            alone: share no call with other jobs; for a replay after a worker died.

        Raises:
            WorkerError: the pool is closed, the id is in use, or the spec cannot be pickled.
            ArenaStopped: the pool has given up.
        """
        self._check_open()
        if job_id in self._open_ids:
            raise WorkerError(f"job {job_id}: expected a new job id, found one that is in use")
        try:
            pickled = pickle.dumps(spec)
        except Exception as error:  # whatever a foreign __reduce__ raises
            raise WorkerError(f"job {job_id}: cannot be sent to a worker: {error}") from error
        self._open_ids.add(job_id)
        self._waiting.append((job_id, pickled, alone))

    def results(self, timeout_s: float) -> list[Done | Failed]:
        """Run the pool until a job is settled; return all that are, in no particular order.

        Args:
            timeout_s: the longest wait in seconds; 0 looks once. The list is empty after it.

        Raises:
            WorkerError: the pool is closed.
            ArenaStopped: workers died too often; raised when nothing is left to return.
        """
        ends = time.monotonic() + timeout_s
        while True:
            if not self._outcomes:
                self._check_open()
            if self._stopped is None and not self._closed:
                self._start_due()
                self._hand_out()
                self._wait(0.0 if self._outcomes else ends - time.monotonic())
                self._enforce_deadlines()
                self._recycle_worn()
                self._hand_out()
            if self._outcomes or time.monotonic() >= ends:
                settled, self._outcomes = self._outcomes, []
                self._open_ids.difference_update(outcome.job_id for outcome in settled)
                return settled

    def close(self, grace_s: float = 2.0) -> None:
        """End all workers: SIGTERM now, SIGKILL after `grace_s`. Open jobs are forgotten.

        To let running matches finish first, stop submitting and call `results` until
        `n_waiting` and `n_running` are 0.
        """
        if self._closed:
            return
        self._closed = True
        processes = [worker.process for worker in self._workers if worker.process is not None]
        self._end(processes + [process for process, _ in self._leaving], grace_s)
        for worker in self._workers:
            if worker.pipe is not None:
                worker.pipe.close()
            worker.process, worker.pipe, worker.state = None, None, "down"
            worker.jobs.clear()
        self._leaving.clear()
        self._waiting.clear()
        self._open_ids.clear()
        self._outcomes.clear()
        self._folder.cleanup()

    @staticmethod
    def _end(processes: Sequence[BaseProcess], grace_s: float) -> None:
        for process in processes:
            process.terminate()
        ends = time.monotonic() + grace_s
        for process in processes:
            process.join(max(ends - time.monotonic(), 0.0))
            if process.exitcode is None:
                process.kill()
                process.join()

    def _check_open(self) -> None:
        if self._closed:
            raise WorkerError("worker pool: is closed; make a new one")
        if self._stopped is not None:
            raise ArenaStopped(self._stopped)

    def _start_due(self) -> None:
        for worker in self._workers:
            if worker.state == "down" and time.monotonic() >= worker.start_at:
                self._start(worker)
            if self._stopped is not None:
                return

    def _start(self, worker: WorkerPlace) -> None:
        orders = WorkerOrders(
            play=self._play,
            setup=self._setup,
            settings=self._settings,
            output_path=str(worker.output_path),
            log_level=logging.getLogger().getEffectiveLevel(),
            die_with_server=isinstance(self._context, ForkServerContext),
        )
        ours, theirs = self._context.Pipe(duplex=True)
        process = self._context.Process(
            target=run_worker, args=(theirs, orders), name=f"arena-{worker.index}", daemon=True
        )
        worker.reason_unfit, worker.ticks, worker.n_played = None, 0, 0
        try:
            worker.output_path.write_bytes(b"")
            with birth_environment():
                process.start()
        except (OSError, EOFError) as error:
            ours.close()
            self._count_death(worker, f"could not be started: {error!r}", "")
            return
        finally:
            theirs.close()
        worker.process, worker.pipe = process, ours
        worker.state = "starting"
        worker.lease_ends = time.monotonic() + self.limits.start_limit_s
        worker.limit_ends = float("inf")

    def _hand_out(self) -> None:
        """Give waiting jobs to idle workers, in equal shares among all that could take some."""
        idle = [worker for worker in self._workers if worker.state == "idle"]
        n_able = len(idle) + sum(worker.state == "starting" for worker in self._workers)
        for worker in idle:
            if not self._waiting:
                return
            share = min(-(-len(self._waiting) // n_able), self.limits.matches_per_worker)
            n_able -= 1
            batch = self._next_batch(share)
            worker.jobs = dict(batch)
            self._begin_call(worker)
            worker.state = "playing"
            pipe = worker.pipe
            assert pipe is not None  # an idle worker has one
            with suppress(OSError):  # a dead worker is buried by its sentinel, with these jobs
                pipe.send(("play", batch))

    def _next_batch(self, share: int) -> list[tuple[int, bytes]]:
        batch: list[tuple[int, bytes]] = []
        while self._waiting and len(batch) < share:
            alone = self._waiting[0][2]
            if alone and batch:
                break
            job_id, pickled, _ = self._waiting.popleft()
            batch.append((job_id, pickled))
            if alone:
                break
        return batch

    def _begin_call(self, worker: WorkerPlace) -> None:
        now = time.monotonic()
        worker.ticks = 0
        worker.lease_ends = now + self.limits.lease_s
        limit_s = self.limits.match_limit_s
        worker.limit_ends = float("inf") if limit_s is None else now + limit_s

    def _wait(self, longest_s: float) -> None:
        """Wait for a message, a death or a deadline, and read what came."""
        by_handle: dict[Any, WorkerPlace] = {}
        for worker in self._workers:
            if worker.process is not None and worker.pipe is not None:
                by_handle[worker.pipe] = worker
                by_handle[worker.process.sentinel] = worker
        now = time.monotonic()
        next_deadline = min(worker.deadline for worker in self._workers)
        timeout_s = max(min(longest_s, next_deadline - now), 0.0)
        if not by_handle:
            time.sleep(timeout_s)
            return
        ready = connection.wait(list(by_handle), timeout_s)
        for worker in {by_handle[handle].index: by_handle[handle] for handle in ready}.values():
            if worker.process is None:  # the pool stopped at the death of another one
                continue
            has_ended = worker.process.sentinel in ready
            if not self._read(worker) or has_ended:
                self._bury(worker)

    def _read(self, worker: WorkerPlace, n_messages: int = _MAX_MESSAGES) -> bool:
        """Take in the messages of a worker; return False when its end of the pipe is closed."""
        pipe = worker.pipe
        assert pipe is not None  # only called for workers that have one
        try:
            for _ in range(n_messages):
                if not pipe.poll(0):
                    return True
                self._take(worker, pipe.recv())
        except (EOFError, OSError):
            return False
        return True

    def _take(self, worker: WorkerPlace, message: tuple[Any, ...]) -> None:
        kind, *values = message
        if kind == "progress":
            if values[0] > worker.ticks:
                worker.ticks = values[0]
                worker.lease_ends = time.monotonic() + self.limits.lease_s
        elif kind == "playing":
            self._begin_call(worker)
        elif kind == "outcomes":
            for job_id, outcome in values[0]:
                if worker.jobs.pop(job_id, None) is not None:
                    self._outcomes.append(settle(job_id, outcome))
                    worker.n_played += 1
        elif kind == "ready":
            worker.state = "idle"
        elif kind == "idle":
            worker.state, worker.n_deaths_in_a_row, worker.ticks = "idle", 0, 0
        elif kind == "unfit":
            worker.reason_unfit = values[0], values[1]
        elif kind == "log":
            log_for_worker(worker.index, *values)

    def _recycle_worn(self) -> None:
        """Replace idle workers that have played their share."""
        recycle_after = self.limits.recycle_after
        for worker in self._workers:
            if recycle_after is None or worker.n_played < recycle_after or worker.state != "idle":
                continue
            assert worker.process is not None and worker.pipe is not None  # since it is idle
            logger.info("worker %d is replaced after %d matches", worker.index, worker.n_played)
            worker.pipe.close()  # it leaves when it reads the end of the pipe
            self._leaving.append((worker.process, time.monotonic() + _LEAVING_S))
            worker.process, worker.pipe = None, None
            self._start(worker)

    def _enforce_deadlines(self) -> None:
        now = time.monotonic()
        for worker in self._workers:
            if worker.process is None or now < worker.deadline:
                continue
            worker.process.kill()
            if worker.state == "starting":
                self._bury(worker, f"was not ready within {self.limits.start_limit_s:g} s")
            elif now >= worker.limit_ends:
                limit_s = self.limits.match_limit_s
                self._fail_hanging(worker, f"played longer than the limit of {limit_s:g} s")
            else:
                lease_s = self.limits.lease_s
                self._fail_hanging(worker, f"made no progress for {lease_s:g} s")
        still_leaving = []
        for process, kill_at in self._leaving:
            if now >= kill_at:
                process.kill()
            if process.exitcode is None:
                still_leaving.append((process, kill_at))
        self._leaving = still_leaving

    def _fail_hanging(self, worker: WorkerPlace, what: str) -> None:
        """Settle the jobs of a killed worker; no death is counted, the jobs are to blame."""
        error = f"worker {worker.index} {what} after tick {worker.ticks} and was killed"
        logger.warning("%s, with jobs %s", error, sorted(worker.jobs))
        self._detach(worker)
        self._fail_jobs(worker, error, worker.last_words(), "timeout")
        worker.start_at = time.monotonic()

    def _bury(self, worker: WorkerPlace, reason: str | None = None) -> None:
        """Take in the last messages of a dead worker, fail its jobs and plan its replacement."""
        self._read(worker, sys.maxsize)
        exit_code = self._detach(worker)
        words = worker.last_words()
        if worker.reason_unfit is not None:
            summary, words = worker.reason_unfit
            reason = f"could not set up its player: {summary}"
        reason = reason or f"died: {name_exit(exit_code)}"
        self._fail_jobs(worker, f"worker {worker.index} {reason}", words, "worker")
        self._count_death(worker, reason, words)

    def _detach(self, worker: WorkerPlace) -> int | None:
        """Let go of a process that has ended or is about to; return its exit code."""
        process, pipe = worker.process, worker.pipe
        assert process is not None and pipe is not None  # nobody is buried twice
        process.join(1.0)  # the pipe may close a moment before the process ends
        if process.exitcode is None:
            process.kill()
            process.join()
        pipe.close()
        worker.process, worker.pipe, worker.state = None, None, "down"
        return process.exitcode

    def _fail_jobs(self, worker: WorkerPlace, error: str, words: str, fault: Fault) -> None:
        self._outcomes.extend(Failed(job_id, error, words, fault) for job_id in worker.jobs)
        worker.jobs = {}

    def _count_death(self, worker: WorkerPlace, reason: str, words: str) -> None:
        now = time.monotonic()
        self._deaths.append(now)
        while now - self._deaths[0] > self.limits.deaths_window_s:
            self._deaths.popleft()
        pause_s = min(
            self.limits.first_pause_s * 2.0 ** min(worker.n_deaths_in_a_row, 60),
            self.limits.longest_pause_s,
        )
        worker.n_deaths_in_a_row += 1
        worker.start_at = now + pause_s
        last_line = words.splitlines()[-1] if words else ""
        said = f"; its last words: {last_line}" if last_line else ""
        logger.warning("worker %d %s%s; next start in %g s", worker.index, reason, said, pause_s)
        if words:
            logger.info("last output of worker %d:\n%s", worker.index, words)
        if len(self._deaths) >= self.limits.max_deaths and self._stopped is None:
            self._stop(
                f"worker pool: stopped after {len(self._deaths)} deaths of workers within "
                f"{self.limits.deaths_window_s:g} s; the last: worker {worker.index} {reason}"
                f"{said}"
            )

    def _stop(self, why: str) -> None:
        logger.error("%s", why)
        self._stopped = why
        self._end([worker.process for worker in self._workers if worker.process is not None], 1.0)
        for worker in self._workers:
            if worker.process is not None:
                self._detach(worker)
                self._fail_jobs(worker, why, "", "worker")
