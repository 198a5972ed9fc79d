"""The daemon's rounds and its stop: the first signal, the second, the time, errors."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from db.errors import (
    DatabaseBusyError,
    DatabaseFullError,
    DatabaseHeldError,
    DatabaseUnreachableError,
)
from league.daemon import process
from league.daemon.lock import is_locked, read_note
from league.daemon.process import EXIT_KILLED, GRACE_S, run_manager
from league.daemon.signals import StoppedEarly, StopSignals
from league.daemon.trouble import EXIT_TROUBLE, PassedTrouble, Patience
from league.folder.layout import LeagueFolder
from tests.league.daemon.scripted import Clock, new_league


@pytest.fixture
def folder(tmp_path: Path) -> LeagueFolder:
    with new_league(tmp_path / "league") as league:
        league.folder.lock.touch()
        return league.folder


class ScriptedManager:
    """Counts its rounds; does what the test says in a round and while closing."""

    def __init__(
        self,
        turn: Callable[[int], None] = lambda n: None,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self.calls: list[str] = []
        self.is_ready = True
        self.grace_s: float | None = None
        self.passed: list[PassedTrouble] = []
        self._turn, self._close = turn, close

    def turn(self) -> None:
        self.calls.append("turn")
        self._turn(self.calls.count("turn"))

    def listen(self, timeout_s: float) -> None:
        self.calls.append("listen")

    def trouble_passed(self, passed: PassedTrouble) -> None:
        self.passed.append(passed)

    def close(self, grace_s: float) -> None:
        self.calls.append("close")
        self.grace_s = grace_s
        self._close()

    def kill(self) -> None:
        self.calls.append("kill")


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


def run(
    folder: LeagueFolder,
    manager: ScriptedManager,
    ends: float | None = None,
    patience: Patience | None = None,
    check: Callable[[], None] = lambda: None,
) -> int:
    with StopSignals() as signals:
        return run_manager(
            folder, lambda: manager, signals, ends, patience or Patience(600.0), check
        )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_first_signal_closes_the_league_after_the_running_round(
    folder: LeagueFolder, number: signal.Signals
) -> None:
    manager = ScriptedManager(turn=lambda n: send(number) if n == 3 else None)
    assert run(folder, manager) == 0
    assert manager.calls == ["turn", "turn", "turn", "close"]
    # the README promises 30 s in all; the rest is for the running round and the commit
    assert manager.grace_s == GRACE_S < 30.0


class Gone(io.StringIO):
    """A stderr whose reader has gone, or whose disk is full."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self._error = error

    def write(self, text: str) -> int:
        raise self._error


@pytest.mark.parametrize(
    "error",
    [
        BrokenPipeError(errno.EPIPE, "Broken pipe"),
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EIO, "Input/output error"),
    ],
)
def test_nothing_is_said_to_a_terminal_that_is_gone_and_the_stop_goes_on(
    folder: LeagueFolder, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    def turn(n: int) -> None:
        if n == 1:
            raise DatabaseFullError("no space")  # said on the screen
        send(signal.SIGTERM)

    monkeypatch.setattr("league.daemon.trouble.FIRST_PAUSE_S", 0.0)
    monkeypatch.setattr("sys.stderr", Gone(error))
    manager = ScriptedManager(turn=turn)
    assert run(folder, manager) == 0
    assert manager.calls == ["turn", "turn", "close"]
    assert sys.stderr.name == os.devnull  # nothing is left for Python to fail over at its exit
    sys.stderr.close()


def test_the_second_signal_while_closing_kills_immediately(folder: LeagueFolder) -> None:
    manager = ScriptedManager(
        turn=lambda n: send(signal.SIGTERM), close=lambda: send(signal.SIGTERM)
    )
    assert run(folder, manager) == EXIT_KILLED
    assert manager.calls == ["turn", "close", "kill"]


def test_the_second_signal_within_one_round_does_not_wait_for_its_end(folder: LeagueFolder) -> None:
    def turn(n: int) -> None:
        send(signal.SIGINT)
        send(signal.SIGTERM)
        manager.calls.append("went on")

    manager = ScriptedManager(turn=turn)
    assert run(folder, manager) == EXIT_KILLED
    assert manager.calls == ["turn", "kill"]


def test_a_third_signal_does_not_interrupt_the_killing(folder: LeagueFolder) -> None:
    manager = ScriptedManager(
        turn=lambda n: send(signal.SIGTERM), close=lambda: send(signal.SIGTERM)
    )

    def kill() -> None:
        send(signal.SIGTERM)
        manager.calls.append("killed all")

    manager.kill = kill  # type: ignore[method-assign]
    assert run(folder, manager) == EXIT_KILLED
    assert manager.calls[-1] == "killed all"


def test_a_signal_before_the_first_round_closes_without_one(folder: LeagueFolder) -> None:
    manager = ScriptedManager()

    def make() -> ScriptedManager:
        send(signal.SIGTERM)
        return manager

    with StopSignals() as signals:
        assert run_manager(folder, make, signals, None, Patience(600.0), lambda: None) == 0
    assert manager.calls == ["close"]


@pytest.fixture(autouse=True)
def _a_signal_that_nobody_takes_fails_the_test() -> Iterator[None]:
    def fail(number: int, frame: object) -> None:
        raise AssertionError(f"nobody took {signal.Signals(number).name}")

    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, fail) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.fixture
