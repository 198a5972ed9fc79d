"""Owns what a pool of workers is told and what it answers: outcomes, limits, states.

Promises: frozen, plain and picklable; nothing here starts or knows a process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from arena.errors import WorkerError

Fault = Literal["match", "worker", "timeout"]
Stage = Literal["starting", "idle", "playing", "down"]


@dataclass(frozen=True)
class JobError:
    """What a player returns in place of the result of a job that failed by itself."""

    error: str
    traceback: str


@dataclass(frozen=True)
class Done:
    """A job that was played."""

    job_id: int
    result: Any


@dataclass(frozen=True)
class Failed:
    """A job that was not played to its end.

    Attributes:
        error: one sentence.
        traceback: of the exception, or the last output of a dead worker; may be empty.
        fault: "match" when this job's own code raised; "worker" when the process died, which may
            be another job's doing; "timeout" when its process made no progress and was killed.
    """

    job_id: int
    error: str
    traceback: str
    fault: Fault


@dataclass(frozen=True)
class PoolLimits:
    """Numbers that a pool is run by; None means off.

    Attributes:
        matches_per_worker: jobs that a worker plays in lock-step.
        lease_s: a playing worker whose tick count does not rise for so long is killed.
        match_limit_s: wall time of one call of the player, progress or not.
        start_limit_s: for import and set-up, where compiling may take its time.
        recycle_after: jobs after which a worker is replaced, against slow leaks.
        max_deaths, deaths_window_s: so many deaths within so many seconds stop the pool.
        first_pause_s, longest_pause_s: before a dead worker is replaced; doubled at each death
            until a batch is finished.
    """

    matches_per_worker: int = 8
    lease_s: float = 120.0
    match_limit_s: float | None = 3600.0
    start_limit_s: float = 300.0
    recycle_after: int | None = 2000
    max_deaths: int = 10
    deaths_window_s: float = 300.0
    first_pause_s: float = 0.5
    longest_pause_s: float = 30.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is not None and not value > 0:
                raise WorkerError(f"worker limits: expected {name} above 0, found {value}")


@dataclass(frozen=True)
class WorkerState:
    """What a worker is doing, for a screen; `pid` is None while there is no process."""

    index: int
    pid: int | None
    state: Stage
    n_jobs: int
    ticks: int
    n_played: int
