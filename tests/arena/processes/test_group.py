"""A group of processes: one process to its supervisor, ended by the first that should not have."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, ClassVar

from arena.processes.child import EXIT_CRASHED, EXIT_LOST
from arena.processes.group import ProcessGroup
from arena.processes.jobs import RestartLimits
from arena.processes.messages import Crashed, Record
from arena.processes.supervisor import Death, DeathCount, Place
from tests.arena.processes.test_supervisor import Clock, ScriptedProcess

LOST = Crashed("failed: RanksLostError: a rank lost the connection to the others", "gloo")


@dataclass(frozen=True)
class ToAll:
    for_all_ranks: ClassVar[bool] = True


class Hearing(ScriptedProcess):
    """Remembers what it is sent."""

    def __init__(self, *messages: object, **how: Any) -> None:
        super().__init__(*messages, **how)
        self.heard: list[object] = []

    def send(self, message: object) -> bool:
        self.heard.append(message)
        return True


def group_of(*members: ScriptedProcess, clock: Clock | None = None, **how: Any) -> ProcessGroup:
    return ProcessGroup(members, clock=clock or Clock(), **how)


def death_of(group: ProcessGroup) -> Death | None:
    """What a place makes of a group's end, read as league.daemon.learners does."""
    limits = RestartLimits(
        first_pause_s=1.0, longest_pause_s=6.0, max_deaths=4, deaths_window_s=100.0
    )
    clock = Clock()
    place = Place(
        "a learner", lambda: group, DeathCount(limits, clock), may_finish=True, clock=clock
    )
    place.start()
    list(place.poll())
    assert group.has_ended
    list(place.poll(None))
    return place.take_death()


def test_orders_go_to_the_first_and_a_stop_to_all() -> None:
    members = Hearing(), Hearing()
    group = group_of(*members)
    assert group.send("roster") and group.send(ToAll())
    assert [member.heard for member in members] == [["roster", ToAll()], [ToAll()]]


def test_the_first_speaks_for_all_and_logs_say_who_wrote_them() -> None:
    record = Record("league", logging.INFO, "resumed", "x.py", 1)
    group = group_of(
        ScriptedProcess("progress", record),
        ScriptedProcess("ready", record, 3),
        heard_of_all=(int,),
    )
    other = Record("league", logging.INFO, "rank 1: resumed", "x.py", 1)
    assert group.poll() == ["progress", record, other, 3]
    assert not group.has_ended and group.pid == 7


def test_a_killed_rank_ends_the_others_at_once_and_is_named() -> None:
    first, killed = ScriptedProcess("progress"), ScriptedProcess(exit_code=-9, output="last words")
    released: list[str] = []
    group = group_of(first, killed, release=lambda: released.append("folder"))
    death = death_of(group)
    assert death is not None and first.calls == ["kill"]
    assert (
        death.reason
        == "lost its rank 1, which was killed by SIGKILL (from outside, or out of memory)"
    )
    assert (death.exit_code, death.output, released) == (-9, "last words", ["folder"])


def test_what_a_rank_raised_is_the_reason_and_not_that_the_others_lost_it() -> None:
    crashed = Crashed("failed: ValueError: no such map", "Traceback", of_machine=True)
    group = group_of(
        ScriptedProcess(LOST, exit_code=EXIT_LOST),
        ScriptedProcess(crashed, exit_code=EXIT_CRASHED),
        ScriptedProcess(LOST, exit_code=EXIT_LOST),
    )
    death = death_of(group)
    assert death is not None and death.of_machine
    assert death.reason == "lost its rank 1, which failed: ValueError: no such map"


def test_the_reason_is_waited_for_a_little_where_only_its_consequences_show() -> None:
    clock = Clock()
    first, other = ScriptedProcess(LOST, exit_code=EXIT_LOST), ScriptedProcess()
    group = group_of(first, other, clock=clock)
    assert not group.has_ended  # rank 1 may be about to show why
    clock.now += 4.9
    assert not group.has_ended and other.calls == []
    clock.now += 0.2
    assert group.has_ended and other.calls == ["kill"]
    assert group.poll(None) == [LOST]
    assert group.close(1.0) == EXIT_LOST


def test_a_group_that_finished_is_done_and_one_that_is_killed_says_by_what() -> None:
    done = group_of(ScriptedProcess("done", exit_code=0), ScriptedProcess(exit_code=0))
    assert done.has_ended and done.poll(None) == ["done"] and done.close(0.0) == 0
    assert death_of(group_of(ScriptedProcess(exit_code=0), ScriptedProcess(exit_code=0))) is None
    killed = group_of(ScriptedProcess(), ScriptedProcess())
    killed.kill()
    assert killed.close(0.0) == -9


def test_what_the_first_said_before_it_was_killed_is_read() -> None:
    group = group_of(ScriptedProcess("offered", "progress"), ScriptedProcess(exit_code=-9))
    assert group.has_ended
    said = group.poll(None)
    assert said[:2] == ["offered", "progress"] and isinstance(said[2], Crashed) and len(said) == 3
    assert group.poll(None) == []
