"""Owns SupervisedArena: workers that play jobs and are replaced when they exit, wherever they run.

Promises: every submitted job comes back once, as `Done` or as `Failed`, whatever happens to the
process that played it, until the arena is closed or gives up. A worker that exits is reported with
its exit code or signal and its last output, and is replaced after growing pauses; after too many
exits in a short time, or a few before any worker was ready, the arena raises `ArenaStopped` and
says why. A worker that makes no progress is killed. Jobs of a worker that trouble of the machine
ended are nobody's fault.

The arena runs only inside `poll` and is not thread-safe: call it often, from one thread.
"""

from __future__ import annotations

import logging
import pickle
import time
from collections import deque
from collections.abc import Mapping, Sequence
from multiprocessing import connection
from types import TracebackType
from typing import Any, Self

from arena.errors import ArenaStopped, WorkerError
from arena.processes.jobs import Done, Failed, Fault, News, WorkerLimits
from arena.processes.supervisor import Death, DeathCount, Process, end_all
from arena.processes.workplace import Start, Workplace

logger = logging.getLogger(__name__)
_LEAVING_S = 5.0  # a recycled worker has this long to exit before it is killed


class SupervisedArena:
    """Workers that somebody else starts (an `arena.processes.jobs.Arena`).

    Args:
        start: starts the process of a worker.
        n_workers: number of workers, at least 1.
        limits: see `WorkerLimits`.
        placed_later: see `Workplace`.
    """

    def __init__(
        self, start: Start, n_workers: int, limits: WorkerLimits, *, placed_later: bool = False
    ) -> None:
        self.limits = limits
        deaths = DeathCount(limits.restart)
        self._workers = [
            Workplace(i, start, deaths, limits, placed_later=placed_later) for i in range(n_workers)
        ]
        self._waiting: deque[tuple[int, bytes, bool]] = deque()
        self._open_ids: set[int] = set()
        self._outcomes: list[Done | Failed] = []
        self._leaving: list[tuple[Process, float]] = []
        self._stopped: str | None = None
        self._was_ready = False
        self._closed = False

    def __enter__(self) -> Self:
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

    def take_news(self) -> list[News]:
        """Return what happened to the machines that workers run on since the last call."""
        return []

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

    def _start(self, worker: Workplace) -> None:
        death = worker.start()
        if death is not None:
            self._take_death(worker, death)

    def _hand_out(self) -> None:
        """Give waiting jobs to idle workers, in equal shares among all that could take some."""
        idle = [worker for worker in self._workers if worker.stage == "idle"]
        n_able = len(idle) + sum(worker.is_coming for worker in self._workers)
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
        handles = self._handles(running)
        next_deadline = min(worker.deadline for worker in self._workers)
        timeout_s = max(min(longest_s, next_deadline - time.monotonic()), 0.0)
        if not running:
            time.sleep(timeout_s)
            return
        if handles:
            connection.wait(handles, timeout_s)
        for worker in running:
            if worker.place.process is None:  # another one exited, and the arena gave up
                continue
            self._outcomes += worker.read()
            self._was_ready = self._was_ready or worker.stage in ("idle", "playing")
            if worker.place.process.has_ended:
                self._take_exit(worker)

    def _handles(self, running: Sequence[Workplace]) -> list[Any]:
        """Return what becomes ready when one of these workers has sent something or exited."""
        return [h for w in running if w.place.process for h in w.place.process.handles]

    def _take_exit(self, worker: Workplace, reason: str | None = None) -> None:
        """Read the remaining messages of a worker that exited; fail its jobs, plan a restart."""
        self._outcomes += worker.read(limit=None)
        death = worker.place.take_death(reason)
        assert death is not None  # a worker never finishes: any exit is unexpected
        self._take_death(worker, death)

    def _take_death(self, worker: Workplace, death: Death) -> None:
        error = f"{worker.place.name} {death.reason}"
        if death.of_machine:
            worker.trouble = death.reason
        fault: Fault = "machine" if death.of_machine else "worker"
        self._fail_jobs(worker, error, death.output, fault, death.exit_code)
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

    def _fail_hanging(self, worker: Workplace, what: str) -> None:
        """Fail the jobs of a killed worker; the exit is not counted: the jobs are to blame."""
        error = f"{worker.place.name} {what} after tick {worker.ticks} and was killed"
        logger.warning("%s, with jobs %s", error, sorted(worker.jobs))
        self._fail_jobs(worker, error, worker.place.replace(), "timeout")

    def _fail_jobs(
        self,
        worker: Workplace,
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


def check_arguments(
    play: str, n_workers: int, settings: Mapping[str, object] | None, setup: str | None
) -> None:
    """Check what an arena is made of.

    Raises:
        WorkerError: an argument is malformed.
    """
    for name in (play,) if setup is None else (play, setup):
        if not all(name.partition(":")):
            raise WorkerError(f"workers: expected 'module:function', found {name!r}")
    if n_workers < 1:
        raise WorkerError(f"workers: expected at least 1, found {n_workers}")
    try:
        pickle.dumps(settings)
    except Exception as error:  # whatever a foreign __reduce__ raises
        raise WorkerError(f"workers: the settings cannot be sent: {error}") from error
