"""The daemon's rounds and its stop: the first signal, the second, the time, errors."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from db.errors import DatabaseFullError
from league.daemon.process import EXIT_KILLED, GRACE_S, StopSignals, run_manager
from league.folder.layout import LeagueFolder
from tests.league.daemon.scripted import new_league


@pytest.fixture
def folder(tmp_path: Path) -> LeagueFolder:
    with new_league(tmp_path / "league") as league:
        return league.folder


class ScriptedManager:
    """Counts its rounds; does what the test says in a round and while closing."""

    def __init__(
        self,
        turn: Callable[[int], None] = lambda n: None,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self.calls: list[str] = []
        self.grace_s: float | None = None
        self._turn, self._close = turn, close

    def turn(self) -> None:
        self.calls.append("turn")
        self._turn(self.calls.count("turn"))

    def close(self, grace_s: float) -> None:
        self.calls.append("close")
        self.grace_s = grace_s
        self._close()

    def kill(self) -> None:
        self.calls.append("kill")


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


def run(folder: LeagueFolder, manager: ScriptedManager, ends: float | None = None) -> int:
    with StopSignals() as signals:
        return run_manager(folder, lambda: manager, signals, ends)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_closes_the_league_after_the_running_round(
    folder: LeagueFolder, number: signal.Signals
) -> None:
    manager = ScriptedManager(turn=lambda n: send(number) if n == 3 else None)
    assert run(folder, manager) == 0
    assert manager.calls == ["turn", "turn", "turn", "close"]
    # the README promises 30 s in all; the rest is for the running round and the commit
    assert manager.grace_s == GRACE_S < 30.0


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
        assert run_manager(folder, make, signals, None) == 0
    assert manager.calls == ["close"]


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


def test_a_full_disk_pauses_the_league_and_then_it_goes_on(
    folder: LeagueFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("league.daemon.process.DISK_FULL_PAUSE_S", 0.0)
    troubles = [DatabaseFullError("no space"), OSError(errno.ENOSPC, "no space")]

    def turn(n: int) -> None:
        if n <= 2:
            raise troubles[n - 1]
        send(signal.SIGTERM)

    manager = ScriptedManager(turn=turn)
    assert run(folder, manager) == 0
    assert manager.calls == ["turn", "turn", "turn", "close"]
    assert capsys.readouterr().err.count("the disk is full; pausing") == 2


def test_another_error_of_the_system_is_not_taken_for_a_full_disk(folder: LeagueFolder) -> None:
    def turn(n: int) -> None:
        raise OSError(errno.EIO, "input/output error")

    manager = ScriptedManager(turn=turn)
    with pytest.raises(OSError, match="input/output"):
        run(folder, manager)
    assert manager.calls == ["turn", "kill"]
