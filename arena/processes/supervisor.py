"""Owns the life of one place for a child process: start, messages, death, next start, giving up.

Promises: a place holds at most one process; a death is described by what the child said it raised,
else by its exit code or signal, with its last output; the next start waits twice as long after each
death in a row; after too many deaths within the window of its `DeathCount` the place is given up.
Log records of the child are logged here. Workers of the arena and learners are both run by this.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from arena.processes.jobs import RestartLimits
from arena.processes.launch import name_exit
from arena.processes.messages import Crashed, Record

logger = logging.getLogger(__name__)

Clock = Callable[[], float]


class Process(Protocol):
    """What a place needs of a running child; `ChildProcess` is the real one."""

    @property
    def pid(self) -> int:
        """Process id."""

    @property
    def handles(self) -> Sequence[Any]:
        """What `multiprocessing.connection.wait` can wait for."""

    @property
    def has_ended(self) -> bool:
        """Whether it has exited, or is about to."""

    def send(self, message: object) -> bool:
        """Send a message; False when the child is gone."""

    def poll(self, limit: int | None = ...) -> list[object]:
        """Return the messages that have arrived; None reads all."""

    def hang_up(self) -> None:
        """Close our end of the pipe."""

    def terminate(self) -> None:
        """Ask it to end (SIGTERM)."""

    def kill(self) -> None:
        """End it (SIGKILL)."""

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; False when it still runs."""

    def close(self, grace_s: float) -> int | None:
        """Wait for the end, kill after `grace_s`; returns the exit code."""

    def last_output(self) -> str:
        """Return the end of its output."""


class DeathCount:
    """Deaths within a sliding window; several places may share one."""

    def __init__(self, limits: RestartLimits, clock: Clock = time.monotonic) -> None:
        self.limits = limits
        self._clock = clock
        self._times: deque[float] = deque()

    def add(self) -> int:
        """Count a death now; returns the number within the window."""
        now = self._clock()
        self._times.append(now)
        while now - self._times[0] > self.limits.deaths_window_s:
            self._times.popleft()
        return len(self._times)


@dataclass(frozen=True)
class Death:
    """A process that ended without being told to.

    Attributes:
        reason: "died: SIGKILL (..)", "could not be started: ..", or what the child itself said.
        output: its traceback or last output; may be empty.
        n_deaths: within the window of the place's `DeathCount`, this one included.
        pause_s: until the next start; None when the place is given up.
    """

    reason: str
    output: str
    n_deaths: int
    pause_s: float | None

    @property
    def last_line(self) -> str:
        """The last line of the output, or ""."""
        return self.output.splitlines()[-1] if self.output else ""


class Place:
    """A place for one process, filled again when the process dies.

    Args:
        name: of the process, for log records.
        start: starts a process; OSError and EOFError count as a death.
        deaths: counts this place's deaths, alone or with those of others.
        may_finish: an exit with code 0 means that the work is done; otherwise it is a death, too.

    Attributes:
        process: the running one, or None.
        start_at: clock time of the next start while there is none.
        given_up: there will be none.
    """

    def __init__(
        self,
        name: str,
        start: Callable[[], Process],
        deaths: DeathCount,
        *,
        may_finish: bool = False,
        clock: Clock = time.monotonic,
    ) -> None:
        self.name = name
        self.process: Process | None = None
        self.start_at = clock()
        self.given_up = False
        self._start, self._deaths, self._clock = start, deaths, clock
        self._may_finish = may_finish
        self._n_in_a_row = 0
        self._crashed: Crashed | None = None

    @property
    def is_due(self) -> bool:
        """Whether a process should be started now."""
        return self.process is None and not self.given_up and self._clock() >= self.start_at

    def start(self) -> Death | None:
        """Start a process; returns a death when that fails."""
        self._crashed = None
        try:
            self.process = self._start()
        except (OSError, EOFError) as error:
            return self._count_death(f"could not be started: {error!r}", "")
        return None

    def poll(self, limit: int | None = 1000) -> list[object]:
        """Return the child's messages but for log records and crashes, which are dealt with."""
        if self.process is None:
            return []
        return [m for m in self.process.poll(limit) if not self._take(m)]

    def _take(self, message: object) -> bool:
        if isinstance(message, Record):
            _log(self.name, message)
        elif isinstance(message, Crashed):
            self._crashed = message
        else:
            return False
        return True

    def succeeded(self) -> None:
        """Note that the process did what it is for: the next death is the first in a row."""
        self._n_in_a_row = 0

    def take_death(self, reason: str | None = None) -> Death | None:
        """Let go of a process that has ended or was killed; plan the next start.

        Call it when `poll(None)` has read all messages.

        Args:
            reason: why it was killed; None finds out.

        Returns:
            None when the process is done (see `may_finish`); the place is given up then.
        """
        exit_code, output = self._let_go()
        if reason is None and self._crashed is not None:
            reason, output = self._crashed.reason, self._crashed.traceback
        if reason is None and exit_code == 0 and self._may_finish:
            self.given_up = True
            return None
        return self._count_death(reason or f"died: {name_exit(exit_code)}", output)

    def replace(self) -> str:
        """Let go of a process that was killed for good reason, which counts as no death.

        The next start is due immediately. Returns the last output.
        """
        _, output = self._let_go()
        self.start_at = self._clock()
        return output

    def detach(self) -> Process:
        """Hand the running process over to the caller; the next start is due immediately."""
        process = self._running()
        self.process, self.start_at = None, self._clock()
        return process

    def _running(self) -> Process:
        assert self.process is not None  # only called for places that have one
        return self.process

    def _let_go(self) -> tuple[int | None, str]:
        process = self._running()
        exit_code = process.close(1.0)  # the pipe may close a moment before the process ends
        self.process = None
        return exit_code, process.last_output()

    def _count_death(self, reason: str, output: str) -> Death:
        limits = self._deaths.limits
        n_deaths = self._deaths.add()
        pause_s = min(
            limits.first_pause_s * 2.0 ** min(self._n_in_a_row, 60), limits.longest_pause_s
        )
        self._n_in_a_row += 1
        self.start_at = self._clock() + pause_s
        self.given_up = n_deaths >= limits.max_deaths
        death = Death(reason, output, n_deaths, None if self.given_up else pause_s)
        said = f"; its last line: {death.last_line}" if death.last_line else ""
        following = "given up" if self.given_up else f"next start in {pause_s:g} s"
        logger.warning("%s %s%s; %s", self.name, reason, said, following)
        if output:
            logger.info("last output of %s:\n%s", self.name, output)
        return death


def end_all(processes: Sequence[Process], grace_s: float) -> None:
    """SIGTERM to all, SIGKILL to those that still run after `grace_s`."""

    for process in processes:
        process.terminate()
    ends = time.monotonic() + grace_s
    for process in processes:
        process.close(ends - time.monotonic())


def _log(name: str, record: Record) -> None:
    """Log a child's record as if it had been made here."""
    target = logging.getLogger(record.name)
    if target.isEnabledFor(record.level):
        text = f"[{name}] {record.text}"
        target.handle(
            target.makeRecord(record.name, record.level, record.path, record.line, text, (), None)
        )
