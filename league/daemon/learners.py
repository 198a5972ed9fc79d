"""The manager's side of the learners: their processes, their messages, their restarts.

Promises: a learner whose process exits is reported with the exit code or signal, or with what it
raised, and is started again after a pause that doubles; one that keeps exiting is given up, while
the league goes on; one that says nothing for the length of its lease is killed, which counts as
such an exit. Exits by trouble of the machine are not counted. All of this happens only inside
`poll`, and no message to a learner blocks it.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing import connection
from pathlib import Path

from arena.processes.group import ProcessGroup
from arena.processes.jobs import RestartLimits
from arena.processes.launch import ChildProcess, Launcher
from arena.processes.messages import Placed
from arena.processes.scratch import ScratchFolder
from arena.processes.supervisor import Clock, Death, DeathCount, Place, Process, end_all
from league.learner.messages import Alive, LearnerOrders, Progress, Ready, Waits
from league.learner.process import run_learner
from league.ppo.place import RankPlace

log = logging.getLogger(__name__)

RESTART = RestartLimits(
    first_pause_s=1.0,
    longest_pause_s=60.0,
    max_deaths=5,
    deaths_window_s=600.0,
    trouble_limit_s=math.inf,
)

HEARD_OF_ALL = (Alive, Waits)
"""Messages of any rank of a learner that count; the others of its messages are the first's."""
_ABSENT_AFTER_S = 5.0  # the manager polls every second at the latest

MakeOrders = Callable[[str], LearnerOrders]
Launch = Callable[[str, LearnerOrders], Process]  # lineage and its orders -> its process


@dataclass(frozen=True)
class Died:
    """A learner's process exited without being told to.

    Attributes:
        text: one sentence: who, why, and what happens next.
        given_up: whether it will not be started again.
        of_machine: trouble of the machine ended it, which is not counted.
        is_news: it is worth an entry in the journal; repeated trouble of the machine is so only
            when the pause before the restart has grown.
    """

    text: str
    given_up: bool
    of_machine: bool = False
    is_news: bool = True


@dataclass(frozen=True)
class LearnerMessage:
    """A message from a learner (league.learner.messages), or `Died`."""

    learner: str
    message: object


def launch_learner(output_folder: Path, are_any: bool = True) -> Launch:
    """Return a function that starts learners on this machine, printing to `learner-NAME.out`.

    Of a learner of several ranks the others print to `learner-NAME.rank1.out` and so on.

    Args:
        are_any: False where there will hardly be one: what they need is then not loaded in advance.
    """
    # Loaded once for all learners, and for those that start again.
    trainer = ["league.learner.process", "league.learner.trainer"]
    launcher = Launcher(run_learner, trainer if are_any else [])

    def launch(name: str, orders: LearnerOrders) -> Process:
        if orders.settings.n_ranks > 1:
            n = orders.settings.n_ranks
            return launch_ranks(
                launcher, name, n, lambda place: replace(orders, place=place), output_folder
            )
        child = launcher.launch(f"learner-{name}", orders, output_folder / f"learner-{name}.out")
        log.info("learner %s started, PID %s", name, child.pid)
        return child

    return launch


def launch_ranks(
    launcher: Launcher,
    name: str,
    n_ranks: int,
    orders_of: Callable[[RankPlace], object],
    output_folder: Path,
) -> ProcessGroup:
    """Start the ranks of a learner, which meet over a file in a folder of their own.

    Args:
        orders_of: returns what the rank in a place is told.

    Raises:
        OSError, EOFError: one of them cannot be started; the others are ended.
    """

    def start(title: str, place: RankPlace) -> ChildProcess:
        return launcher.launch(title, orders_of(place), output_folder / f"{title}.out")

    group = start_ranks(name, n_ranks, start)
    log.info("learner %s started, PIDs %s", name, ", ".join(str(m.pid) for m in group.members))
    return group


def start_ranks(
    name: str,
    n_ranks: int,
    start: Callable[[str, RankPlace], Process],
    *,
    meet_here: bool = True,
) -> ProcessGroup:
    """Start the ranks of a learner one after the other, wherever `start` does.

    Args:
        start: starts the rank in a place, under a title.
        meet_here: they are all on this machine, and meet over a file in a folder of their own.

    Raises:
        OSError, EOFError: one of them cannot be started; the others are ended.
    """
    scratch = ScratchFolder("league-ranks-") if meet_here else None
    meeting = None if scratch is None else str(scratch.path / "meeting")

    def release() -> None:
        if scratch is not None:
            scratch.close()

    members: list[Process] = []
    try:
        for rank in range(n_ranks):
            title = f"learner-{name}" if rank == 0 else f"learner-{name}.rank{rank}"
            members.append(start(title, RankPlace(rank, n_ranks, meeting)))
    except BaseException:
        end_all(members, 0.0)
        release()
        raise
    return ProcessGroup(members, heard_of_all=HEARD_OF_ALL, release=release)


