"""Owns LocalArena: worker processes on this machine, replaced when they exit.

Promises: every submitted job comes back once, as `Done` or as `Failed`, whatever happens to the
process that played it, until the arena is closed or gives up. A worker that exits is reported with
its exit code or signal and its last output, and is replaced after growing pauses; after too many
exits in a short time, or a few before any worker was ready, the arena raises `ArenaStopped` and
says why. A worker that makes no progress
is killed. Workers share nothing; each has its own pipe: killing one cannot damage another.

The arena runs only inside `poll` and is not thread-safe: call it often, from one thread.
"""

from __future__ import annotations

import logging
import pickle
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import connection
from types import TracebackType
from typing import Literal

from arena.errors import ArenaStopped, WorkerError
from arena.processes.jobs import Done, Failed, Fault, JobError, WorkerLimits
from arena.processes.launch import Launcher
from arena.processes.messages import (
    CallBegan,
    Outcomes,
    PlayJobs,
    Ticked,
    WorkerIdle,
    WorkerReady,
)
from arena.processes.scratch import ScratchFolder
from arena.processes.supervisor import Death, DeathCount, Place, Process, end_all
from arena.processes.worker import WorkerOrders, run_worker

logger = logging.getLogger(__name__)
_LEAVING_S = 5.0  # a recycled worker has this long to exit before it is killed
_NEVER = float("inf")

Start = Callable[[int], Process]  # worker index -> its process


