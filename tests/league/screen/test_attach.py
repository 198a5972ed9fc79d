"""A screen attached to a league: signals, keys and the end, on a real terminal (a pty)."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from league.daemon.lock import hold_lock
from league.folder.layout import LeagueFolder
from league.screen import attach
from league.screen.attach import KILLING, STOPPING, Elsewhere, Started, can_show, recording_of

# In the place of the league: it counts signals, and ends after the first one with exit code 7.
LEAGUE = """
import pathlib, signal, sys, time
here = pathlib.Path(sys.argv[1])
def stop(number, frame):
    (here / "heard").write_text(signal.Signals(number).name)
    print("11:59:00  3 matches (0.10/s)")
    print("stopped, everything is committed", flush=True)
    sys.exit(7)
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
(here / "runs").touch()
time.sleep(60)
"""
# In the place of `league start`: everything of it but the league itself.
COMMAND = """
import pathlib, subprocess, sys
from league.daemon import detach
from league.daemon.detach import Launched
from league.daemon.say import say
from league.folder.layout import LeagueFolder
from league.screen import attach
folder = LeagueFolder.at(sys.argv[1])
def launch(folder, config, for_s):
    import os
    reads, writes = os.pipe()
    os.close(writes)
    output = (folder.logs / "daemon.out").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-c", LEAGUE, str(folder.root)], stdout=output, stderr=output,
        stdin=subprocess.DEVNULL, start_new_session=True,
    )
    return Launched(folder, process, reads, 0)
attach.launch = launch
code, left = attach.start_with_screen(folder, None, None, say=say)
(folder.root / "end").write_text(f"{code} {left is not None}")
"""


class Terminal:
    """A program on a terminal of 80 x 24."""

    def __init__(self, folder: LeagueFolder) -> None:
        self.folder = folder
        self.child, self.master = pty.fork()
        if self.child == 0:  # pragma: no cover
            os.environ["TERM"] = "xterm-256color"
            program = f"LEAGUE = {LEAGUE!r}\n{COMMAND}"
            os.execv(sys.executable, [sys.executable, "-c", program, str(folder.root)])
        self.seen = b""

    def wait_for(self, text: bytes, limit_s: float = 90.0) -> None:
        """Read until a text was written."""
        ends = time.monotonic() + limit_s
        while text not in self.seen and time.monotonic() < ends:
            if select.select([self.master], [], [], 0.2)[0]:
                try:
                    self.seen += os.read(self.master, 65_536)
                except OSError:
                    break
        assert text in self.seen, self.seen[-2_000:]

    def press(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.master, keys)

    def hang_up(self) -> None:
        """Close the terminal, as when its window is closed."""
        os.close(self.master)
        self.master = -1

    def end(self, limit_s: float = 60.0) -> str:
        """Wait for the end; return "EXIT_CODE HAS_LEFT", or the exit code of a sudden end."""
        ends = time.monotonic() + limit_s
        while time.monotonic() < ends:
            if self.master >= 0 and select.select([self.master], [], [], 0.05)[0]:
                with suppress(OSError):
                    self.seen += os.read(self.master, 65_536)
            pid, how = os.waitpid(self.child, os.WNOHANG)
            if pid:
                self.child = 0
                path = self.folder.root / "end"
                return path.read_text() if path.exists() else str(os.waitstatus_to_exitcode(how))
            time.sleep(0.05)
        raise AssertionError(f"the command did not end: {self.seen[-2_000:]!r}")

    def close(self) -> None:
        """Kill what still runs."""
        if self.child:
            os.kill(self.child, signal.SIGKILL)
            os.waitpid(self.child, 0)
        if self.master >= 0:
            os.close(self.master)


@pytest.fixture
def folder(tmp_path: Path) -> LeagueFolder:
    found = LeagueFolder(tmp_path)
    found.make_folders()
    return found


@pytest.fixture
def terminal(folder: LeagueFolder, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    made = Terminal(folder)
    made.wait_for(b"starting")
    yield made
    made.close()


def heard(folder: LeagueFolder) -> str | None:
    """The signal that the league heard."""
    path = folder.root / "heard"
    return path.read_text() if path.exists() else None


def test_ctrl_c_stops_the_league_and_its_exit_code_and_last_words_are_the_commands(
    terminal: Terminal, folder: LeagueFolder
) -> None:
    terminal.press(b"\x03")
    assert terminal.end() == "7 False" and heard(folder) == "SIGTERM"
    after = terminal.seen.rpartition(b"\x1b[?1049l")[2]  # the alternate screen is left
    assert b"stopped, everything is committed" in after and b"11:59:00" not in after


def test_q_leaves_it_running(terminal: Terminal, folder: LeagueFolder) -> None:
    while not (folder.root / "runs").exists():
        time.sleep(0.02)
    terminal.press(b"q")
    assert terminal.end() == "0 True" and heard(folder) is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_command_stops_the_league(
    terminal: Terminal, folder: LeagueFolder, number: signal.Signals
) -> None:
    while not (folder.root / "runs").exists():
        time.sleep(0.02)
    os.kill(terminal.child, number)
    assert terminal.end() == "7 False" and heard(folder) == "SIGTERM"


def test_a_terminal_that_is_closed_stops_the_league(
    terminal: Terminal, folder: LeagueFolder
) -> None:
    while not (folder.root / "runs").exists():
        time.sleep(0.02)
    terminal.hang_up()
    assert terminal.end() == "7" and heard(folder) == "SIGTERM"


def test_last_words_are_those_after_the_last_progress() -> None:
    lines = ["starting", "11:59:00  3 matches (0.10/s)", "stopping: x", "stopped"]
    assert attach._last_words(lines) == ["stopping: x", "stopped"]
    assert attach._last_words(["compiling", "stopped while it was starting"]) == [
        *("compiling", "stopped while it was starting")
    ]


class Launch:
    """A launched league, scripted."""

    def __init__(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        self.told: dict[str, str] = {}

    def hear(self, limit_s: float) -> None:
        """Hear nothing."""


def test_the_second_stop_says_that_it_is_at_once() -> None:
    launch = Launch()
    process = Started(launch)  # type: ignore[arg-type]
    assert process.exit_code() is None
    assert (process.stop(), process.stop()) == (STOPPING, KILLING)
    launch.process.wait()
    assert process.exit_code() == 130  # ended by a signal


def test_a_league_elsewhere_is_sent_the_signal_of_league_stop(
    folder: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr("os.kill", lambda pid, number: sent.append((pid, number)))
    assert "not running" in Elsewhere(folder).stop() and sent == []
    with hold_lock(folder):
        assert Elsewhere(folder).stop() == STOPPING
    assert sent == [(os.getpid(), signal.SIGTERM)]
    assert Elsewhere(folder).exit_code() is None


def test_a_replay_that_is_not_there_is_none(hand_made_league: LeagueFolder) -> None:
    assert recording_of(hand_made_league, 1) is None
    assert recording_of(hand_made_league, 999) is None


@pytest.mark.parametrize("term", ["dumb", None])
def test_no_screen_without_a_terminal_that_can_show_one(
    monkeypatch: pytest.MonkeyPatch, term: str | None
) -> None:
    assert not can_show()  # the suite has no terminal
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(getattr(sys, name), "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert can_show()
    monkeypatch.setenv("TERM", term) if term else monkeypatch.delenv("TERM")
    assert not can_show()
