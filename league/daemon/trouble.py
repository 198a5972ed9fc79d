"""What the daemon does while the machine is in trouble: pause, say so, try again, up to a limit.

Owns which errors are the machine's and may pass by themselves (a full disk, a locked or restarting
database, too few file handles), and how long to wait for that. Promises: pauses double up to a
longest one; a full disk is waited for without a limit, everything else for `database.patience_s`,
and the last attempt is made when that is over; whoever waits hears a signal within a second, and
the workers and learners are listened to meanwhile, so that nothing they finish is lost.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Protocol

from arena.machine import MACHINE_ERRNOS
from db.errors import DatabaseBusyError, DatabaseFullError, DatabaseUnreachableError
from league.daemon.lock import add_to_note, read_note
from league.errors import LeagueError
from league.folder.layout import LeagueFolder
from league.folder.room import DISK_FULL_ERRNOS, describe_disk_full, find_shortage

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
LISTEN_S = 0.2  # how long one call of `listen` may take: a signal is noticed after it
EXIT_TROUBLE = 75  # "temporary failure" of sysexits.h: a supervisor may start the league again

Kind = Literal["disk_full", "database", "machine"]
# An error of the database says in its text what is the matter.
_NAMES: dict[Kind, str] = {"disk_full": "the disk is full", "machine": "the machine is in trouble"}


class TroubleError(LeagueError):
    """Trouble of the machine that did not pass within the limit; the league was stopped cleanly."""

    exit_code = EXIT_TROUBLE


@dataclass(frozen=True)
class Trouble:
    """An error of the machine that may pass by itself."""

    kind: Kind
    text: str

    @property
    def is_limited(self) -> bool:
        """Whether waiting has a limit: for a full disk it has none, since a person frees it."""
        return self.kind != "disk_full"

    def __str__(self) -> str:
        said = " ".join(self.text.split())  # a server answers in several lines
        name = _NAMES.get(self.kind, "")
        return said if said.startswith(name) else f"{name} ({said})"


@dataclass(frozen=True)
class PassedTrouble:
    """Trouble that is over: the last one, how long it lasted, and how often was tried meanwhile."""

    trouble: Trouble
    seconds: float
    n_attempts: int


def trouble_of(error: BaseException) -> Trouble | None:
    """Return what of the machine the error says, or None if it is somebody else's fault."""
    text = str(error) or type(error).__name__
    if isinstance(error, DatabaseFullError):
        return Trouble("disk_full", text)
    if isinstance(error, DatabaseBusyError | DatabaseUnreachableError):
        return Trouble("database", text)
    if isinstance(error, MemoryError):
        return Trouble("machine", text)
    if isinstance(error, OSError) and error.errno in DISK_FULL_ERRNOS:
        return Trouble("disk_full", text)
    if isinstance(error, OSError) and error.errno in MACHINE_ERRNOS:
        return Trouble("machine", text)
    return None


