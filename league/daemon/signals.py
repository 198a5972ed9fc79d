"""The signals that stop a league: the first one is counted, the second one raises.

Promises: a SIGHUP that was ignored at the start (`nohup`, `--detach`) stays ignored; handlers are
as before when it is over.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class StoppedEarly(BaseException):
    """The first signal came while the league was starting and had nothing to commit."""


class StopSignals:
    """Counts the signals to stop inside a `with` block; the second one raises KeyboardInterrupt.

    Attributes:
        n: number of signals so far.
    """

    def __init__(self) -> None:
        self.n = 0
        self._raises = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopSignals:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # nohup, or detached: to go on is what was asked for
            self._before[number] = signal.signal(number, self._count)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def raising(self) -> Iterator[None]:
        """Raise StoppedEarly inside this block when the first signal comes, or has come.

        For long work that nothing is lost with, such as compiling.
        """
        self._raises = True
        try:
            if self.n:
                raise StoppedEarly
            yield
        finally:
            self._raises = False

    def _count(self, number: int, frame: object) -> None:
        self.n += 1
        if self.n == 2:  # a third one must not interrupt the killing
            raise KeyboardInterrupt
        if self.n == 1 and self._raises:
            raise StoppedEarly
