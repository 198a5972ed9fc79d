"""Owns one place for a child process: start, messages, unexpected exit, restart, giving up.

Promises: a place holds at most one process; an unexpected exit (a `Death`) is described by what the
child reported that it raised, else by its exit code or signal, with its last output; the pause
before a restart doubles with each death in a row; after too many within the window of its
`DeathCount`, or a few before any process was ever ready, the place is given up. A death by trouble
of the machine, which passes, is not counted: the pauses grow, and the place is given up only when
that has lasted for as long as its limits say. Log records of the child are logged here. The arena's
workers and the learners both use this.
"""

from __future__ import annotations

import logging
import signal
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from arena.machine import is_machine_trouble
from arena.processes.jobs import RestartLimits
from arena.processes.launch import name_exit
from arena.processes.messages import Crashed, Record

logger = logging.getLogger(__name__)

# Somebody else ended a process that may be whole although it never came up.
_FROM_OUTSIDE = (-signal.SIGTERM, -9)

Clock = Callable[[], float]


class Process(Protocol):
    """The interface of a running child; `ChildProcess` is the real one."""

    @property
    def pid(self) -> int:
        """Process id."""

    @property
    def handles(self) -> Sequence[Any]:
        """Handles for `multiprocessing.connection.wait`."""

    @property
    def is_placed(self) -> bool:
        """Whether it has a machine to run on, for which it may have to wait."""

    @property
    def has_ended(self) -> bool:
        """Whether it has exited, or is about to."""

    def send(self, message: object) -> bool:
        """Send a message; return False when the child is gone."""

    def poll(self, limit: int | None = ...) -> list[object]:
        """Return the messages that have arrived; None reads all."""

    def hang_up(self) -> None:
        """Close the parent's end of the pipe."""

    def terminate(self) -> None:
        """Ask it to exit (SIGTERM)."""

    def kill(self) -> None:
        """Kill it (SIGKILL)."""

    def join(self, timeout_s: float) -> bool:
        """Wait for the exit; return False when it still runs."""

    def close(self, grace_s: float) -> int | None:
        """Wait for the exit, kill after `grace_s`; return the exit code."""

    def last_output(self) -> str:
        """Return the end of its output."""


class DeathCount:
    """Counts unexpected exits within a sliding window; several places may share one."""

    def __init__(self, limits: RestartLimits, clock: Clock = time.monotonic) -> None:
        self.limits = limits
        self._clock = clock
        self._times: deque[float] = deque()
        self._n_early: int | None = 0  # None from the moment that a process was ready

    def came_up(self) -> None:
        """Record that a process was ready: from now on deaths are counted in the window alone."""
        self._n_early = None

    @property
    def is_hopeless(self) -> bool:
        """Whether as many processes died as may, before any was ever ready."""
        return self._n_early is not None and self._n_early >= self.limits.max_early_deaths

    def add(self, *, early: bool = False) -> None:
        """Count a death now, perhaps one of a process that was never ready."""
        if early and self._n_early is not None:
            self._n_early += 1
        self._times.append(self._clock())

    @property
    def n(self) -> int:
        """Number of deaths counted within the window that ends now."""
        now = self._clock()
        while self._times and now - self._times[0] > self.limits.deaths_window_s:
            self._times.popleft()
        return len(self._times)


@dataclass(frozen=True)
class Death:
    """A process that exited without being told to.

    Attributes:
        reason: a predicate: "exited with code 9", "was killed by SIGKILL (..)", "could not be
            started: ..", or what the child itself reported.
        output: its traceback or last output; may be empty.
        n_deaths: number within the window of the place's `DeathCount`, this one included unless
            it is the machine's.
        pause_s: seconds until the restart; None when the place is given up.
        none_was_ready: it is given up since no process was ever ready.
        exit_code: negative for a signal; None when there was no process, or it was killed for the
            reason given.
        of_machine: trouble of the machine ended it.
    """

    reason: str
    output: str
    n_deaths: int
    pause_s: float | None
    none_was_ready: bool = False
    exit_code: int | None = None
    of_machine: bool = False

    @property
    def last_line(self) -> str:
        """The last line of the output, or ""."""
        return self.output.splitlines()[-1] if self.output else ""


