"""The application by Textual's pilot: what is on the terminal is the page, at every size."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from league.screen.host import LeagueScreen, Outcome
from league.screen.page import page
from league.screen.state import Look, ScreenState
from league.screen.theatre import Projector, Recording, Theatre
from tests.league.screen.states import SIZES, report, state


class FakeProcess:
    """A league that does what a test says."""

    def __init__(self, is_ours: bool = True) -> None:
        self.is_ours = is_ours
        self.code: int | None = None
        self.n_stops = 0

    def exit_code(self) -> int | None:
        return self.code

    def stop(self) -> str:
        self.n_stops += 1
        return "stop was asked for"


Steps = Callable[[Pilot[Any], LeagueScreen], Awaitable[None]]


def run(
    steps: Steps,
    size: tuple[int, int] = (120, 40),
    process: FakeProcess | None = None,
    read: Callable[[bool], ScreenState] | None = None,
    **more: Any,
) -> LeagueScreen:
    """Run the screen on a terminal of this size, and some steps in it."""
    theatre = Theatre(Projector(Path()), lambda match: None)
    source = read or (lambda with_log: state(scene=None))
    # The pilot waits after each key until the process rests; drawing all the time, it never would.
    more = {"tick_s": 0.25, **more}
    app = LeagueScreen(source, process or FakeProcess(), theatre, state(scene=None), **more)

    async def all_steps() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await steps(pilot, app)

    asyncio.run(all_steps())
    return app


async def until(pilot: Pilot[Any], condition: Callable[[], bool]) -> None:
    """Let the application run until something is so; a busy machine takes its time."""
    for _ in range(2_000):
        if condition():
            return
        await pilot.pause(0.01)
    raise AssertionError("it never came to be")


def on_terminal(app: LeagueScreen) -> list[str]:
    """The characters on the terminal, line by line, as Textual composes them."""
    _, height = app.size
    return ["".join(segment.text for segment in app.canvas.render_line(y)) for y in range(height)]


def expected(app: LeagueScreen) -> list[str]:
    """The page of the application's state."""
    return [line.plain for line in page(app.state, app.look, *app.size)]


@pytest.mark.parametrize("size", SIZES)
def test_the_terminal_shows_the_page(size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[Any], app: LeagueScreen) -> None:
        assert app.size == size
        assert on_terminal(app) == expected(app)
        assert [len(line) for line in on_terminal(app)] == [size[0]] * size[1]

    run(steps, size)


def test_after_a_resize_the_page_is_that_of_the_new_size() -> None:
    async def steps(pilot: Pilot[Any], app: LeagueScreen) -> None:
        for size in (*SIZES, (80, 24), (41, 13)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert app.size == size
            assert on_terminal(app) == expected(app)

    run(steps, tick_s=60.0)  # nothing else draws meanwhile


def test_keys_reach_the_page() -> None:
    async def steps(pilot: Pilot[Any], app: LeagueScreen) -> None:
        await pilot.press("2")
        assert app.look.enlarged == 2 and "─ 2 Who beats whom" in on_terminal(app)[2]
        await pilot.press("1", "escape", "tab", "shift+tab", "j", "enter")
        assert app.look.member_id == 2
        await pilot.press("escape", "slash", "t", "r", "i", "enter")
        assert app.look.find == "tri" and "tribe" in on_terminal(app)[4]
        await pilot.press("question_mark")
        assert "leave the screen" in on_terminal(app)[3]
        await pilot.press("question_mark", "l")
        assert app.look.lines == "log"
        await pilot.click(offset=(100, 5))
        assert app.look.focus == 2

    run(steps)


def test_q_leaves_the_league_running() -> None:
    process = FakeProcess()

    async def steps(pilot: Pilot[Any], app: LeagueScreen) -> None:
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)

    app = run(steps, process=process)
    assert app.return_value == Outcome(has_left=True) and process.n_stops == 0


@pytest.mark.parametrize("key", ["s", "ctrl+c"])
def test_s_and_ctrl_c_stop_the_league_and_the_screen_waits_for_its_end(key: str) -> None:
    process = FakeProcess()

    async def steps(pilot: Pilot[Any], app: LeagueScreen) -> None:
        await pilot.press(key)
        assert process.n_stops == 1 and app.is_running
        await until(pilot, lambda: app.state.phase == "stopping")
        assert "stop was asked for" in on_terminal(app)[0]
        await pilot.press(key)
        assert process.n_stops == 2  # the second one is the league's to understand
        process.code = 75
        await until(pilot, lambda: not app.is_running)

    assert run(steps, process=process).return_value == Outcome(has_left=False, exit_code=75)


