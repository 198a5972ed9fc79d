"""The manager's side of the learners: their processes, their pipes, their deaths.

Promises: a dead learner is named with its exit code or signal and started again after a pause that
doubles; one that keeps dying is given up, with its last words, while the league goes on.  All of
this moves only inside `messages`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from arena.processes.launch import birth_environment, log_for_worker, name_exit, process_context
from league.learner.service import run_learner
from league.messages import LearnerOrders, Stop

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
MAX_DEATHS = 5
DEATHS_WINDOW_S = 600.0

MakeOrders = Callable[[str], LearnerOrders]


@dataclass
class _Place:
    name: str
    process: BaseProcess | None = None
    pipe: connection.Connection | None = None
    start_at: float = 0.0
    deaths: list[float] = field(default_factory=list)
    last_error: str = ""
    given_up: bool = False


@dataclass(frozen=True)
class LearnerMessage:
    """Something a learner said: kind "ready", "progress", "offered", "failed", "left", or "died"
    and "given_up", which the pool says of it; `value` depends on the kind."""

    learner: str
    kind: str
    value: Any = None


class LearnerPool:
    """Processes of the learners.

    Args:
        names: of the lineages.
        make_orders: what a learner is told when it starts, asked anew at every start.
        output_folder: for whatever the processes print.
    """

    def __init__(self, names: Sequence[str], make_orders: MakeOrders, output_folder: Path) -> None:
        self._places = {name: _Place(name) for name in names}
        self._make_orders = make_orders
        self._output_folder = output_folder
        self._context = process_context(("league.learner.service",))

    @property
    def die_with_server(self) -> bool:
        """Whether the processes are forked by a server (arena.processes.child.begin)."""
        return isinstance(self._context, ForkServerContext)

    @property
    def pids(self) -> dict[str, int]:
        """PID of each running learner."""
        return {
            name: place.process.pid
            for name, place in self._places.items()
            if place.process is not None and place.process.pid is not None
        }

    @property
    def n_running(self) -> int:
        """Learners with a process."""
        return sum(place.process is not None for place in self._places.values())

    def send(self, name: str, order: object) -> None:
        """Tell a learner something; forgotten when it is down."""
        place = self._places[name]
        if place.pipe is not None:
            try:
                place.pipe.send(order)
            except OSError:
                log.debug("learner %s left before it could be told %s", name, type(order).__name__)

    def output_path(self, name: str) -> Path:
        """The file that a learner's stdout and stderr go to."""
        return self._output_folder / f"learner-{name}.out"

    def messages(self) -> Iterator[LearnerMessage]:
        """Start what is due, and yield what the learners have said since the last call."""
        for place in self._places.values():
            if place.process is None and not place.given_up and time.monotonic() >= place.start_at:
                self._start(place)
            yield from self._read(place)
            if place.process is not None and not place.process.is_alive():
                yield from self._read(place)
                yield from self._bury(place)

    def waitables(self) -> list[Any]:
        """Pipes and sentinels, for `multiprocessing.connection.wait`."""
        return [
            handle
            for place in self._places.values()
            if place.process is not None
            for handle in (place.pipe, place.process.sentinel)
        ]

    def _start(self, place: _Place) -> None:
        mine, theirs = self._context.Pipe()
        orders = self._make_orders(place.name)
        with birth_environment():
            process = self._context.Process(
                target=run_learner, args=(theirs, orders), name=f"learner-{place.name}"
            )
            process.start()
        theirs.close()
        place.process, place.pipe = process, mine
        log.info("learner %s started, PID %s", place.name, process.pid)

    def _read(self, place: _Place) -> Iterator[LearnerMessage]:
        if place.pipe is None:
            return
        try:
            while place.pipe.poll():
                kind, *values = place.pipe.recv()
                if kind == "log":
                    log_for_worker(place.name, *values)
                    continue
                if kind == "failed":
                    place.last_error = values[0]
                    log.error("learner %s failed: %s\n%s", place.name, *values)
                yield LearnerMessage(place.name, kind, values[0] if values else None)
        except (EOFError, OSError):
            return

    def _bury(self, place: _Place) -> Iterator[LearnerMessage]:
        """Take note of a death and decide when, and whether, the learner starts again."""
        assert place.process is not None and place.pipe is not None
        place.process.join()
        code = place.process.exitcode
        place.pipe.close()
        place.process, place.pipe = None, None
        if code == 0:
            place.given_up = True
            return
        now = time.monotonic()
        place.deaths = [at for at in place.deaths if now - at < DEATHS_WINDOW_S] + [now]
        reason = place.last_error or name_exit(code)
        place.last_error = ""
        if len(place.deaths) >= MAX_DEATHS:
            place.given_up = True
            yield LearnerMessage(
                place.name,
                "given_up",
                f"learner {place.name} died {len(place.deaths)} times within "
                f"{DEATHS_WINDOW_S / 60:.0f} minutes, last: {reason}; see {self._output_folder}",
            )
            return
        pause = min(FIRST_PAUSE_S * 2.0 ** (len(place.deaths) - 1), LONGEST_PAUSE_S)
        place.start_at = now + pause
        yield LearnerMessage(
            place.name,
            "died",
            f"learner {place.name} died: {reason}; starting again in {pause:.0f} s",
        )

    def stop(self, grace_s: float) -> Iterator[LearnerMessage]:
        """Tell all learners to write a checkpoint and leave; kill what stays beyond the grace."""
        for name in self._places:
            self.send(name, Stop())
        ends = time.monotonic() + grace_s
        while self.n_running and time.monotonic() < ends:
            connection.wait(self.waitables(), timeout=0.2)
            for place in self._places.values():
                yield from self._read(place)
                if place.process is not None and not place.process.is_alive():
                    yield from self._read(place)
                    place.process.join()
                    place.process, place.pipe = None, None
        self.kill()

    def kill(self) -> None:
        """End what still runs, at once."""
        for place in self._places.values():
            if place.process is not None:
                log.warning("learner %s did not leave in time and is killed", place.name)
                place.process.kill()
                place.process.join()
                place.process, place.pipe = None, None
