"""Owns what a pool of workers is given and what it answers: jobs, outcomes, limits.

Promises: frozen, plain and picklable; nothing here starts or knows a process.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from arena.errors import WorkerError

Fault = Literal["match", "worker", "timeout"]


@dataclass(frozen=True)
class JobError:
    """What a player returns in place of the result of a job that failed by itself.

    Attributes:
        error: one sentence.
        traceback: of the exception, or "".
        blamed: names of what is at fault, in the player's terms; empty when nothing is.
    """

    error: str
    traceback: str
    blamed: tuple[str, ...] = ()


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
        blamed: what the player names as being at fault (`JobError.blamed`).
    """

    job_id: int
    error: str
    traceback: str
    fault: Fault
    blamed: tuple[str, ...] = ()


class Arena(Protocol):
    """Where jobs are played; LocalArena plays them on processes of this machine."""

    def submit(self, job_id: int, spec: object, *, alone: bool = False) -> None:
        """Queue a job under an id that no open job has; `alone` shares no call with others."""

    def poll(self, timeout_s: float) -> list[Done | Failed]:
        """Wait up to `timeout_s` for a job to be settled; return all that are."""

    def close(self, grace_s: float) -> None:
        """End everything; open jobs are forgotten."""


@dataclass(frozen=True)
class RestartLimits:
    """When a dead process starts again, and when it does not.

    Attributes:
        first_pause_s, longest_pause_s: a replacement waits, twice as long after each further death
            in a row.
        max_deaths, deaths_window_s: so many deaths within so many seconds end the attempts.
    """

    first_pause_s: float = 0.5
    longest_pause_s: float = 30.0
    max_deaths: int = 10
    deaths_window_s: float = 300.0

    def __post_init__(self) -> None:
        _check_positive(self)


@dataclass(frozen=True)
class WorkerLimits:
    """Numbers that a pool of workers is run by; None means off.

    Attributes:
        matches_per_worker: jobs that a worker plays in lock-step.
        lease_s: a playing worker whose tick count does not rise for so long is killed.
        match_limit_s: wall time of one call of the player, progress or not.
        start_limit_s: for import and set-up, where compiling may take its time.
        recycle_after: jobs after which a worker is replaced, against slow leaks; it is not
            interrupted, but waits until a batch is finished.
        restart: when dead workers are replaced; the deaths of all of them count together.
    """

    matches_per_worker: int = 8
    lease_s: float = 120.0
    match_limit_s: float | None = 3600.0
    start_limit_s: float = 300.0
    recycle_after: int | None = 2000
    restart: RestartLimits = field(default_factory=RestartLimits)

    def __post_init__(self) -> None:
        _check_positive(self)


def _check_positive(limits: RestartLimits | WorkerLimits) -> None:
    for name, value in vars(limits).items():
        if isinstance(value, int | float) and not value > 0:
            raise WorkerError(f"worker limits: expected {name} above 0, found {value}")