def ignored_hang_up() -> Iterator[None]:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("ignored_hang_up")
def test_a_league_under_nohup_or_detached_goes_on_when_the_terminal_is_closed(
    folder: LeagueFolder,
) -> None:
    manager = ScriptedManager(
        turn=lambda n: send([signal.SIGHUP, signal.SIGHUP, signal.SIGTERM][n - 1])
    )
    assert run(folder, manager) == 0
    assert manager.calls == ["turn", "turn", "turn", "close"]


@pytest.mark.parametrize("n_signals", [1, 2])
def test_a_signal_while_it_compiles_ends_the_start_before_anything_begins(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    n_signals: int,
) -> None:
    compiled: list[str] = []

    def compile_for_long(folder: LeagueFolder, edition: str) -> None:
        try:
            send(signal.SIGTERM)
            compiled.append("to the end")
        finally:
            if n_signals == 2:
                send(signal.SIGTERM)

    monkeypatch.setattr(process, "_log_to_file", lambda folder: None)
    monkeypatch.setattr(process, "_compile", compile_for_long)
    monkeypatch.setattr("league.daemon.manager.Manager", None)  # not called
    with new_league(tmp_path / "league") as league:
        code = process.start(league.folder.root, league.config, for_s=None, detach=False)
        assert not is_locked(league.folder)
    said = capsys.readouterr().err
    assert compiled == []
    if n_signals == 1:
        assert code == 0 and "stopped while it was starting: nothing had begun" in said
    else:
        assert code == EXIT_KILLED and "stopped immediately" in said


def test_a_signal_before_it_compiles_is_not_forgotten() -> None:
    with StopSignals() as signals:
        send(signal.SIGTERM)
        with pytest.raises(StoppedEarly), signals.raising():
            raise AssertionError("not reached")


def test_the_time_ends_it_like_a_signal(folder: LeagueFolder) -> None:
    manager = ScriptedManager()
    assert run(folder, manager, ends=time.monotonic()) == 0
    assert manager.calls == ["close"]


def test_an_error_kills_what_runs_and_is_raised(folder: LeagueFolder) -> None:
    def turn(n: int) -> None:
        raise RuntimeError("a bug")

    manager = ScriptedManager(turn=turn)
    with pytest.raises(RuntimeError, match="a bug"):
        run(folder, manager)
    assert manager.calls == ["turn", "kill"]


def test_handlers_are_as_before_when_it_is_over(folder: LeagueFolder) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    run(folder, ScriptedManager(turn=lambda n: send(signal.SIGTERM)))
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_every_round_leaves_a_sign_of_life(folder: LeagueFolder) -> None:
    alive = folder.logs / "alive"

    def turn(n: int) -> None:
        if n == 2:
            assert alive.is_file()  # touched after round 1
            send(signal.SIGTERM)

    assert not alive.exists()
    run(folder, ScriptedManager(turn=turn))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DatabaseFullError("no space"), "the disk is full"),
        (OSError(errno.ENOSPC, "no space"), "the disk is full"),
        (DatabaseBusyError("the database is busy"), "the database is busy"),
        (DatabaseUnreachableError("terminated"), "terminated"),
        (OSError(errno.EMFILE, "too many open files"), "the machine is in trouble"),
    ],
)
def test_trouble_of_the_machine_pauses_the_league_and_then_it_goes_on(
    folder: LeagueFolder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    said: str,
) -> None:
    monkeypatch.setattr("league.daemon.trouble.FIRST_PAUSE_S", 0.0)
    paused: list[object] = []

    def turn(n: int) -> None:
        paused.append(read_note(folder).get("paused"))
        if n <= 2:
            raise error
        if n == 4:
            send(signal.SIGTERM)

    manager = ScriptedManager(turn=turn)
    assert run(folder, manager) == 0
    assert manager.calls == ["turn"] * 4 + ["close"]
    assert capsys.readouterr().err.count(said) == 3  # two pauses, and that it is over
    assert [passed.n_attempts for passed in manager.passed] == [2]
    shown = said if str(error).startswith(said) else f"{said} ({error})"
    assert paused == [None, shown, shown, None]


