"""Owns the inside of one worker process: import, play what comes down the pipe, send up results.

Promises: the worker writes nothing to the terminal (its output goes to a file that the parent
reads when the worker dies, its log records go up the pipe), ignores SIGINT, leaves on SIGTERM,
and leaves at once when the parent is gone. An exception in a match is a result, not a death.
"""

from __future__ import annotations

import logging
import os
import pickle
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import connection
from typing import Any, cast

from arena.processes.child import EXIT_UNFIT, Link, begin, describe, find_function
from arena.processes.jobs import JobError

PROGRESS_INTERVAL_S = 0.5  # a pipe holds minutes of such messages while the parent is busy
MAX_OUTPUT_BYTES = 2**20

Player = Callable[[Any, Sequence[Any], Callable[[int], None]], Sequence[object]]


@dataclass(frozen=True)
class WorkerOrders:
    """What a worker is told at its birth.

    Attributes:
        play, setup: "module:function"; without a setup the context is `settings` itself.
        settings: the argument of setup.
        output_path: file that stdout and stderr go to.
        log_level: records below it stay in the worker.
        die_with_server: have the kernel send SIGKILL when the process that forked this one dies.
            Only right below a fork server: the kernel watches the forking *thread*, which
            elsewhere may just end.
    """

    play: str
    setup: str | None
    settings: Mapping[str, object]
    output_path: str
    log_level: int
    die_with_server: bool


def run_worker(pipe: connection.Connection, orders: WorkerOrders) -> None:
    """Play batches until the parent closes the pipe; the target of the process."""
    link = begin(
        pipe,
        output_path=orders.output_path,
        die_with_server=orders.die_with_server,
        log_level=orders.log_level,
    )
    try:
        play = cast(Player, find_function(orders.play))
        context: Any = orders.settings
        if orders.setup is not None:
            context = find_function(orders.setup)(orders.settings)
    except (Exception, SystemExit) as error:
        link.send("unfit", describe(error), traceback.format_exc())
        sys.exit(EXIT_UNFIT)
    link.send("ready")
    while (order := link.receive()) is not None:
        _limit_output()
        _play_batch(play, context, order[1], link)


def _play_batch(play: Player, context: Any, jobs: Sequence[tuple[int, bytes]], link: Link) -> None:
    """Play jobs together; if that raises, one by one, so that only the guilty one fails."""
    outcomes = _try_to_play(play, context, jobs, link)
    if isinstance(outcomes, JobError) and len(jobs) > 1:
        logging.getLogger(__name__).warning(
            "a batch of %d matches raised %s; playing them one by one", len(jobs), outcomes.error
        )
        for job in jobs:
            alone = _try_to_play(play, context, [job], link)
            link.send("outcomes", [(job[0], alone if isinstance(alone, JobError) else alone[0])])
    elif isinstance(outcomes, JobError):
        link.send("outcomes", [(jobs[0][0], outcomes)])
    else:
        link.send(
            "outcomes", [(job[0], outcome) for job, outcome in zip(jobs, outcomes, strict=True)]
        )
    link.send("idle")


def _try_to_play(
    play: Player, context: Any, jobs: Sequence[tuple[int, bytes]], link: Link
) -> list[bytes | JobError] | JobError:
    """Return a pickled result or an error for each job, or one error for the whole call."""
    link.send("playing", len(jobs))
    try:
        specs = [pickle.loads(pickled) for _, pickled in jobs]
        results = list(play(context, specs, _Progress(link)))
        if len(results) != len(jobs):
            raise ValueError(f"the player returned {len(results)} results for {len(jobs)} jobs")
    except (Exception, SystemExit) as error:
        return JobError(describe(error), traceback.format_exc())
    return [_pack(result) for result in results]


def _pack(result: object) -> bytes | JobError:
    if isinstance(result, JobError):
        return result
    if isinstance(result, BaseException):
        return JobError(describe(result), "".join(traceback.format_exception(result)))
    try:
        return pickle.dumps(result)
    except Exception as error:
        return JobError(f"the result cannot be sent: {describe(error)}", traceback.format_exc())


class _Progress:
    """Tells the parent, not too often, how many ticks of the running call have been played."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._sent_at = -PROGRESS_INTERVAL_S

    def __call__(self, ticks: int) -> None:
        now = time.monotonic()
        if now - self._sent_at >= PROGRESS_INTERVAL_S:
            self._sent_at = now
            self._link.send("progress", int(ticks))


def _limit_output() -> None:
    if os.fstat(2).st_size > MAX_OUTPUT_BYTES:
        os.ftruncate(2, 0)
