"""Players for tests of the workers; a job is a tuple of an order and its arguments."""

from __future__ import annotations

import ctypes
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from arena.processes.jobs import JobError


class Unreadable:
    """Pickles here and cannot be read anywhere."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (int, ("not a number",))


def set_up(settings: Mapping[str, object]) -> dict[str, object]:
    if settings.get("broken"):
        raise RuntimeError("no such network")
    return {"base": settings["base"], "threads": os.environ["OMP_NUM_THREADS"]}


def play(
    context: Mapping[str, Any], jobs: Sequence[tuple[Any, ...]], progress: Callable[[int], None]
) -> list[object]:
    return [_play_one(context, job, len(jobs), progress) for job in jobs]


def _play_one(
    context: Mapping[str, Any],
    job: tuple[Any, ...],
    n_jobs: int,
    progress: Callable[[int], None],
) -> object:
    order, *values = job
    if order == "add":
        return context["base"] + values[0]
    if order == "who":
        return os.getpid(), n_jobs, context["threads"]
    if order == "variable":
        return os.environ.get(values[0])
    if order == "raise":
        raise ValueError(f"bad move {values[0]}")
    if order == "fail":
        return JobError("a rule was broken", "line 1\nline 2", ("toy",))
    if order == "leave":
        sys.exit(7)
    if order == "exit":
        os._exit(values[0])
    if order == "segfault":
        ctypes.string_at(0)
    if order == "lock":
        return lambda: None  # cannot be pickled
    if order == "unreadable":
        return Unreadable()
    if order == "hang":
        Path(values[0]).write_text(str(os.getpid()))
        time.sleep(600)
    if order == "grip":  # compiled code that never gives the interpreter lock back
        Path(values[0]).write_text(str(os.getpid()))
        ctypes.PyDLL(None).sleep(600)
    if order == "slow":
        for tick in range(values[0]):
            time.sleep(0.1)
            progress(tick + 1)
        return "slow but sure"
    if order == "stuck":
        while True:
            time.sleep(0.1)
            progress(5)
    if order == "talk":
        print("printed by a player")  # noqa: T201
        os.write(2, b"written by compiled code\n")
        logging.getLogger("toys").warning("the %s said %d", "toy", 5)
        logging.getLogger("toys").debug("never sent")
        warnings.warn("a toy warning", stacklevel=1)
        return "talked"
    raise AssertionError(order)


def sleep_without_reading(pipe: object, birth: object, orders: object) -> None:
    """A child that never looks at its pipe."""
    time.sleep(600)