class LocalArena:
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
        for name in (play,) if setup is None else (play, setup):
            if not all(name.partition(":")):
                raise WorkerError(f"workers: expected 'module:function', found {name!r}")
        if n_workers < 1:
            raise WorkerError(f"workers: expected at least 1, found {n_workers}")
        try:
            pickle.dumps(settings)
        except Exception as error:  # whatever a foreign __reduce__ raises
            raise WorkerError(f"workers: the settings cannot be sent: {error}") from error
        self.limits = limits or WorkerLimits()
        self._folder = ScratchFolder("league-arena-")
        launcher = Launcher(run_worker, [play.partition(":")[0], *preload])
        orders = WorkerOrders(play, setup, dict(settings or {}))
        output = self._folder.path

        def start(index: int) -> Process:
            return launcher.launch(f"arena-{index}", orders, output / f"worker-{index}.txt")

        deaths = DeathCount(self.limits.restart)
        self._workers = [_Worker(i, start, deaths, self.limits) for i in range(n_workers)]
        self._waiting: deque[tuple[int, bytes, bool]] = deque()
        self._open_ids: set[int] = set()
        self._outcomes: list[Done | Failed] = []
        self._leaving: list[tuple[Process, float]] = []
        self._stopped: str | None = None
        self._was_ready = False
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
        """Number of jobs that no worker has yet."""
        return len(self._waiting)

    @property
    def n_running(self) -> int:
        """Number of jobs that a worker has."""
        return sum(len(worker.jobs) for worker in self._workers)

    @property
    def pids(self) -> list[int]:
        """Process ids of the running workers."""
        return [w.place.process.pid for w in self._workers if w.place.process is not None]

    @property
    def is_ready(self) -> bool:
        """Whether jobs can be played: a worker is set up, or was."""
        return self._was_ready

    @property
    def start_trouble(self) -> str | None:
        """What of the machine keeps workers from starting, while none runs; else None."""
        troubles = [worker.trouble for worker in self._workers]
        return troubles[0] if all(troubles) else None

    @property
    def n_idle(self) -> int:
        """Number of workers that are set up and have no jobs."""
        return sum(worker.stage == "idle" for worker in self._workers)

    def submit(self, job_id: int, spec: object, *, alone: bool = False) -> None:
        """Queue a job; the next `poll` hands it out.

        Args:
            job_id: any number that no open job has.
            spec: anything picklable that the player understands.
            alone: share no call with other jobs; for playing a job again after its worker exited.

        Raises:
            WorkerError: the arena is closed, the id is in use, or the spec cannot be pickled.
            ArenaStopped: the arena has given up.
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

    def poll(self, timeout_s: float) -> list[Done | Failed]:
        """Run the workers until a job is settled; return all settled ones, in any order.

        Args:
            timeout_s: the longest wait in seconds, after which the list is empty; 0 looks once.

        Raises:
            WorkerError: the arena is closed.
            ArenaStopped: workers exited too often; raised when nothing is left to return.
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

        To let running matches finish first, stop submitting and call `poll` until
        `n_waiting` and `n_running` are 0.
        """
        if self._closed:
            return
        self._closed = True
        self._end_workers(grace_s)
        end_all([process for process, _ in self._leaving], 0.0)
        for worker in self._workers:
            worker.jobs.clear()
        self._leaving.clear()
        self._waiting.clear()
        self._open_ids.clear()
        self._outcomes.clear()
        self._folder.close()

    def _end_workers(self, grace_s: float) -> None:
        running = [w for w in self._workers if w.place.process is not None]
        end_all([worker.place.detach() for worker in running], grace_s)
        for worker in self._workers:
            worker.stage = "down"

    def _check_open(self) -> None:
        if self._closed:
            raise WorkerError("the arena is closed; make a new one")
        if self._stopped is not None:
            raise ArenaStopped(self._stopped)

    def _start_due(self) -> None:
        for worker in self._workers:
            if self._stopped is None and worker.place.is_due:
                self._start(worker)

    def _start(self, worker: _Worker) -> None:
        death = worker.start()
        if death is not None:
            self._take_death(worker, death)

    def _hand_out(self) -> None:
        """Give waiting jobs to idle workers, in equal shares among all that could take some."""
        idle = [worker for worker in self._workers if worker.stage == "idle"]
        n_able = len(idle) + sum(worker.stage == "starting" for worker in self._workers)
        for worker in idle:
            if not self._waiting:
                return
            share = min(-(-len(self._waiting) // n_able), self.limits.matches_per_worker)
            n_able -= 1
            worker.play(self._next_batch(share))

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

    def _wait(self, longest_s: float) -> None:
        """Wait for a message, an exit or a deadline, and read the messages."""
        running = [w for w in self._workers if w.place.process is not None]
        handles = [h for w in running if w.place.process for h in w.place.process.handles]
        next_deadline = min(worker.deadline for worker in self._workers)
        timeout_s = max(min(longest_s, next_deadline - time.monotonic()), 0.0)
        if not handles:
            time.sleep(timeout_s)
            return
        connection.wait(handles, timeout_s)
        for worker in running:
            if worker.place.process is None:  # another one exited, and the arena gave up
                continue
            self._outcomes += worker.read()
            self._was_ready = self._was_ready or worker.stage in ("idle", "playing")
            if worker.place.process.has_ended:
                self._take_exit(worker)

    def _take_exit(self, worker: _Worker, reason: str | None = None) -> None:
        """Read the remaining messages of a worker that exited; fail its jobs, plan a restart."""
        self._outcomes += worker.read(limit=None)
        death = worker.place.take_death(reason)
        assert death is not None  # a worker never finishes: any exit is unexpected
        self._take_death(worker, death)

    def _take_death(self, worker: _Worker, death: Death) -> None:
        error = f"{worker.place.name} {death.reason}"
        if death.of_machine:
            worker.trouble = death.reason
        self._fail_jobs(worker, error, death.output, "worker", death.exit_code)
        if death.pause_s is None and self._stopped is None:
            said = f"; its last line: {death.last_line}" if death.last_line else ""
            restart = self.limits.restart
            if death.of_machine:
                said = ""
                what = f"the machine kept a worker from starting for {restart.trouble_limit_s:g} s"
            elif death.none_was_ready:
                what = f"no worker was ever ready, {death.n_deaths} have exited"
            else:
                what = (
                    f"workers exited unexpectedly {death.n_deaths} times within "
                    f"{restart.deaths_window_s:g} s and are not restarted"
                )
            self._stop(f"{what}; the last: {worker.place.name} {death.reason}{said}")

    def _recycle_worn(self) -> None:
        """Replace idle workers that have played their share."""
        recycle_after = self.limits.recycle_after
        for worker in self._workers:
            if recycle_after is None or worker.n_played < recycle_after or worker.stage != "idle":
                continue
            logger.info("%s is replaced after %d matches", worker.place.name, worker.n_played)
            process = worker.place.detach()
            process.hang_up()  # it exits when it reads the end of the pipe
            self._leaving.append((process, time.monotonic() + _LEAVING_S))
            self._start(worker)

    def _enforce_deadlines(self) -> None:
        now = time.monotonic()
        for worker in self._workers:
            process = worker.place.process
            if process is None or now < worker.deadline:
                continue
            process.kill()
            if worker.stage == "starting":
                self._take_exit(worker, f"was not ready within {self.limits.start_limit_s:g} s")
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
            if not process.join(0.0):
                still_leaving.append((process, kill_at))
        self._leaving = still_leaving

    def _fail_hanging(self, worker: _Worker, what: str) -> None:
        """Fail the jobs of a killed worker; the exit is not counted: the jobs are to blame."""
        error = f"{worker.place.name} {what} after tick {worker.ticks} and was killed"
        logger.warning("%s, with jobs %s", error, sorted(worker.jobs))
        self._fail_jobs(worker, error, worker.place.replace(), "timeout")

    def _fail_jobs(
        self,
        worker: _Worker,
        error: str,
        output: str,
        fault: Fault,
        exit_code: int | None = None,
    ) -> None:
        self._outcomes.extend(
            Failed(job_id, error, output, fault, exit_code=exit_code) for job_id in worker.jobs
        )
        worker.jobs = {}
        worker.stage = "down"

    def _stop(self, why: str) -> None:
        logger.error("%s", why)
        self._stopped = why
        self._end_workers(1.0)
        for worker in self._workers:
            self._fail_jobs(worker, why, "", "worker")


class _Worker:
    """A place for a worker, and what the worker is doing.

    Attributes:
        jobs: those that the worker has and that are not settled.
        ticks: ticks of the running call.
        n_played: number of jobs that this process has settled.
        trouble: what of the machine ended the process before; None once one is set up.
    """

    def __init__(self, index: int, start: Start, deaths: DeathCount, limits: WorkerLimits) -> None:
        self.place = Place(f"worker {index}", lambda: start(index), deaths)
        self.stage: Literal["starting", "idle", "playing", "down"] = "down"
        self.jobs: dict[int, bytes] = {}
        self.ticks = 0
        self.n_played = 0
        self.trouble: str | None = None
        self.limit_ends = _NEVER
        self._lease_ends = _NEVER
        self._limits = limits

    @property
    def deadline(self) -> float:
        """Monotonic time at which something is due: a start, or the end of a limit."""
        if self.stage in ("starting", "playing"):
            return min(self._lease_ends, self.limit_ends)
        return self.place.start_at if self.stage == "down" else _NEVER

    def start(self) -> Death | None:
        """Start the process; return a `Death` if that fails."""
        self.ticks, self.n_played = 0, 0
        death = self.place.start()
        if death is None:
            self.stage = "starting"
            self._lease_ends = time.monotonic() + self._limits.start_limit_s
            self.limit_ends = _NEVER
        return death

    def play(self, batch: Sequence[tuple[int, bytes]]) -> None:
        """Send jobs to the worker; if it has exited, they fail when that is noticed."""
        self.jobs = dict(batch)
        self._begin_call()
        self.stage = "playing"
        assert self.place.process is not None  # since it is idle
        self.place.process.send(PlayJobs(tuple(batch)))

    def read(self, limit: int | None = 1000) -> list[Done | Failed]:
        """Process the worker's messages; return the outcomes among them."""
        settled: list[Done | Failed] = []
        for message in self.place.poll(limit):
            match message:
                case Ticked(ticks) if ticks > self.ticks:
                    self.ticks = ticks
                    self._lease_ends = time.monotonic() + self._limits.lease_s
                case CallBegan():
                    self._begin_call()
                case Outcomes(outcomes):
                    settled += self._settle(outcomes)
                case WorkerReady():
                    self.stage, self.trouble = "idle", None
                    self.place.came_up()
                case WorkerIdle():
                    self.stage, self.ticks = "idle", 0
                    self.place.succeeded()
        return settled

    def _settle(self, outcomes: Sequence[tuple[int, bytes | JobError]]) -> list[Done | Failed]:
        known = [(i, outcome) for i, outcome in outcomes if self.jobs.pop(i, None) is not None]
        self.n_played += len(known)
        return [_settled(job_id, outcome) for job_id, outcome in known]

    def _begin_call(self) -> None:
        now = time.monotonic()
        self.ticks = 0
        self._lease_ends = now + self._limits.lease_s
        limit_s = self._limits.match_limit_s
        self.limit_ends = _NEVER if limit_s is None else now + limit_s


def _settled(job_id: int, outcome: bytes | JobError) -> Done | Failed:
    if isinstance(outcome, JobError):
        return Failed(job_id, outcome.error, outcome.traceback, outcome.fault, outcome.blamed)
    try:
        return Done(job_id, pickle.loads(outcome))
    except Exception as error:  # whatever a foreign class raises
        return Failed(job_id, f"the result cannot be read: {error!r}", "", "match")
