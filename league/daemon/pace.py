"""How many matches to play at a time in a run that has an end (`league start --for`).

Promises: without an end it changes nothing. Pure numbers and an injected clock.
"""

from __future__ import annotations

import time

from arena.processes.supervisor import Clock

FIRST_BATCH = 4  # matches, while nobody knows how fast they end
BATCHES_PER_RUN = 10  # at least so many rounds of results, in each of which new members may play


class Pace:
    """Measures how fast matches end, and says how many to begin.

    The matches of a batch end together. On a slow machine a whole batch takes minutes, so that a
    short run would show few results and none of its last snapshots: its batches are smaller. What
    is in play when the league stops is played again at the next start: near the end of a run it
    would only take the processor from the learners.

    Args:
        ends: the clock's time at which the run ends, or None.
        n_workers: processes that play a batch each.
    """

    def __init__(
        self, ends: float | None, n_workers: int = 1, clock: Clock = time.monotonic
    ) -> None:
        self._ends = ends
        self._n_workers = n_workers
        self._clock = clock
        self._run_s = 0.0 if ends is None else max(0.0, ends - clock())
        self._since: float | None = None  # the first match was begun
        self._n_finished = 0

    def began(self) -> None:
        """Take note that a match is handed to the arena."""
        if self._since is None:
            self._since = self._clock()

    def finished(self) -> None:
        """Take note that a match has ended."""
        self._n_finished += 1

    def batch(self, full: int) -> int:
        """Return how many matches to play in lock-step, at most `full`."""
        if self._ends is None:
            return full
        per_s = self._per_s()
        if per_s is None:
            return min(full, FIRST_BATCH)
        within = self._run_s / BATCHES_PER_RUN * per_s / self._n_workers
        return max(1, min(full, int(within)))

    def room(self, n_open: int) -> int | None:
        """Return how many more matches will end in time; None if all will, or nobody knows.

        Args:
            n_open: matches that are in play already, and end first.
        """
        per_s = self._per_s()
        if self._ends is None or per_s is None:
            return None
        return max(0, int((self._ends - self._clock()) * per_s) - n_open)

    def _per_s(self) -> float | None:
        if self._since is None or self._n_finished == 0:
            return None
        return self._n_finished / max(self._clock() - self._since, 1e-9)
