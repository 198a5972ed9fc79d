"""`league start --detach`: what it waits for, and what it says of a league that does not play."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from db.errors import DatabaseFullError
from league.config.layers import resolve
from league.config.tree import LeagueConfig
from league.daemon import detach
from league.daemon.detach import DetachError, Herald, start_detached
from league.daemon.process import run_manager
from league.daemon.signals import StopSignals
from league.daemon.trouble import Patience
from league.folder.layout import LeagueFolder
from tests.league.daemon.test_process import ScriptedManager, send, signal

HERALD = "import json, os, sys\norder = json.loads(sys.stdin.read())\nfd = order['herald']\n"


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., int]]:
    """Start a program in the place of the league."""
    folder = LeagueFolder(tmp_path)
    folder.make_folders()
    popen = subprocess.Popen
    made: list[subprocess.Popen[bytes]] = []

    def start_program(program: str, limit_s: float = 30.0) -> int:
        def instead(command: list[str], **how: object) -> subprocess.Popen[bytes]:
            assert command[1:] == ["-m", "league.daemon.detached", str(tmp_path)]
            made.append(popen([sys.executable, "-c", HERALD + program], **how))  # type: ignore[call-overload]
            return made[-1]

        monkeypatch.setattr(detach.subprocess, "Popen", instead)
        return start_detached(folder, LeagueConfig(), None, limit_s)

    yield start_program
    for process in made:
        process.kill()
        process.wait()


def test_it_returns_when_the_league_plays(
    start: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    program = 'os.write(fd, b\'{"state": "ready"}\\n\'); os.close(fd)'
    assert start(program) == 0
    captured = capsys.readouterr()
    assert int(captured.out) > 0 and captured.err == ""


def test_it_returns_when_the_league_pauses_and_says_why(
    start: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    told = json.dumps({"state": "paused", "text": "the disk is full, needs 7 MB on /x\x1b[2J"})
    assert start(f"os.write(fd, {told!r}.encode() + b'\\n')") == 0
    captured = capsys.readouterr()
    assert int(captured.out) > 0
    assert "paused: the disk is full, needs 7 MB on /x\\x1b[2J" in captured.err


@pytest.mark.parametrize(
    ("program", "said", "exit_code"),
    [
        ("print('one'); print('no such network\\n\\n'); sys.exit(2)", "played: no such network", 2),
        ("sys.stderr.write('the database is busy\\n'); sys.exit(75)", "the database is busy", 75),
        ("sys.exit(3)", "it exited with code 3", 3),
        ("os.kill(os.getpid(), 9)", "it exited with code -9", 2),
        ("", "it exited with code 0", 2),
        ('os.write(fd, b\'{"state": "failed", "text": "why"}\\n\'); sys.exit(2)', "why", 2),
    ],
)
def test_a_league_that_ends_before_it_plays_is_an_error_with_its_last_line(
    start: Callable[..., int], program: str, said: str, exit_code: int
) -> None:
    with pytest.raises(DetachError, match=said) as raised:
        start(program)
    assert raised.value.exit_code == exit_code


def test_what_an_earlier_league_printed_is_not_the_last_line(
    start: Callable[..., int], tmp_path: Path
) -> None:
    (tmp_path / "logs" / "daemon.out").write_text("an old error\n")
    with pytest.raises(DetachError, match="it exited with code 3"):
        start("sys.exit(3)")


def test_a_league_that_is_never_ready_goes_on_and_is_named(start: Callable[..., int]) -> None:
    with pytest.raises(DetachError, match=r"no worker was ready within 0 s; process \d+ goes on"):
        start("import time; time.sleep(60)", 0.3)


def heard(folder: LeagueFolder, manager: ScriptedManager) -> list[object]:
    """Run a manager with a herald; return what was told."""
    reads, writes = os.pipe()
    with StopSignals() as signals:
        herald = Herald(writes)
        run_manager(folder, lambda: manager, signals, None, Patience(9.0), lambda: None, herald)
        herald.tell("failed", "it was not told before")
    with os.fdopen(reads) as stream:
        return [json.loads(line) for line in stream]


@pytest.fixture
def folder(hand_made_league: LeagueFolder) -> LeagueFolder:
    hand_made_league.lock.touch()
    return hand_made_league


def test_ready_is_told_after_the_first_worker_is_and_not_before(folder: LeagueFolder) -> None:
    manager = ScriptedManager()
    manager.is_ready = False

    def turn(n: int) -> None:
        manager.is_ready = n >= 3
        if n == 4:
            send(signal.SIGTERM)

    manager._turn = turn
    assert heard(folder, manager) == [{"state": "ready", "text": ""}]
    stopped = ScriptedManager(turn=lambda n: send(signal.SIGTERM))
    stopped.is_ready = False
    assert heard(folder, stopped) == [{"state": "failed", "text": "it was not told before"}]


def test_a_pause_is_told_with_its_reason(
    folder: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("league.daemon.trouble.FIRST_PAUSE_S", 0.0)
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("usage", (), {"free": 0}))

    def turn(n: int) -> None:
        if n == 1:
            raise DatabaseFullError("the disk is full (x)")
        send(signal.SIGTERM)

    (told,) = heard(folder, ScriptedManager(turn=turn))
    assert told == {
        "state": "paused",
        "text": f"the disk is full (x), needs 17 MB on {folder.root}",
    }


def test_a_league_whose_workers_cannot_be_set_up_is_not_said_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = resolve("small", None, ("learners=[]", "maps.rate=['generated:plains:64x64:1']"))
    folder = LeagueFolder(tmp_path)
    folder.make_folders()
    (folder.snapshots / "offered").rmdir()
    folder.snapshots.rmdir()
    folder.snapshots.write_text("a file where the snapshots should be")
    with pytest.raises(DetachError, match=r"before it played: .+"):
        start_detached(folder, config, None)
