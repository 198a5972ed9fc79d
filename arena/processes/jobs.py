"""Owns what workers are given and what they return: jobs, outcomes, limits.

Promises: all of it is frozen, plain and picklable; nothing here starts or knows a process.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from arena.errors import WorkerError

Fault = Literal["match", "machine", "worker", "timeout"]


@dataclass(frozen=True)
class JobError:
    """What a player returns instead of a result for a job that failed.

    Attributes:
        error: one sentence.
        traceback: of the exception, or "".
        blamed: names of those at fault, in the player's terms; empty when nobody is.
        fault: "machine" for trouble of the machine, which passes; `blamed` then names those whom it
            concerns, and nobody is at fault.
    """

    error: str
    traceback: str
    blamed: tuple[str, ...] = ()
    fault: Literal["match", "machine"] = "match"


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
        traceback: of the exception, or the last output of a worker that exited; may be empty.
        fault: "match" when this job's own code raised; "machine" when the machine was in trouble,
            which passes (`JobError.fault`); "worker" when the process exited, for which another job
            may be to blame; "timeout" when its process was killed for lack of progress.
        blamed: those whom the player names as being at fault (`JobError.blamed`).
        exit_code: of the worker that exited over this job, negative for a signal; None when none
            did, or when it was killed on purpose.
    """

    job_id: int
    error: str
    traceback: str
    fault: Fault
    blamed: tuple[str, ...] = ()
    exit_code: int | None = None


@dataclass(frozen=True)
class News:
    """Something that happened to the machines that jobs are played on, for the journal.

    Attributes:
        text: one sentence.
        level: "info" or "warning".
    """

    text: str
    level: Literal["info", "warning"] = "info"


class Arena(Protocol):
    """Where jobs are played.

    LocalArena plays them on processes of this machine, arena.cluster on those of a Ray cluster.
    """

    @property
    def is_ready(self) -> bool:
        """Whether jobs can be played: a worker is set up, or was."""

    @property
    def start_trouble(self) -> str | None:
        """What of the machine keeps workers from starting, while none runs; else None."""

    def submit(self, job_id: int, spec: object, *, alone: bool = False) -> None:
        """Queue a job under an id that no open job has; with `alone` it shares no call."""

    def poll(self, timeout_s: float) -> list[Done | Failed]:
        """Wait up to `timeout_s` for a job to be settled; return all settled ones."""

    def take_news(self) -> list[News]:
        """Return what happened to the machines that workers run on since the last call."""

    def close(self, grace_s: float) -> None:
        """End all processes; open jobs are forgotten."""


@dataclass(frozen=True)
class RestartLimits:
    """When a process that exited is restarted, and when it is not.

    Attributes:
        first_pause_s, longest_pause_s: pause before a restart; it doubles with each further
            unexpected exit in a row.
        max_deaths, deaths_window_s: this many unexpected exits within this many seconds end the
            attempts.
        max_early_deaths: this many deaths before any process was ever ready end them too: what is
            broken from the start, such as an import, does not mend itself.
        trouble_limit_s: deaths by trouble of the machine are not counted; they end the attempts
            when none has succeeded for so long, `inf` for never.
    """

    first_pause_s: float = 0.5
    longest_pause_s: float = 30.0
    max_deaths: int = 10
    deaths_window_s: float = 300.0
    max_early_deaths: int = 3
    trouble_limit_s: float = 600.0

    def __post_init__(self) -> None:
        _check_positive(self)


@dataclass(frozen=True)
class WorkerLimits:
    """Limits of the workers; None means off.

    Attributes:
        matches_per_worker: jobs that a worker plays in lock-step.
        lease_s: a playing worker whose tick count does not rise for this long is killed.
        match_limit_s: wall time of one call of the player, with or without progress.
        start_limit_s: for import and set-up, which may include compiling.
        recycle_after: jobs after which a worker is replaced, against slow leaks; the batch that it
            plays is finished first.
        restart: when workers that exited are replaced; the exits of all workers count together.
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
