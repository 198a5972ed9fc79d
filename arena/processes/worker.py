"""Owns the inside of a worker process: import, play the jobs that it receives, return results.

Promises: those of every child (arena.processes.child); an exception in a match becomes a result and
does not end the process; the worker exits when the parent closes the pipe.
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
from typing import Any, Literal, cast

from arena.machine import is_machine_trouble
from arena.processes.child import EXIT_CRASHED, Link, begin, describe, find_function
from arena.processes.jobs import JobError
from arena.processes.messages import (
    Birth,
    CallBegan,
    Crashed,
    Outcomes,
    PlayJobs,
    Ticked,
    WorkerIdle,
    WorkerReady,
)

PROGRESS_INTERVAL_S = 0.5  # a pipe can hold minutes of these messages while the parent is busy
MAX_OUTPUT_BYTES = 2**20

Player = Callable[[Any, Sequence[Any], Callable[[int], None]], Sequence[object]]


@dataclass(frozen=True)
class WorkerOrders:
    """What a worker is told when it starts.

    Attributes:
        play, setup: "module:function"; without a setup the context is `settings` itself.
        settings: the argument of setup.
    """

    play: str
    setup: str | None
    settings: Mapping[str, object]


def run_worker(pipe: connection.Connection, birth: Birth, orders: WorkerOrders) -> None:
    """Play batches until the parent closes the pipe; this is the target of the process."""
    link = begin(pipe, birth)
    try:
        play = cast(Player, find_function(orders.play))
        context: Any = orders.settings
        if orders.setup is not None:
            context = find_function(orders.setup)(orders.settings)
    except (Exception, SystemExit) as error:
        link.send(Crashed.of("could not set up its player", error))
        sys.exit(EXIT_CRASHED)
    link.send(WorkerReady())
    while isinstance(order := link.receive(), PlayJobs):
        _limit_output()
        _play_batch(play, context, order.jobs, link)


def _play_batch(play: Player, context: Any, jobs: Sequence[tuple[int, bytes]], link: Link) -> None:
    """Play jobs together; if that raises, one by one, so that only the faulty one fails."""
    outcomes = _try_to_play(play, context, jobs, link)
    if isinstance(outcomes, JobError) and len(jobs) > 1:
        logging.getLogger(__name__).warning(
            "a batch of %d matches raised %s; playing them one by one", len(jobs), outcomes.error
        )
        for job in jobs:
            alone = _try_to_play(play, context, [job], link)
            outcome = alone if isinstance(alone, JobError) else alone[0]
            link.send(Outcomes(((job[0], outcome),)))
    elif isinstance(outcomes, JobError):
        link.send(Outcomes(((jobs[0][0], outcomes),)))
    else:
        ids = [job_id for job_id, _ in jobs]
        link.send(Outcomes(tuple(zip(ids, outcomes, strict=True))))
    link.send(WorkerIdle())


def _try_to_play(
    play: Player, context: Any, jobs: Sequence[tuple[int, bytes]], link: Link
) -> list[bytes | JobError] | JobError:
    """Return a pickled result or an error for each job, or one error for the whole call."""
    link.send(CallBegan())
    try:
        specs = [pickle.loads(pickled) for _, pickled in jobs]
        results = list(play(context, specs, _Progress(link)))
        if len(results) != len(jobs):
            raise ValueError(f"the player returned {len(results)} results for {len(jobs)} jobs")
    except (Exception, SystemExit) as error:
        fault: Literal["match", "machine"] = "machine" if is_machine_trouble(error) else "match"
        return JobError(describe(error), traceback.format_exc(), fault=fault)
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
    """Reports the ticks of the running call to the parent, at a limited rate."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._sent_at = -PROGRESS_INTERVAL_S

    def __call__(self, ticks: int) -> None:
        now = time.monotonic()
        if now - self._sent_at >= PROGRESS_INTERVAL_S:
            self._sent_at = now
            self._link.send(Ticked(int(ticks)))


def _limit_output() -> None:
    if os.fstat(2).st_size > MAX_OUTPUT_BYTES:
        os.ftruncate(2, 0)
