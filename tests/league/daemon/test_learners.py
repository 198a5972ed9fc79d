"""The learners' processes: started, spoken to, started again, given up, stopped."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from arena.processes.messages import Crashed
from league.config.tree import LeagueConfig
from league.daemon.learners import Died, LearnerMessage, Learners
from league.learner.messages import Alive, LearnerOrders, Progress, Ready, Stop
from league.learner.settings import learner_settings
from tests.league.daemon.scripted import Clock, ScriptedProcess

SETTINGS = learner_settings(LeagueConfig())


def orders(name: str) -> LearnerOrders:
    return LearnerOrders("league", SETTINGS, name, name, "main", 1, None, 0)


class Launches:
    """Starts scripted processes, the next of its list at each start."""

    def __init__(self, *processes: ScriptedProcess) -> None:
        self.processes = list(processes)
        self.started: list[ScriptedProcess] = []
        self.orders: list[LearnerOrders] = []

    def __call__(self, name: str, given: LearnerOrders) -> ScriptedProcess:
        self.orders.append(given)
        self.started.append(self.processes.pop(0))
        return self.started[-1]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def learners(clock: Clock) -> Callable[[Launches], Learners]:
    return lambda launch: Learners(["attention"], orders, launch, clock=clock)


def test_what_a_learner_says_comes_with_its_name(learners: Callable[..., Learners]) -> None:
    process = ScriptedProcess(Ready(0), Progress(64))
    group = learners(Launches(process))
    assert group.pids == {}
    assert list(group.poll()) == [
        LearnerMessage("attention", Ready(0)),
        LearnerMessage("attention", Progress(64)),
    ]
    assert list(group.poll()) == []
    assert group.pids == {"attention": 4711}


def test_what_is_sent_reaches_the_process_and_is_forgotten_while_there_is_none(
    learners: Callable[..., Learners],
) -> None:
    process = ScriptedProcess()
    group = learners(Launches(process))
    group.send("attention", "too early")
    list(group.poll())
    group.send("attention", "now")
    process.exit_code = 1
    group.send("attention", "too late")
    assert process.sent == ["now"]


def test_a_dead_learner_is_named_with_its_signal_and_started_again_after_a_pause(
    clock: Clock, learners: Callable[..., Learners]
) -> None:
    launch = Launches(ScriptedProcess(Ready(0), exit_code=-9), ScriptedProcess())
    group = learners(launch)
    ready, died = group.poll()
    assert ready.message == Ready(0)  # what it said before it died is not lost
    assert died.message == Died(
        "learner attention was killed by SIGKILL (from outside, or out of memory); "
        "starting again in 1 s",
        given_up=False,
    )
    clock.now += 0.9
    assert list(group.poll()) == [] and len(launch.started) == 1
    clock.now += 0.1
    assert list(group.poll()) == [] and len(launch.started) == 2


def test_all_that_a_learner_said_before_it_died_is_taken(learners: Callable[..., Learners]) -> None:
    said = [Progress(64 * i) for i in range(2_500)]  # a thousand are read in one go
    *before, died = learners(Launches(ScriptedProcess(*said, exit_code=1))).poll()
    assert [message.message for message in before] == said
    assert isinstance(died.message, Died)


def test_a_learner_that_raised_is_named_with_what_it_raised(
    learners: Callable[..., Learners],
) -> None:
    crashed = Crashed("failed: ValueError: no such network", "Traceback\n  line 7")
    group = learners(Launches(ScriptedProcess(crashed, exit_code=3)))
    (died,) = group.poll()
    assert isinstance(died.message, Died)
    assert died.message.text.startswith("learner attention failed: ValueError: no such network;")


def test_orders_are_asked_for_anew_at_every_start(
    clock: Clock, learners: Callable[..., Learners]
) -> None:
    launch = Launches(ScriptedProcess(exit_code=1), ScriptedProcess())
    group = learners(launch)
    list(group.poll())
    clock.now += 1.0
    list(group.poll())
    assert launch.orders == [orders("attention"), orders("attention")]
    assert launch.orders[0] is not launch.orders[1]


def test_pauses_double_and_the_fifth_death_within_ten_minutes_is_the_last(
    clock: Clock, learners: Callable[..., Learners]
) -> None:
    launch = Launches(*[ScriptedProcess(Ready(0), exit_code=1) for _ in range(6)])
    group = learners(launch)
    texts = []
    for pause_s in (1.0, 2.0, 4.0, 8.0):
        _, died = group.poll()
        assert isinstance(died.message, Died) and not died.message.given_up
        texts.append(died.message.text)
        assert texts[-1].endswith(f"starting again in {pause_s:.0f} s")
        clock.now += pause_s
    _, last = group.poll()
    assert isinstance(last.message, Died) and last.message.given_up
    assert "exited unexpectedly 5 times within 10 minutes and is given up" in last.message.text
    clock.now += 10_000.0
    assert list(group.poll()) == [] and len(launch.started) == 5


def test_a_learner_that_was_never_ready_is_given_up_within_seconds(
    clock: Clock, learners: Callable[..., Learners]
) -> None:
    group = learners(Launches(*[ScriptedProcess(exit_code=1) for _ in range(3)]))
    for pause_s in (1.0, 2.0):
        (died,) = group.poll()
        assert isinstance(died.message, Died) and not died.message.given_up
        clock.now += pause_s
    (last,) = group.poll()
    assert isinstance(last.message, Died) and last.message.given_up
    assert "exited unexpectedly 3 times before it was ever ready" in last.message.text


def test_deaths_that_lie_far_apart_never_end_a_learner(
    clock: Clock, learners: Callable[..., Learners]
) -> None:
    launch = Launches(*[ScriptedProcess(Progress(64), exit_code=1) for _ in range(20)])
    group = learners(launch)
    for _ in range(20):
        *_, died = group.poll()
        assert isinstance(died.message, Died)
        # it had trained: the first death in a row, so the shortest pause
        assert died.message.text.endswith("starting again in 1 s")
        clock.now += 151.0  # 4 deaths within 600 s at most
    assert len(launch.started) == 20


def test_a_process_that_cannot_be_started_counts_as_a_death(clock: Clock) -> None:
    def refuse(name: str, given: LearnerOrders) -> ScriptedProcess:
        raise OSError("no more processes")

    group = Learners(["attention"], orders, refuse, clock=clock)
    (died,) = group.poll()
    assert isinstance(died.message, Died)
    assert "could not be started: OSError('no more processes')" in died.message.text


def test_a_learner_that_exits_with_code_0_is_done(
    clock: Clock, learners: Callable[..., Learners]
) -> None:
    launch = Launches(ScriptedProcess(exit_code=0))
    group = learners(launch)
    assert list(group.poll()) == []
    clock.now += 10_000.0
    assert list(group.poll()) == [] and len(launch.started) == 1


def test_stopping_waits_for_the_last_messages(learners: Callable[..., Learners]) -> None:
    process = ScriptedProcess()
    group = learners(Launches(process))
    list(group.poll())
    process.messages.append(Progress(128))
    assert list(group.stop(Stop(), 20.0)) == [LearnerMessage("attention", Progress(128))]
    assert process.sent == [Stop()] and not process.was_killed
    assert group.pids == {}


def test_a_learner_that_does_not_stop_is_killed_when_the_grace_is_over(clock: Clock) -> None:
    process = ScriptedProcess(stops=False)
    group = Learners(["attention"], orders, Launches(process), clock=clock)
    list(group.poll())
    polled = process.poll

    def poll_and_wait(limit: int | None = 1000) -> list[object]:
        clock.now += 5.0
        return polled(limit)

    process.poll = poll_and_wait  # type: ignore[method-assign]
    assert list(group.stop(Stop(), 20.0)) == []
    assert clock.now == 1_020.0 and process.was_killed
    assert group.pids == {}


def test_killing_does_not_ask(learners: Callable[..., Learners]) -> None:
    process = ScriptedProcess()
    group = learners(Launches(process))
    list(group.poll())
    group.kill()
    assert process.sent == [] and process.was_killed


def wait(clock: Clock, group: Learners, seconds: int) -> list[object]:
    """Let time pass while the manager polls every second; return what the learners said."""
    said: list[object] = []
    for _ in range(seconds):
        clock.now += 1.0
        said += [heard.message for heard in group.poll()]
    return said


def test_a_learner_that_says_nothing_is_killed_and_started_again(clock: Clock) -> None:
    process, after = ScriptedProcess(Ready(0)), ScriptedProcess()
    launch = Launches(process, after)
    group = Learners(["attention"], orders, launch, lease_s=60.0, clock=clock)
    list(group.poll())
    assert wait(clock, group, 59) == [] and not process.was_killed
    (died,) = wait(clock, group, 1)
    assert process.was_killed
    assert died == Died(
        "learner attention said nothing for 60 s and was killed; starting again in 1 s",
        given_up=False,
    )
    wait(clock, group, 1)
    assert launch.started == [process, after]


def test_signs_of_life_extend_the_lease_and_are_nobody_elses_business(clock: Clock) -> None:
    process = ScriptedProcess(Ready(0))
    group = Learners(["attention"], orders, Launches(process), lease_s=60.0, clock=clock)
    list(group.poll())
    for _ in range(5):
        process.messages.append(Alive())
        assert wait(clock, group, 59) == []
    assert not process.was_killed


def test_time_in_which_the_manager_did_not_listen_does_not_count(clock: Clock) -> None:
    process = ScriptedProcess(Ready(0))
    group = Learners(["attention"], orders, Launches(process), lease_s=60.0, clock=clock)
    list(group.poll())
    wait(clock, group, 30)
    clock.now += 3_600.0  # the disk was full
    assert list(group.poll()) == []
    assert wait(clock, group, 29) == [] and not process.was_killed
    wait(clock, group, 1)
    assert process.was_killed


def test_nor_does_the_time_of_a_pause(clock: Clock) -> None:
    process = ScriptedProcess(Ready(0))
    group = Learners(["attention"], orders, Launches(process), lease_s=60.0, clock=clock)
    list(group.poll())
    for _ in range(100):
        clock.now += 1.0
        list(group.poll(may_start=False))
    assert wait(clock, group, 59) == [] and not process.was_killed


def test_trouble_of_the_machine_never_gives_a_learner_up_and_is_news_while_pauses_grow(
    clock: Clock,
) -> None:
    crashed = Crashed("failed: OSError: No space left on device", "Traceback", of_machine=True)
    launch = Launches(*[ScriptedProcess(crashed, exit_code=3) for _ in range(20)])
    group = Learners(["attention"], orders, launch, clock=clock)
    deaths = []
    for _ in range(20):
        (died,) = group.poll()
        assert isinstance(died.message, Died) and died.message.of_machine
        deaths.append(died.message)
        clock.now += 60.0
    assert not any(died.given_up for died in deaths)
    # 1, 2, 4, 8, 16, 32, 60 s, and 60 s from then on
    assert [died.is_news for died in deaths] == [True] * 7 + [False] * 13


def test_a_learner_that_waits_for_a_machine_delays_no_stop(
    learners: Callable[..., Learners],
) -> None:
    process = ScriptedProcess(stops=False)
    process.is_placed = False
    group = learners(Launches(process))
    list(group.poll())
    assert list(group.stop(Stop(), 1e9)) == []  # it would wait for so long
    assert (process.sent, process.exit_code, process.was_killed) == ([], -15, False)
    assert group.pids == {}


def test_a_learner_that_has_found_a_machine_meanwhile_is_told_to_stop(
    learners: Callable[..., Learners],
) -> None:
    process = ScriptedProcess()
    process.is_placed = False
    group = learners(Launches(process))
    list(group.poll())
    read = process.poll

    def poll_and_find(limit: int | None = 1000) -> list[object]:
        process.is_placed = True
        return read(limit)

    process.poll = poll_and_find  # type: ignore[method-assign]
    list(group.stop(Stop(), 10.0))
    assert (process.sent, process.exit_code, process.was_killed) == ([Stop()], 0, False)