class Learners:
    """The processes of the learners.

    Args:
        names: names of the lineages.
        make_orders: returns what a learner is told when it starts; called at every start.
        launch: starts a process.
        lease_s: a learner that says nothing for so long is killed; time in which nobody polls, or
            may not start anything, does not count, nor does that in which it waits for a machine.
    """

    def __init__(
        self,
        names: Sequence[str],
        make_orders: MakeOrders,
        launch: Launch,
        *,
        lease_s: float = math.inf,
        clock: Clock = time.monotonic,
    ) -> None:
        self._clock = clock
        self._lease_s = lease_s
        self._places: dict[str, Place] = {}
        self._heard_at: dict[str, float] = {}
        self._told_s: dict[str, float] = {}  # the pause that the journal knows of
        self._polled_at = clock()
        for name in names:
            self._places[name] = Place(
                f"learner {name}",
                lambda name=name: launch(name, make_orders(name)),  # type: ignore[misc]
                DeathCount(RESTART, clock),
                may_finish=True,
                clock=clock,
            )

    @property
    def pids(self) -> dict[str, int]:
        """PIDs of the running learners, by name."""
        return {name: process.pid for name, process in self._running()}

    def _running(self) -> list[tuple[str, Process]]:
        places = self._places.items()
        return [(name, place.process) for name, place in places if place.process is not None]

    def send(self, name: str, order: object) -> None:
        """Send an order to a learner; it is dropped if the process is down."""
        process = self._places[name].process
        if process is not None and not process.send(order):
            log.debug("learner %s exited before it received %s", name, type(order).__name__)

    def poll(self, *, may_start: bool = True) -> Iterator[LearnerMessage]:
        """Start the processes that are due, and yield the messages since the last call.

        Args:
            may_start: start them, and kill those whose lease is over; without, a learner that is
                down stays down, and the time does not count: nobody sends it what it waits for.
        """
        if may_start:
            self._forgive_absence()
        for name, place in self._places.items():
            if may_start and place.is_due:
                death = place.start()
                self._heard_at[name] = self._clock()
                if death is not None:
                    yield LearnerMessage(name, self._died(place, death))
            yield from self._read(name, place)
            if place.process is None:
                continue
            reason = None
            if not place.process.is_placed:
                self._heard_at[name] = self._clock()
            if not place.process.has_ended:
                if not may_start or self._clock() - self._heard_at[name] < self._lease_s:
                    continue
                place.process.kill()
                reason = f"said nothing for {self._lease_s:g} s and was killed"
            yield from self._read(name, place, limit=None)
            death = place.take_death(reason)
            if death is not None:
                yield LearnerMessage(name, self._died(place, death))

    def _forgive_absence(self) -> None:
        """Extend all leases by the time that nobody was here, or the league was paused."""
        now = self._clock()
        absence = now - self._polled_at
        if absence > _ABSENT_AFTER_S:
            self._heard_at = {name: min(at + absence, now) for name, at in self._heard_at.items()}
        self._polled_at = now

    def _read(self, name: str, place: Place, limit: int | None = 1000) -> Iterator[LearnerMessage]:
        for message in place.poll(limit):
            self._heard_at[name] = self._clock()
            if isinstance(message, Alive | Placed):
                continue
            if isinstance(message, Ready):
                place.came_up()
            if isinstance(message, Progress):
                place.succeeded()
            yield LearnerMessage(name, message)

    def _died(self, place: Place, death: Death) -> Died:
        if death.pause_s is not None:
            text = f"{place.name} {death.reason}; starting again in {death.pause_s:.0f} s"
            told_s = self._told_s.get(place.name, 0.0) if death.of_machine else 0.0
            self._told_s[place.name] = death.pause_s if death.of_machine else 0.0
            return Died(
                text,
                given_up=False,
                of_machine=death.of_machine,
                is_news=death.pause_s > told_s,
            )
        within = f"within {RESTART.deaths_window_s / 60:.0f} minutes"
        text = (
            f"{place.name} exited unexpectedly {death.n_deaths} times "
            f"{'before it was ever ready' if death.none_was_ready else within} and is given up "
            f"until the next `league start`; the last time it {death.reason}; see the folder logs/"
        )
        return Died(text, given_up=True)

    def stop(self, order: object, grace_s: float) -> Iterator[LearnerMessage]:
        """Send the order to stop to all learners; kill those that still run after `grace_s`."""
        ends = self._clock() + grace_s
        for name, process in self._running():
            yield from self._read(name, self._places[name])  # it may have found a machine
            if process.is_placed:
                self.send(name, order)
            else:  # it waits for a machine, and nobody there hears an order
                process.terminate()
        while (running := self._running()) and self._clock() < ends:
            handles = dict.fromkeys(h for _, process in running for h in process.handles)
            connection.wait([*handles], timeout=0.2)  # those of a cluster are one for all
            for name, process in running:
                place = self._places[name]
                yield from self._read(name, place)
                if process.has_ended:
                    yield from self._read(name, place, limit=None)
                    place.detach().close(1.0)
        self.kill()

    def kill(self) -> None:
        """Kill the learners that still run."""
        for name, process in self._running():
            log.warning("killing learner %s, which is still running", name)
            self._places[name].detach()
            process.kill()
            process.close(0.0)
