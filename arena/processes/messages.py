"""The messages between a child process and its parent over one pipe: frozen and picklable.

`Record` and `Crashed` come from any child; the others belong to a worker (arena.processes.worker).
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field

from arena.machine import is_machine_trouble
from arena.processes.jobs import JobError


@dataclass(frozen=True)
class Birth:
    """What every child is told when it starts.

    Attributes:
        output_path: file that stdout and stderr go to.
        log_level: log records below it stay in the child.
        die_with_server: have the kernel send SIGKILL when the process that forked this one exits.
            Only for children of a fork server: the kernel watches the forking *thread*, which
            may end elsewhere.
        environment: variables to set, or to remove (None), before anything else is started: what
            only Python's start of this process needed.
        address: of this machine, as the other machines of a cluster reach it; "" where there are
            none.
    """

    output_path: str
    log_level: int
    die_with_server: bool
    environment: Mapping[str, str | None] = field(default_factory=dict)
    address: str = ""


@dataclass(frozen=True)
class Record:
    """A log record of the child, already formatted, so that it needs no imports."""

    name: str
    level: int
    text: str
    path: str
    line: int


@dataclass(frozen=True)
class Crashed:
    """The child's own code raised; the process exits with `EXIT_CRASHED` after this.

    Attributes:
        reason: the predicate to the child's name in a sentence: "failed: ValueError: ..".
        of_machine: whether the machine, which may get well by itself, made it raise.
    """

    reason: str
    traceback: str
    of_machine: bool = False

    @classmethod
    def of(cls, what: str, error: BaseException) -> Crashed:
        """Return what to say of an exception that is being handled; `what` is the verb."""
        said = " ".join(f"{type(error).__name__}: {error}".split())
        return cls(f"{what}: {said}", traceback.format_exc(), is_machine_trouble(error))


@dataclass(frozen=True)
class Placed:
    """A worker that had to wait for room on some machine has it, and begins to start."""


@dataclass(frozen=True)
class WorkerReady:
    """The worker is set up and waiting for jobs."""


@dataclass(frozen=True)
class PlayJobs:
    """To a worker: play these jobs, (job id, pickled spec) each, in one call."""

    jobs: tuple[tuple[int, bytes], ...]


@dataclass(frozen=True)
class CallBegan:
    """The player is being called; its ticks start at 0."""


@dataclass(frozen=True)
class Ticked:
    """The running call has played this many ticks so far."""

    ticks: int


@dataclass(frozen=True)
class Outcomes:
    """Pickled results, or errors, by job id."""

    outcomes: tuple[tuple[int, bytes | JobError], ...]


@dataclass(frozen=True)
class WorkerIdle:
    """All jobs of the order are settled."""
