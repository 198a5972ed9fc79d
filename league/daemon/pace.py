"""How many matches the arena can still finish before a run that has an end (`league start --for`).

Promises: without an end, or before the first match has ended, it holds nothing back. Pure numbers
and an injected clock.
"""

from __future__ import annotations

import time

from arena.processes.supervisor import Clock


class Pace:
    """Measures how fast matches end, and says how many more have time to.

    What is in play when the league stops is played again at the next start: near the end of a run
    it would only take the processor from the learners.

    Args:
        ends: the clock's time at which the run ends, or None.
    """

    def __init__(self, ends: float | None, clock: Clock = time.monotonic) -> None:
        self._ends = ends
        self._clock = clock
        self._since: float | None = None  # the first match was begun
        self._n_finished = 0

    def began(self) -> None:
        """Take note that a match is handed to the arena."""
        if self._since is None:
            self._since = self._clock()

    def finished(self) -> None:
        """Take note that a match has ended."""
        self._n_finished += 1

    def room(self, n_open: int) -> int | None:
        """Return how many more matches will end in time; None if all will, or nobody knows.

        Args:
            n_open: matches that are in play already, and end first.
        """
        if self._ends is None or self._since is None or self._n_finished == 0:
            return None
        now = self._clock()
        per_s = self._n_finished / max(now - self._since, 1e-9)
        return max(0, int((self._ends - now) * per_s) - n_open)
