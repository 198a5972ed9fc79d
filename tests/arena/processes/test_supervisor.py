"""A supervised place: deaths described and counted, pauses, giving up, the child's log."""

from __future__ import annotations

import errno
import logging
from collections import deque
from collections.abc import Sequence
from typing import Any

import pytest

from arena.processes.jobs import RestartLimits
from arena.processes.messages import Crashed, Record
from arena.processes.supervisor import DeathCount, Place, end_all

LIMITS = RestartLimits(
    first_pause_s=1.0,
    longest_pause_s=6.0,
    max_deaths=4,
    deaths_window_s=100.0,
    max_early_deaths=100,  # off, but where it is tested
)


class ScriptedProcess:
    """Ends with `exit_code`, having said `messages` and written `output`."""

    pid = 7
    handles: Sequence[Any] = ()

    def __init__(
        self, *messages: object, exit_code: int | None = None, output: str = "", obeys: bool = True
    ) -> None:
        self.messages = deque(messages)
        self.exit_code, self.output, self.obeys = exit_code, output, obeys
        self.calls: list[str] = []

    is_placed = True

    @property
    def has_ended(self) -> bool:
        return self.exit_code is not None

    def send(self, message: object) -> bool:
        return not self.has_ended

    def poll(self, limit: int | None = 1000) -> list[object]:
        n = len(self.messages) if limit is None else min(limit, len(self.messages))
        return [self.messages.popleft() for _ in range(n)]

    def hang_up(self) -> None:
        self.calls.append("hang_up")

    def terminate(self) -> None:
        self.calls.append("terminate")
        if self.obeys:
            self.exit_code = -15

    def kill(self) -> None:
        self.calls.append("kill")
        self.exit_code = -9

    def join(self, timeout_s: float) -> bool:
        return self.has_ended

    def close(self, grace_s: float) -> int | None:
        if not self.has_ended:
            self.kill()
        return self.exit_code

    def last_output(self) -> str:
        return self.output


class Clock:
    now = 50.0

    def __call__(self) -> float:
        return self.now


def place_with(*processes: ScriptedProcess, may_finish: bool = False) -> tuple[Place, Clock]:
    clock = Clock()
    waiting = iter(processes)
    count = DeathCount(LIMITS, clock)
    return Place("toy", lambda: next(waiting), count, may_finish=may_finish, clock=clock), clock


def die(place: Place) -> Any:
    assert place.is_due and place.start() is None
    place.poll(None)
    return place.take_death()


def test_a_death_is_described_by_signal_or_exit_code_with_the_last_output() -> None:
    place, _ = place_with(ScriptedProcess(exit_code=-11, output="at frame 3\nSegmentation fault"))
    death = die(place)
    assert (death.reason, death.last_line) == ("was killed by SIGSEGV", "Segmentation fault")
    assert (death.n_deaths, death.pause_s) == (1, 1.0)


def test_what_the_child_said_it_raised_comes_before_its_exit_code() -> None:
    crashed = Crashed("failed: ValueError: bad map", "Traceback")
    place, _ = place_with(ScriptedProcess(crashed, exit_code=3, output="noise"))
    death = die(place)
    assert (death.reason, death.output) == ("failed: ValueError: bad map", "Traceback")


def test_a_crash_of_an_earlier_process_is_not_blamed_on_the_next() -> None:
    crashed = Crashed("failed: ValueError: bad map", "Traceback")
    place, clock = place_with(ScriptedProcess(crashed, exit_code=3), ScriptedProcess(exit_code=9))
    die(place)
    clock.now += 1.0
    assert die(place).reason == "exited with code 9"


def test_exit_code_0_is_a_death_unless_the_process_may_finish() -> None:
    place, _ = place_with(ScriptedProcess(exit_code=0))
    assert die(place).reason == "exited with code 0"
    finishing, _ = place_with(ScriptedProcess(exit_code=0), may_finish=True)
    assert die(finishing) is None
    assert finishing.given_up and not finishing.is_due


def test_pauses_double_up_to_the_longest_and_begin_again_after_a_success() -> None:
    place, clock = place_with(*[ScriptedProcess(exit_code=1) for _ in range(6)])
    pauses = []
    for _ in range(5):
        death = die(place)
        pauses.append(death.pause_s)
        assert not place.is_due
        clock.now += 40.0  # three deaths within 100 s at most: never given up
    place.succeeded()
    pauses.append(die(place).pause_s)
    assert pauses == [1.0, 2.0, 4.0, 6.0, 6.0, 1.0]  # 8 and 16 s are cut to 6


def test_the_last_death_that_the_window_allows_ends_the_attempts() -> None:
    place, clock = place_with(*[ScriptedProcess(exit_code=1) for _ in range(4)])
    for _ in range(3):
        assert die(place).pause_s is not None
        clock.now += 6.0
    last = die(place)
    assert (last.n_deaths, last.pause_s) == (4, None)
    clock.now += 1_000.0
    assert place.given_up and not place.is_due


def early_deaths(*exit_codes: int, ready_first: bool = False) -> list[Any]:
    """Let processes die one after the other before they are ready; three may."""
    clock = Clock()
    count = DeathCount(RestartLimits(max_deaths=50, max_early_deaths=3), clock)
    dying = iter([ScriptedProcess(exit_code=code) for code in exit_codes])
    place = Place("toy", lambda: next(dying), count, clock=clock)
    deaths = []
    for n in range(len(exit_codes)):
        assert place.start() is None
        if ready_first and n == 0:
            place.came_up()
        deaths.append(place.take_death())
        clock.now += 1.0
    return deaths


def test_a_few_deaths_before_anything_was_ready_end_the_attempts() -> None:
    assert [death.pause_s is None for death in early_deaths(1, 1, 1)] == [False, False, True]
    assert early_deaths(1, 1, -11)[-1].none_was_ready