def test_workers_and_learners_are_listened_to_during_a_pause_and_a_signal_ends_it(
    folder: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("league.daemon.trouble.FIRST_PAUSE_S", 2.0)

    class Listening(ScriptedManager):
        def listen(self, timeout_s: float) -> None:
            super().listen(timeout_s)
            if self.calls.count("listen") == 3:
                send(signal.SIGTERM)

    def turn(n: int) -> None:
        if n == 2:
            send(signal.SIGTERM)
        raise DatabaseBusyError("locked")

    manager = Listening(turn=turn)
    assert run(folder, manager) == 0
    assert manager.calls == ["turn", "listen", "listen", "listen", "close"]


def test_trouble_that_does_not_pass_within_the_limit_stops_the_league_cleanly(
    folder: LeagueFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("league.daemon.trouble.FIRST_PAUSE_S", 0.0)
    clock = Clock()

    def turn(n: int) -> None:
        clock.now += 4.0
        raise DatabaseBusyError("locked")

    manager = ScriptedManager(turn=turn)
    # fails at 4, 8, 12 and 16 s, the first of which begins the wait: 12 s are over at the fourth
    assert run(folder, manager, patience=Patience(12.0, clock=clock)) == EXIT_TROUBLE == 75
    assert manager.calls == ["turn"] * 4 + ["close"]
    assert "waited 12 s (database.patience_s) for its end, in vain" in capsys.readouterr().err


def test_a_last_commit_that_fails_is_said_and_the_exit_code_tells(
    folder: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    def close() -> None:
        raise DatabaseUnreachableError("terminated")

    manager = ScriptedManager(turn=lambda n: send(signal.SIGTERM), close=close)
    assert run(folder, manager) == EXIT_TROUBLE
    assert manager.calls == ["turn", "close"]
    assert "the last commit failed" in capsys.readouterr().err


def test_what_reports_trouble_does_not_add_to_it(
    folder: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("league.daemon.trouble.FIRST_PAUSE_S", 0.0)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr("league.daemon.screen.ProgressLines.say", refuse)

    def turn(n: int) -> None:
        folder.lock.unlink(missing_ok=True)
        if n == 1:
            raise DatabaseFullError("no space")
        send(signal.SIGTERM)

    manager = ScriptedManager(turn=turn)
    assert run(folder, manager) == 0
    assert len(manager.passed) == 1


def test_an_error_that_is_not_the_machines_ends_the_league(folder: LeagueFolder) -> None:
    def turn(n: int) -> None:
        raise OSError(errno.ENOTDIR, "not a directory")

    manager = ScriptedManager(turn=turn)
    with pytest.raises(OSError, match="not a directory"):
        run(folder, manager)
    assert manager.calls == ["turn", "kill"]


def test_a_daemon_that_lost_its_league_kills_its_processes_without_another_round(
    folder: LeagueFolder,
) -> None:
    manager = ScriptedManager()
    checks: list[int] = []

    def check() -> None:
        checks.append(len(manager.calls))
        if len(checks) == 3:
            raise DatabaseHeldError("held by another daemon")

    with pytest.raises(DatabaseHeldError):
        run(folder, manager, check=check)
    assert checks == [0, 1, 2]  # before every round
    assert manager.calls == ["turn", "turn", "kill"]


def test_a_hold_that_was_lost_with_its_connection_is_taken_again_after_a_pause(
    folder: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("league.daemon.trouble.FIRST_PAUSE_S", 0.0)
    lost = [DatabaseUnreachableError("the connection was lost")]

    def check() -> None:
        if lost:
            raise lost.pop()

    manager = ScriptedManager(turn=lambda n: send(signal.SIGTERM))
    assert run(folder, manager, check=check) == 0
    assert manager.calls == ["turn", "close"]
    assert len(manager.passed) == 1
