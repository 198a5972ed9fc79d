"""The line of progress: what it says, where it is drawn, and that it goes."""

from __future__ import annotations

import sys
import time

import pytest

from league.cli.main import main
from league.cli.working import Task, duration, working
from league.folder.layout import LeagueFolder


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_duration_is_short() -> None:
    assert [duration(s) for s in (0.4, 59.4, 60, 200, 3_900)] == [
        *("0 s", "59 s", "1m00s", "3m20s", "1h05m"),
    ]


def test_the_time_left_follows_from_what_this_run_did() -> None:
    clock = Clock()
    task = Task("playing", clock)
    assert task.line() == "playing, 0 s"
    clock.now += 2
    task.update(10, 20)  # ten were played by an earlier run
    assert task.line() == "playing, 2 s"
    clock.now += 6
    task.update(12, 20, "12 of 20 pairs")
    # Two in six seconds, eight are left: 24 s.
    assert task.line() == "12 of 20 pairs, 8 s, about 24 s left"
    clock.now += 100
    task.update(20, 20)
    assert task.line() == "12 of 20 pairs, 1m48s"


def test_a_line_is_drawn_on_a_terminal_and_removed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with working("counting", after_s=0.0):
        ends = time.monotonic() + 20
        drawn = ""
        while "counting" not in drawn and time.monotonic() < ends:
            drawn += capsys.readouterr().err
    assert "\r\x1b[Kcounting, 0 s" in drawn
    assert capsys.readouterr().err.endswith("\r\x1b[K")


def test_nothing_is_drawn_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with working("counting", after_s=0.0) as task:
        task.update(1, 2)
    assert capsys.readouterr().err == ""


def test_what_is_quick_leaves_a_terminal_as_it_was(
    hand_made_league: LeagueFolder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with working("counting", after_s=60.0):
        pass
    assert capsys.readouterr().err == "\r\x1b[K"
    assert main(["doctor", "--json", "--league", str(hand_made_league.root)]) in (0, 1)
    assert capsys.readouterr().out.startswith("{")  # results alone


def test_an_error_ends_the_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with pytest.raises(KeyboardInterrupt), working("counting", after_s=0.0):
        raise KeyboardInterrupt
    assert capsys.readouterr().err.endswith("\r\x1b[K")