def test_they_do_not_when_a_process_was_ready_once_or_when_they_came_from_outside() -> None:
    assert early_deaths(1, 1, 1, 1, 1, ready_first=True)[-1].pause_s is not None
    assert early_deaths(1, 1, -9, -15, -9)[-1].pause_s is not None
    assert early_deaths(1, 1, -9, -15, 1)[-1].pause_s is None


def test_a_machine_that_is_short_of_something_at_the_start_is_waited_for() -> None:
    troubles = iter([OSError(errno.ENOMEM, "no memory")] * 5 + [EOFError("unexpected EOF")] * 3)

    def refuse() -> ScriptedProcess:
        raise next(troubles)

    count = DeathCount(RestartLimits(max_deaths=50, max_early_deaths=3))
    place = Place("toy", refuse, count)
    given_up = []
    for _ in range(8):
        place.start()
        given_up.append(place.given_up)
    assert given_up == [False] * 7 + [True]


def test_places_may_share_a_count() -> None:
    clock = Clock()
    count = DeathCount(LIMITS, clock)
    places = [
        Place(f"toy {i}", lambda: ScriptedProcess(exit_code=1), count, clock=clock)
        for i in range(4)
    ]
    assert [die(place).n_deaths for place in places] == [1, 2, 3, 4]
    assert [place.given_up for place in places] == [False, False, False, True]


def test_a_process_that_cannot_be_started_is_a_death() -> None:
    def refuse() -> ScriptedProcess:
        raise OSError("no more processes")

    clock = Clock()
    place = Place("toy", refuse, DeathCount(LIMITS, clock), clock=clock)
    death = place.start()
    assert death is not None
    assert death.reason == "could not be started: OSError('no more processes')"
    assert place.process is None and place.start_at == clock.now + 1.0


def test_a_replaced_process_counts_as_no_death() -> None:
    place, _ = place_with(ScriptedProcess(output="stuck here"), ScriptedProcess(exit_code=1))
    place.start()
    assert place.process is not None
    place.process.kill()
    assert place.replace() == "stuck here"
    assert place.is_due
    assert die(place).n_deaths == 1


def test_log_records_of_the_child_are_logged_here_under_its_name(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "toys")
    record = Record("toys", logging.WARNING, "it said 5", "toy.py", 12)
    quiet = Record("toys", logging.DEBUG, "never shown", "toy.py", 13)
    place, _ = place_with(ScriptedProcess(record, "a message", quiet))
    place.start()
    assert place.poll() == ["a message"]
    assert [(r.name, r.getMessage()) for r in caplog.records] == [("toys", "[toy] it said 5")]


def test_ending_all_asks_first_and_kills_after_the_grace() -> None:
    obeying, stubborn = ScriptedProcess(), ScriptedProcess(obeys=False)
    end_all([obeying, stubborn], 0.0)
    assert obeying.calls == ["terminate"]
    assert stubborn.calls == ["terminate", "kill"]


def test_deaths_by_trouble_of_the_machine_are_not_counted_and_pauses_grow() -> None:
    crashed = Crashed("failed: OSError: No space left on device", "Traceback", of_machine=True)
    place, clock = place_with(
        *(ScriptedProcess(crashed, exit_code=3) for _ in range(10)), ScriptedProcess(exit_code=9)
    )
    pauses = []
    for _ in range(10):
        death = die(place)
        assert death.of_machine and death.n_deaths == 0
        pauses.append(death.pause_s)
        clock.now += death.pause_s
    assert pauses == [1.0, 2.0, 4.0, *[6.0] * 7] and not place.given_up
    other = die(place)
    assert not other.of_machine and other.n_deaths == 1


def test_a_process_that_the_machine_keeps_from_starting_is_never_given_up() -> None:
    limits = RestartLimits(1.0, 1.0, max_deaths=4, max_early_deaths=2, trouble_limit_s=7.0)
    clock = Clock()
    errors = [OSError(errno.EACCES, ""), MemoryError(), OSError(errno.ENOSPC, "")] * 2

    def start() -> ScriptedProcess:
        raise errors.pop()

    place = Place("toy", start, DeathCount(limits, clock), clock=clock)
    for _ in range(6):
        death = place.start()
        assert death is not None and death.of_machine and death.pause_s == 1.0
    assert not place.given_up


def test_the_traceback_of_a_death_by_the_machine_is_no_news(
    caplog: pytest.LogCaptureFixture,
) -> None:
    crashed = Crashed("failed: OSError: No space left on device", "Traceback", of_machine=True)
    place, _ = place_with(ScriptedProcess(crashed, exit_code=3))
    with caplog.at_level(logging.INFO):
        die(place)
    assert "No space left" in caplog.text and "last output" not in caplog.text


def test_a_limit_ends_the_attempts_when_the_machine_never_gets_well() -> None:
    limits = RestartLimits(1.0, 6.0, max_deaths=4, trouble_limit_s=20.0)
    clock = Clock()
    working = ScriptedProcess(exit_code=9)
    processes = [None, None, None, working, *[None] * 9]

    def start() -> ScriptedProcess:
        process = processes.pop(0)
        if process is None:
            raise OSError(errno.ENOSPC, "")
        return process

    place = Place("toy", start, DeathCount(limits, clock), clock=clock)
    for _ in range(3):  # 1 + 2 + 4 s
        assert place.start() is not None
        clock.now = place.start_at
    assert place.start() is None
    place.came_up()
    assert place.take_death() is not None
    began = clock.now = place.start_at
    while not place.given_up:  # every 6 s, so at 0, 6, 12, 18 and 24 s
        assert place.start() is not None
        clock.now = place.start_at
    assert clock.now - began == 24.0 + 6.0
