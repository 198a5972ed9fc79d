"""Owns how often a part of the screen is read anew, so that the screen stays cheap beside a league.

Promises: a part takes at most its share of one core, however long the league is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Pace:
    """Says when a part may be read again: when its last reading was a small part of the time since.

    Args:
        share: of one core that it may take.
        least_s: seconds between two readings at least.
        clock, cpu_clock: of time, and of the CPU time of this thread.
    """

    def __init__(
        self,
        share: float,
        least_s: float,
        clock: Callable[[], float] = time.monotonic,
        cpu_clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self._share, self._least_s = share, least_s
        self._clock, self._cpu_clock = clock, cpu_clock
        self._due = float("-inf")

    @property
    def is_due(self) -> bool:
        """Whether the part may be read now."""
        return self._clock() >= self._due

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Measure what a reading takes, and put off the next one accordingly."""
        began = self._cpu_clock()
        try:
            yield
        finally:
            spent = self._cpu_clock() - began
            self._due = self._clock() + max(self._least_s, spent / self._share)
