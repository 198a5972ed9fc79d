"""Owns the parent's view of one worker, and the small print of starting and ending processes.

Promises: no decisions; what is done when a worker dies or hangs is `arena.processes.local_arena`' business.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import connection, resource_tracker
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from arena.processes.child import ONE_THREAD
from arena.processes.jobs import Done, Failed, JobError, Stage

_LAST_WORDS_BYTES = 3000


class WorkerPlace:
    """The parent's side of one place in the pool: a process, its pipe and its jobs."""

    def __init__(self, index: int, output_path: Path) -> None:
        self.index = index
        self.output_path = output_path
        self.process: BaseProcess | None = None
        self.pipe: connection.Connection | None = None
        self.state: Stage = "down"
        self.jobs: dict[int, bytes] = {}
        self.ticks = 0
        self.n_played = 0
        self.n_deaths_in_a_row = 0
        self.start_at = 0.0  # monotonic time of the next start, while down
        self.lease_ends = 0.0
        self.limit_ends = float("inf")
        self.reason_unfit: tuple[str, str] | None = None

    @property
    def deadline(self) -> float:
        if self.state in ("starting", "playing"):
            return min(self.lease_ends, self.limit_ends)
        return self.start_at if self.state == "down" else float("inf")

    def last_words(self) -> str:
        """Return the end of what the process wrote to stdout and stderr."""
        with suppress(OSError), self.output_path.open("rb") as stream:
            stream.seek(max(self.output_path.stat().st_size - _LAST_WORDS_BYTES, 0))
            return stream.read().decode("utf-8", "replace").strip()
        return ""


def settle(job_id: int, outcome: bytes | JobError) -> Done | Failed:
    if isinstance(outcome, JobError):
        return Failed(job_id, outcome.error, outcome.traceback, "match")
    try:
        return Done(job_id, pickle.loads(outcome))
    except Exception as error:  # whatever a foreign class raises
        return Failed(job_id, f"the result cannot be read: {error!r}", "", "match")


def log_for_worker(
    index: int | str, name: str, level: int, text: str, path: str, line: int
) -> None:
    """Log a worker's record as if it had been made here."""
    target = logging.getLogger(name)
    if target.isEnabledFor(level):
        who = f"worker {index}" if isinstance(index, int) else index
        message = f"[{who}] {text}" if isinstance(index, int) else f"[{index}] {text}"
        target.handle(target.makeRecord(name, level, path, line, message, (), None))


def name_exit(exit_code: int | None) -> str:
    if exit_code is None or exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = f"signal {-exit_code}"
    hint = " (killed from outside, or out of memory)" if name == "SIGKILL" else ""
    return f"{name}{hint}"


def process_context(preload: Sequence[str]) -> ForkServerContext | SpawnContext:
    """Return the way in which processes are started; never fork, where threads would deadlock."""
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["arena.processes.worker", *preload])
    return context


@contextmanager
def birth_environment() -> Iterator[None]:
    """Start processes with one numeric thread each and SIGINT blocked; then restore ours.

    They ignore SIGINT by themselves later, but Ctrl-C during their first imports would print a
    traceback for each. The resource tracker comes first: starting it unblocks SIGINT.
    """
    before = {key: os.environ.get(key) for key in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    if sys.platform != "win32":
        resource_tracker.ensure_running()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
