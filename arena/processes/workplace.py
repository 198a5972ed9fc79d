"""Owns one worker of an arena, as its parent sees it: what it does, its jobs and its deadlines.

Promises: a job is settled once; a worker's outcomes are those of jobs that it has.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Sequence
from typing import Literal

from arena.processes.jobs import Done, Failed, JobError, WorkerLimits
from arena.processes.messages import (
    CallBegan,
    Outcomes,
    Placed,
    PlayJobs,
    Ticked,
    WorkerIdle,
    WorkerReady,
)
from arena.processes.supervisor import Death, DeathCount, Place, Process

NEVER = float("inf")

Start = Callable[[int], Process]  # worker index -> its process


class Workplace:
    """A place for a worker, and what the worker is doing.

    Args:
        placed_later: a started process may wait for room on some machine first, for as long as that
            takes, and says when it has it (`Placed`).

    Attributes:
        jobs: those that the worker has and that are not settled.
        ticks: ticks of the running call.
        n_played: number of jobs that this process has settled.
        trouble: what of the machine ended the process before; None once one is set up.
    """

    def __init__(
        self,
        index: int,
        start: Start,
        deaths: DeathCount,
        limits: WorkerLimits,
        *,
        placed_later: bool = False,
    ) -> None:
        self.place = Place(f"worker {index}", lambda: start(index), deaths)
        self.stage: Literal["starting", "idle", "playing", "down"] = "down"
        self.jobs: dict[int, bytes] = {}
        self.ticks = 0
        self.n_played = 0
        self.trouble: str | None = None
        self.limit_ends = NEVER
        self._lease_ends = NEVER
        self._limits = limits
        self._placed_later = placed_later

    @property
    def deadline(self) -> float:
        """Monotonic time at which something is due: a start, or the end of a limit."""
        if self.stage in ("starting", "playing"):
            return min(self._lease_ends, self.limit_ends)
        return self.place.start_at if self.stage == "down" else NEVER

    @property
    def is_coming(self) -> bool:
        """Whether it is starting, and not waiting for a place."""
        return self.stage == "starting" and self._lease_ends < NEVER

    def start(self) -> Death | None:
        """Start the process; return a `Death` if that fails."""
        self.ticks, self.n_played = 0, 0
        death = self.place.start()
        if death is None:
            self.stage = "starting"
            limit_s = NEVER if self._placed_later else self._limits.start_limit_s
            self._lease_ends = time.monotonic() + limit_s
            self.limit_ends = NEVER
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
                case Placed():
                    self._lease_ends = time.monotonic() + self._limits.start_limit_s
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
        self.limit_ends = NEVER if limit_s is None else now + limit_s


def _settled(job_id: int, outcome: bytes | JobError) -> Done | Failed:
    if isinstance(outcome, JobError):
        return Failed(job_id, outcome.error, outcome.traceback, outcome.fault, outcome.blamed)
    try:
        return Done(job_id, pickle.loads(outcome))
    except Exception as error:  # whatever a foreign class raises
        return Failed(job_id, f"the result cannot be read: {error!r}", "", "match")