def test_a_league_that_runs_elsewhere_is_stopped_only_after_a_second_s() -> None:
    process = FakeProcess(is_ours=False)

    async def steps(pilot: Pilot[Any], app: LeagueScreen) -> None:
        await pilot.press("s")
        assert process.n_stops == 0 and "s once more" in on_terminal(app)[-1]
        await pilot.press("j", "s")
        assert process.n_stops == 0
        await pilot.press("s")
        assert process.n_stops == 1

    run(steps, process=process, must_confirm=True)


def test_ctrl_c_leaves_a_league_that_runs_elsewhere() -> None:
    process = FakeProcess(is_ours=False)

    async def steps(pilot: Pilot[Any], app: LeagueScreen) -> None:
        await pilot.press("ctrl+c")
        await until(pilot, lambda: not app.is_running)

    app = run(steps, process=process, must_confirm=True)
    assert app.return_value == Outcome(has_left=True) and process.n_stops == 0


def test_reading_goes_on_and_holds_up_no_key() -> None:
    import threading

    hold, n_read = threading.Event(), [0]

    def read(with_log: bool) -> ScreenState:
        n_read[0] += 1
        if n_read[0] == 2:
            hold.wait(10.0)
        return replace(state(scene=None), league=f"read-{n_read[0]}")

    async def steps(pilot: Pilot[Any], app: LeagueScreen) -> None:
        await until(pilot, lambda: n_read[0] == 2)
        await pilot.press("3")  # while the second reading waits
        assert app.look.enlarged == 3 and "read-1" in on_terminal(app)[0]
        hold.set()
        await until(pilot, lambda: "read-1" not in on_terminal(app)[0])

    run(steps, read=read)


def test_the_head_says_what_a_start_waits_for() -> None:
    waiting = state(phase="starting", says="compiling the game, about 12 s left", report=None)

    async def steps(pilot: Pilot[Any], app: LeagueScreen) -> None:
        said = "starting  compiling the game, about 12 s left"
        await until(pilot, lambda: said in on_terminal(app)[0])

    run(steps, read=lambda with_log: waiting)


def test_a_league_of_ours_that_holds_no_lock_yet_is_starting() -> None:
    async def steps(pilot: Pilot[Any], app: LeagueScreen) -> None:
        await until(pilot, lambda: app.state.phase == "starting")

    run(steps, read=lambda with_log: state(phase="stopped", report=None))


def test_r_writes_the_report_or_says_that_it_cannot() -> None:
    async def cannot(pilot: Pilot[Any], app: LeagueScreen) -> None:
        await pilot.press("r")
        assert "report --html" in on_terminal(app)[-1]

    async def writes(pilot: Pilot[Any], app: LeagueScreen) -> None:
        await pilot.press("r")
        await until(pilot, lambda: on_terminal(app)[-1].startswith("written: report.html"))

    run(cannot)
    run(writes, write_report=lambda: "written: report.html")


def test_t_changes_ink_and_paper_and_comes_round() -> None:
    async def steps(pilot: Pilot[Any], app: LeagueScreen) -> None:
        found = []
        for _ in range(4):
            style = next(iter(app.canvas.render_line(0))).style
            found.append(style and style.bgcolor and style.bgcolor.name)
            await pilot.press("t")
        assert found == [None, "#11151c", "#ffffff", None]

    run(steps)


def test_only_lines_that_changed_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    regions: list[Any] = []

    async def steps(pilot: Pilot[Any], app: LeagueScreen) -> None:
        before = app.canvas.refresh
        monkeypatch.setattr(app.canvas, "refresh", lambda *r, **k: regions.append(r) or before(*r))
        found = report()
        grown = replace(found, arena=replace(found.arena, finished=12_395))
        app.state = replace(app.state, report=grown)
        app._draw()

    run(steps, read=lambda with_log: state(scene=None, report=report()))
    rows = {region.y for call in regions for region in call}
    assert rows and rows <= {0, 1}


def test_a_look_to_begin_with_is_kept() -> None:
    async def steps(pilot: Pilot[Any], app: LeagueScreen) -> None:
        await until(pilot, lambda: "match 7 keeps no replay" in "".join(on_terminal(app)))
        assert app.look.enlarged == 6

    run(steps, look=Look(enlarged=6, focus=6), match_id=7)


def test_j_and_k_in_the_match_on_screen_show_others_and_home_follows_the_newest() -> None:
    asked: list[int] = []

    async def steps(pilot: Pilot[Any], app: LeagueScreen) -> None:
        app._theatre._recording_of = lambda match: asked.append(match)  # none keeps its replay
        await pilot.press("6")
        app._theatre._match = Recording(12_394, Path())
        await pilot.press("j")
        assert asked[-1] == 12_393 and app._wanted == 12_393
        await pilot.press("j")  # 12,393 never came on screen: its replay is gone
        assert asked[-1] == 12_392 and app._wanted == 12_392
        app._theatre._match = Recording(12_393, Path())
        await pilot.press("home")
        assert asked[-1] == 12_394 and app._wanted is None

    run(steps, tick_s=60.0)
