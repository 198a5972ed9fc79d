"""Owns the line that says what a command is doing, for how long, and how much is left.

Promises: it is drawn on the terminal of standard error alone, once a command has taken two seconds
(a head-to-head from the first one on), and removed at its end; standard output has results only.
A time left is shown where the work has parts that can be counted; one call of a library, such as
tracing a network or importing torch, has none.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from league.cli.options import say_over

AFTER_S = 2.0
EVERY_S = 1.0


class Task:
    """What is being done; a thread draws it.

    Args:
        what: in the present tense, such as "copying the league".
        clock: seconds.
    """

    def __init__(self, what: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._what = what
        self._clock = clock
        self._began = clock()
        self._done, self._total = 0.0, 0.0
        self._first: tuple[float, float] | None = None

    @property
    def seconds(self) -> float:
        """For how long it has been done."""
        return self._clock() - self._began

    def update(self, done: float, total: float, what: str | None = None) -> None:
        """Take note that so much of all is done, and of what is done now.

        Less than before, or another total, is another task, with a time left of its own.
        """
        self._what = what or self._what
        is_another = total != self._total or done < self._done
        self._done, self._total = done, total
        if self._first is None or is_another:  # what an earlier run did was done at once
            self._first = (done, self._clock())

    def line(self) -> str:
        """Return the line: what is done, for how long, and about how much longer."""
        text = f"{self._what}, {duration(self.seconds)}"
        left = self.seconds_left()
        return text if left is None else f"{text}, about {duration(left)} left"

    def seconds_left(self) -> float | None:
        """Return how long the rest takes at the speed so far; None while that is not known."""
        if self._first is None or self._done >= self._total:
            return None
        first, at = self._first
        if self._done <= first:
            return None
        each_s = (self._clock() - at) / (self._done - first)
        return each_s * (self._total - self._done)


def duration(seconds: float) -> str:
    """Return seconds as 12 s, 3m20s or 1h05m."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


@contextmanager
def working(what: str, *, after_s: float = AFTER_S) -> Iterator[Task]:
    """Show a task while the block runs; yield it, for updates."""
    task = Task(what)
    if not sys.stderr.isatty():
        yield task
        return
    over = threading.Event()

    def draw() -> None:
        pause_s = after_s
        while not over.wait(pause_s):
            say_over(task.line())
            pause_s = EVERY_S

    thread = threading.Thread(target=draw, name="progress", daemon=True)
    thread.start()
    try:
        yield task
    finally:
        over.set()
        thread.join()
        say_over("")