class Patience:
    """How long to wait: pauses that double, and the limit.

    Args:
        limit_s: seconds since the first failure after which limited trouble ends the league.
    """

    def __init__(self, limit_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit_s = limit_s
        self._clock = clock
        self._began: float | None = None
        self._limited_since: float | None = None
        self._n_failures = 0
        self._last: Trouble | None = None

    def next_pause_s(self, trouble: Trouble) -> float:
        """Count one more failure, and return how long to wait before the next attempt.

        Raises:
            TroubleError: it has lasted for as long as the limit allows.
        """
        now = self._clock()
        pause_s = min(FIRST_PAUSE_S * 2.0**self._n_failures, LONGEST_PAUSE_S)
        self._began = now if self._began is None else self._began
        self._n_failures += 1
        self._last = trouble
        if not trouble.is_limited:
            self._limited_since = None
            return pause_s
        if self._limited_since is None:
            self._limited_since = now
        left_s = self._limit_s - (now - self._limited_since)
        if left_s <= 0.0:
            raise TroubleError(
                f"{trouble}; waited {self._limit_s:.0f} s (database.patience_s) for its end, in "
                "vain: the league stops; repair it, then `league start` goes on"
            )
        return min(pause_s, left_s)

    @property
    def waited_s(self) -> float:
        """Seconds since the first failure; 0 when there is no trouble."""
        return 0.0 if self._began is None else self._clock() - self._began

    def passed(self) -> PassedTrouble | None:
        """Return the trouble that the last attempt ended; None when there was none."""
        if self._last is None:
            return None
        return PassedTrouble(self._last, self.waited_s, self._n_failures)

    def forget(self) -> None:
        """Begin anew: the next failure is the first one."""
        self._began = self._limited_since = self._last = None
        self._n_failures = 0


class Listener(Protocol):
    """What waiting needs of the manager."""

    def listen(self, timeout_s: float) -> None:
        """Take in what workers and learners send, without writing anything."""

    def trouble_passed(self, passed: PassedTrouble) -> None:
        """Write into the journal what happened, and look for what an unsure commit left behind."""


class Pauses:
    """The pauses of a running league.

    Args:
        say: shows a line to the user.
        show: makes the pause known to `league status` and on the screen; None ends it.
        must_stop: whether a signal or the time has ended the league.
        sign: leaves a sign of life.
        explain: returns what is needed for the trouble to end, or "".
    """

    def __init__(
        self,
        manager: Listener,
        patience: Patience,
        *,
        say: Callable[[str], None],
        show: Callable[[Trouble | None], None],
        must_stop: Callable[[], bool],
        sign: Callable[[], None],
        explain: Callable[[Trouble], str] = lambda trouble: "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._manager = manager
        self._patience = patience
        self._say, self._show, self._sign = say, show, sign
        self._must_stop, self._explain = must_stop, explain
        self._clock = clock

    def wait(self, error: Exception) -> None:
        """Wait after a round that failed; raise the error if it is not the machine's.

        Raises:
            TroubleError: the limit is reached.
        """
        trouble = trouble_of(error)
        if trouble is None:
            raise error
        pause_s = self._patience.next_pause_s(trouble)
        so_far = f"pausing for {pause_s:.0f} s, {self._patience.waited_s:.0f} s so far"
        text = f"{trouble}{self._explain(trouble)}; {so_far}"
        _quietly(log.error, text)
        _quietly(self._say, text)
        _quietly(self._show, trouble)
        ends = self._clock() + pause_s
        while self._clock() < ends and not self._must_stop():
            self._manager.listen(LISTEN_S)
            _quietly(self._sign)

    def end(self) -> None:
        """End the pause after a round that succeeded, and write it into the journal."""
        passed = self._patience.passed()
        if passed is None:
            return
        self._manager.trouble_passed(passed)  # if this fails, the pause goes on
        self._patience.forget()
        text = f"the league goes on after {passed.seconds:.0f} s: {passed.trouble}"
        _quietly(log.warning, text)
        _quietly(self._say, text)
        _quietly(self._show, None)


def note_pause(folder: LeagueFolder, trouble: Trouble | None) -> None:
    """Write into the note of the lock what the league waits for; None: for nothing any more."""
    if trouble is None:
        add_to_note(folder, paused=None, paused_kind=None, paused_since=None)
        return
    note = read_note(folder)
    began = note.get("paused_since") or datetime.now(UTC).isoformat(timespec="seconds")
    add_to_note(folder, paused=str(trouble), paused_kind=trouble.kind, paused_since=began)


def explain(folder: LeagueFolder, trouble: Trouble) -> str:
    """Return what trouble needs to end, as an addition to its text; "" if that is plain."""
    if trouble.kind != "disk_full":
        return ""
    needed = describe_disk_full(folder, find_shortage(folder)).removeprefix("disk full, ")
    return f", {needed}"


def _quietly(report: Callable[..., object], *arguments: object) -> None:
    """Report trouble; nothing that does so may add to it (a full disk, a closed terminal)."""
    try:
        report(*arguments)
    except Exception as error:
        logging.getLogger(__name__).debug("a report failed: %r", error)