class Place:
    """A place for one process, which is restarted when it exits.

    Args:
        name: of the process, for log records.
        start: starts a process; OSError, EOFError and MemoryError are a death.
        deaths: counts the deaths of this place, alone or with those of others.
        may_finish: an exit with code 0 means that the work is done; else it is a death as well.

    Attributes:
        process: the running process, or None.
        start_at: clock time of the next start while there is no process.
        given_up: whether no process will be started again.
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
        self._is_up = False
        self._trouble_since: float | None = None
        self._crashed: Crashed | None = None

    @property
    def is_due(self) -> bool:
        """Whether a process should be started now."""
        return self.process is None and not self.given_up and self._clock() >= self.start_at

    def start(self) -> Death | None:
        """Start a process; return a `Death` if that fails."""
        self._crashed, self._is_up = None, False
        try:
            self.process = self._start()
        except (OSError, EOFError, MemoryError) as error:
            of_machine = is_machine_trouble(error)
            said = f"could not be started: {error!r}"
            return self._count_death(said, "", early=True, of_machine=of_machine)
        return None

    def poll(self, limit: int | None = 1000) -> list[object]:
        """Return the child's messages except log records and crashes, which are handled here."""
        if self.process is None:
            return []
        return [m for m in self.process.poll(limit) if not self._take(m)]

    def _take(self, message: object) -> bool:
        if isinstance(message, Record):
            log_record(self.name, message)
        elif isinstance(message, Crashed):
            self._crashed = message
        else:
            return False
        return True

    def came_up(self) -> None:
        """Record that the process is set up."""
        self._is_up = True
        self._trouble_since = None
        self._deaths.came_up()

    def succeeded(self) -> None:
        """Record that the process did its work: the next death is the first in a row."""
        self.came_up()
        self._n_in_a_row = 0

    def take_death(self, reason: str | None = None) -> Death | None:
        """Release a process that has exited or was killed; plan the next start.

        Call it after `poll(None)` has read all messages.

        Args:
            reason: why it was killed; None takes it from the exit.

        Returns:
            None when the process is done (see `may_finish`); the place is given up then.
        """
        exit_code, output = self._let_go()
        own_exit = exit_code if reason is None else None
        of_machine = False
        if reason is None and self._crashed is not None:
            reason, output = self._crashed.reason, self._crashed.traceback
            of_machine = self._crashed.of_machine
        if reason is None and exit_code == 0 and self._may_finish:
            self.given_up = True
            return None
        early = not self._is_up and exit_code not in _FROM_OUTSIDE
        said = reason or name_exit(exit_code)
        return self._count_death(said, output, own_exit, early=early, of_machine=of_machine)

    def replace(self) -> str:
        """Release a process that was killed on purpose, which does not count as a death.

        The next start is due immediately. Returns the last output.
        """
        _, output = self._let_go()
        self.start_at = self._clock()
        return output

    def detach(self) -> Process:
        """Hand the running process to the caller; the next start is due immediately."""
        process = self._running()
        self.process, self.start_at = None, self._clock()
        return process

    def _running(self) -> Process:
        assert self.process is not None  # only called for places that have one
        return self.process

    def _let_go(self) -> tuple[int | None, str]:
        process = self._running()
        exit_code = process.close(1.0)  # the pipe may close a moment before the process exits
        self.process = None
        return exit_code, process.last_output()

    def _count_death(
        self,
        reason: str,
        output: str,
        exit_code: int | None = None,
        *,
        early: bool,
        of_machine: bool = False,
    ) -> Death:
        limits, now = self._deaths.limits, self._clock()
        if of_machine:
            self._trouble_since = now if self._trouble_since is None else self._trouble_since
            hopeless = False
            is_last = now - self._trouble_since >= limits.trouble_limit_s
        else:
            self._trouble_since = None
            self._deaths.add(early=early)
            hopeless = self._deaths.is_hopeless
            is_last = hopeless or self._deaths.n >= limits.max_deaths
        n_deaths = self._deaths.n
        pause_s = min(
            limits.first_pause_s * 2.0 ** min(self._n_in_a_row, 60), limits.longest_pause_s
        )
        self._n_in_a_row += 1
        self.start_at = now + pause_s
        self.given_up = is_last
        pause = None if self.given_up else pause_s
        death = Death(reason, output, n_deaths, pause, hopeless, exit_code, of_machine)
        said = f"; its last line: {death.last_line}" if death.last_line else ""
        following = "not restarted" if self.given_up else f"restarting in {pause_s:g} s"
        logger.warning("%s %s%s; %s", self.name, reason, said, following)
        if output:  # where the machine failed, its traceback says nothing about the program
            level = logging.DEBUG if of_machine else logging.INFO
            logger.log(level, "last output of %s:\n%s", self.name, output)
        return death


def end_all(processes: Sequence[Process], grace_s: float) -> None:
    """Send SIGTERM to all, SIGKILL to those that still run after `grace_s`."""
    for process in processes:
        process.terminate()
    ends = time.monotonic() + grace_s
    for process in processes:
        process.close(ends - time.monotonic())


def log_record(name: str, record: Record) -> None:
    """Log a child's record as if it had been made here."""
    target = logging.getLogger(record.name)
    if target.isEnabledFor(record.level):
        text = f"[{name}] {record.text}"
        target.handle(
            target.makeRecord(record.name, record.level, record.path, record.line, text, (), None)
        )
