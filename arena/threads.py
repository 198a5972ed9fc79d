"""Threads that share the compiled work of many matches: the game's ticks and the observations.

The compiled code releases the GIL, and matches share no memory that is written, so that the result
is the same whatever the number of threads. Each thread gets one run of neighbouring items, as equal
in length as they can be; the caller's thread works on the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class MatchThreads:
    """A pool of `n_threads` threads, the caller's among them; it starts the others when needed."""

    def __init__(self, n_threads: int = 1) -> None:
        if n_threads < 1:
            raise ValueError(f"expected at least one thread, found {n_threads}")
        self.n_threads = n_threads
        self._pool: ThreadPoolExecutor | None = None

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """Return `function` of each item, in order.

        Raises:
            Exception: what the first of the items raised, after all threads have ended their runs.
        """
        n_runs = min(self.n_threads, len(items))
        if n_runs <= 1:
            return [function(item) for item in items]
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.n_threads - 1, thread_name_prefix="match")
        bounds = [len(items) * i // n_runs for i in range(n_runs + 1)]
        runs = [items[bounds[i] : bounds[i + 1]] for i in range(n_runs)]
        others = [self._pool.submit(_run, function, run) for run in runs[1:]]
        try:
            results = _run(function, runs[0])
        finally:
            _wait(others)
        for other in others:
            results += other.result()
        return results


def _run(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    return [function(item) for item in items]


def _wait(futures: Sequence[Future[Any]]) -> None:
    for future in futures:
        future.exception()
