"""The line of progress: what it says, where it is drawn, and that it goes."""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext

import pytest

from league.cli.main import main
from league.cli.working import Task, duration, working
from league.folder.layout import LeagueFolder
from tests.league.python.conftest import make_played_league


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


def test_another_part_has_a_time_left_of_its_own() -> None:
    clock = Clock()
    task = Task("training", clock)
    task.update(0, 600)
    clock.now += 300
    task.update(300, 600, "300 of 600 s")
    assert task.line() == "300 of 600 s, 5m00s, about 5m00s left"
    task.update(0, 10, "pairs")  # the speed of the training says nothing about them
    assert task.line() == "pairs, 5m00s"
    clock.now += 4
    task.update(2, 10)
    assert task.line() == "pairs, 5m04s, about 16 s left"  # two in 4 s, eight are left


class Heard:
    """Takes the place of a task, and keeps what a command tells it."""

    def __init__(self) -> None:
        self.told: list[tuple[float, float, str]] = []

    def update(self, done: float, total: float, what: str = "") -> None:
        self.told.append((done, total, what))


COUNTED = (
    "backup copy",
    "restore copy --league again",
    "rerate --smooth",
    "doctor --all",
    "report --html page.html",
    "results export --out results.jsonl",
    "look 1 --seat 3 --decision 2 --attention",
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[float, float, str]]]:
    """What each long command tells of its way, on a league with replays."""
    folder = tmp_path_factory.mktemp("told")
    make_played_league(folder / "league-data")
    found: dict[str, list[tuple[float, float, str]]] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("LEAGUE_DIR", raising=False)
        patch.setattr("league.rating.smoothing._REPORT_EVERY", 1)
        for command in COUNTED:
            heard = Heard()
            name = command.split()[0]
            module = {"backup": "upkeep", "restore": "upkeep", "rerate": "upkeep"}.get(name, name)
            module = "upkeep" if name == "doctor" else module
            patch.setattr(
                f"league.cli.{module}.working", lambda *a, heard=heard, **k: nullcontext(heard)
            )
            assert main([*command.split()]) == 0, command
            found[command] = heard.told
    return found


@pytest.mark.parametrize("command", COUNTED)
def test_a_long_command_tells_how_far_it_is(
    command: str, told: dict[str, list[tuple[float, float, str]]]
) -> None:
    counted = [(done, total) for done, total, _ in told[command] if total]
    assert all(0 <= done <= total for done, total in counted)
    assert len(set(counted)) > 1 and counted == sorted(counted)
    if command.startswith("report"):
        assert sum("playing match" in what for *_, what in told[command]) >= 1
    if command in ("backup copy", "restore copy --league again", "rerate --smooth"):
        assert counted[-1][0] == counted[-1][1]  # to its end


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
