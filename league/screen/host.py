"""The Textual application: it hosts the page, hears keys, mouse and resizes, and reads in a thread.

Promises: the page is drawn by `league.screen.page` alone; only lines that changed are sent to the
terminal; reading never holds up a key; the application never ends the league by ending itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from league.screen.keys import Action, click, press
from league.screen.layout import places
from league.screen.page import Painter
from league.screen.state import Look, ScreenState
from league.screen.theatre import Theatre, other_match

TICK_S = 1.0
THEMES = (
    None,
    Style(color="#e8ecf2", bgcolor="#11151c"),
    Style(color="#1d2430", bgcolor="#ffffff"),
)
"""Ink and paper: as the terminal has them, dark, light."""


class LeagueProcess(Protocol):
    """The league as the screen sees it; nothing here waits.

    Attributes:
        is_ours: whether this process has started it, and the screen ends with it.
    """

    is_ours: bool

    def exit_code(self) -> int | None:
        """Return the exit code of a league that was started here and has ended, else None."""

    def stop(self) -> str:
        """Ask it to stop, the second time at once; return a sentence."""


@dataclass(frozen=True)
class Outcome:
    """How the screen ended: the person left it, or the league ended with this exit code."""

    has_left: bool
    exit_code: int = 0


class Canvas(Widget, can_focus=True):
    """Shows the lines of a page; a line is drawn anew when it has changed."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[Text] = []
        self._strips: dict[int, Strip] = {}
        self.colours: Style | None = None  # ink and paper; None is as the terminal has them

    def paint(self, colours: Style | None) -> None:
        """Change ink and paper."""
        self.colours = colours
        self._strips.clear()
        self.refresh()

    def show(self, lines: list[Text]) -> None:
        """Show these lines."""
        before, self._lines = self._lines, lines
        if len(before) != len(lines):
            self._strips.clear()
            self.refresh()
            return
        pairs = enumerate(zip(before, lines, strict=True))
        changed = [y for y, (old, new) in pairs if new is not old and _differ(old, new)]
        for y in changed:
            self._strips.pop(y, None)
        if changed:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))

    def render_line(self, y: int) -> Strip:
        """Return a line as segments."""
        if y >= len(self._lines):
            return Strip.blank(self.size.width)
        strip = self._strips.get(y)
        if strip is None:
            line = self._lines[y]
            strip = Strip(line.render(self.app.console), line.cell_len)
            if self.colours is not None:
                strip = strip.apply_style(self.colours)
            self._strips[y] = strip
        return strip.adjust_cell_length(self.size.width)  # while a resize is on its way


class LeagueScreen(App[Outcome]):
    """The screen of one league.

    Args:
        read: returns the present state; called in a thread, with whether the log is shown.
        process: the league.
        theatre: which match is on the screen.
        must_confirm: whether `s` asks again before it stops the league (one that runs elsewhere).
        write_report: writes report.html and returns a sentence; None if there is no such command.
        look: how the screen begins.
        match_id: the match to begin with; None takes the newest one.
    """

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "press('ctrl+c')", priority=True, show=False),
        Binding("ctrl+q", "press('q')", priority=True, show=False),
        Binding("tab", "press('tab')", priority=True, show=False),
        Binding("shift+tab", "press('shift+tab')", priority=True, show=False),
    ]
    CSS = "Screen { overflow: hidden; } Canvas { width: 100%; height: 100%; }"

    def __init__(
        self,
        read: Callable[[bool], ScreenState],
        process: LeagueProcess,
        theatre: Theatre,
        state: ScreenState,
        *,
        must_confirm: bool = False,
        write_report: Callable[[], str] | None = None,
        look: Look | None = None,
        match_id: int | None = None,
        tick_s: float = TICK_S,
    ) -> None:
        super().__init__(ansi_color=True)
        self._read, self._process, self._theatre = read, process, theatre
        self._must_confirm, self._write_report = must_confirm, write_report
        self.state = state
        self.look = look or Look()
        self._asked_to_stop = False
        self._said = ""
        self._wanted = match_id  # what somebody asked for
        self._executor = ThreadPoolExecutor(1, "screen")
        self._tick_s = tick_s
        self._painter = Painter()
        self._is_reading = False

    def compose(self) -> ComposeResult:
        """Yield the only widget."""
        yield Canvas()

    @property
    def canvas(self) -> Canvas:
        """The widget."""
        return self.query_one(Canvas)

    def on_mount(self) -> None:
        """Begin to read."""
        self.canvas.focus()
        self.set_interval(self._tick_s, self._tick)
        self._timer = self.set_interval(self._tick_s, self._play)
        self._draw()
        self.call_later(self._tick)
        if self._wanted is not None:
            self._theatre.show(self._wanted)

    def on_unmount(self) -> None:
        """End the thread."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    # --- what comes in ----------------------------------------------------------------------------

    async def _tick(self) -> None:
        """Read the state, unless it is being read, and see whether the league has ended."""
        code = self._process.exit_code()
        if code is not None:
            self.exit(Outcome(has_left=False, exit_code=code))
            return
        if self._is_reading:
            return
        self._is_reading = True
        with_log = self.look.lines == "log"
        try:
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(self._executor, self._read, with_log)
        finally:
            self._is_reading = False
        found = self._as_known_here(found)
        self.state = replace(found, scene=self.state.scene, scene_note=self.state.scene_note)
        self._draw()

    def _as_known_here(self, found: ScreenState) -> ScreenState:
        """Return a state with what this process knows better: what it has started and stopped."""
        if self._process.is_ours and found.phase == "stopped":  # not locked yet, or no longer
            found = replace(found, phase="starting", says=found.says or "loading the program")
        if self._asked_to_stop and found.phase in ("running", "starting"):
            return replace(found, phase="stopping", says=self._said)
        return found

    def _play(self) -> None:
        """Show the next moment of the match on screen, and the next match after its end."""
        if 6 not in places(*self.size, self.look.enlarged) or self.look.has_help:
            return
        if not self.look.is_paused:
            if self._theatre.is_over and self._wanted is None and self.state.matches:
                newest = other_match(self.state.matches, None, -len(self.state.matches))
                if newest is not None and not self._theatre.is_waiting:
                    self._theatre.show(newest)
            else:
                self._theatre.advance()
        self._show_scene()

    def _show_scene(self) -> None:
        scene = self._theatre.scene()
        if scene is not self.state.scene or self._theatre.note != self.state.scene_note:
            self.state = replace(self.state, scene=scene, scene_note=self._theatre.note)
            self._draw()

    def on_resize(self, event: events.Resize) -> None:
        """Draw the page in its new size, which the application itself takes over later."""
        self._draw(event.size)

    def _draw(self, size: Size | None = None) -> None:
        for canvas in self.query(Canvas):  # there is none before the start and after the end
            canvas.show(self._painter.page(self.state, self.look, *(size or self.size)))

    # --- what a person does -----------------------------------------------------------------------

    async def on_key(self, event: events.Key) -> None:
        """Hear a key."""
        event.stop()
        event.prevent_default()
        key = event.character if event.character and event.character.isprintable() else event.key
        self.action_press(key)

    def on_click(self, event: events.Click) -> None:
        """Give the focus to the panel under the mouse."""
        self._see(click(self.look, event.x, event.y, *self.size))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Move down."""
        self.action_press("down")

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Move up."""
        self.action_press("up")

    def action_press(self, key: str) -> None:
        """Do what a key asks for."""
        was_enlarged = self.look.enlarged
        look, action = press(self.state, self.look, key, *self.size)
        if action is not None:
            look = self._act(action, look)
        if was_enlarged == 6 and look.enlarged != 6:
            self._wanted = None
        self._see(look)

    def _see(self, look: Look) -> None:
        if look.speed != self.look.speed:
            self._timer.stop()
            self._timer = self.set_interval(self._tick_s / look.speed, self._play)
        self.look = look
        self._draw()

    def _act(self, action: Action, look: Look) -> Look:
        # Ctrl-C ends what was started here: the league, or the screen of one that runs elsewhere.
        leaves = action.what == "interrupt" and not self._process.is_ours
        if action.what == "leave" or leaves:
            self.exit(Outcome(has_left=True))
        elif action.what in ("stop", "interrupt"):
            return self._stop(look)
        elif action.what == "theme":
            at = THEMES.index(self.canvas.colours)
            self.canvas.paint(THEMES[(at + 1) % len(THEMES)])
        elif action.what == "step":
            self._theatre.advance(action.number)
            self._show_scene()
        elif action.what == "watch":
            self._wanted = action.number
            self._theatre.show(action.number)
        elif action.what == "other":
            self._other(action.number)
        elif action.what == "report":
            return self._report(look)
        return look

    def _other(self, by: int) -> None:
        """Show a match before or after the present one; from the newest on, the newest ones."""
        matches = self.state.matches
        # From what was asked for: a match whose replay is gone never comes on screen.
        present = self._theatre.coming if self._wanted is None else self._wanted
        found = other_match(matches, present, by)
        if found is not None and found != present:
            self._theatre.show(found)
        is_newest = found == other_match(matches, None, -len(matches))
        self._wanted = None if is_newest else found
        self._show_scene()

    def _stop(self, look: Look) -> Look:
        if self.state.phase == "stopped":
            return replace(
                look, message="the league is not running; `league start` goes on with it"
            )
        if self._must_confirm and not self._asked_to_stop and self.look.message != _CONFIRM:
            return replace(look, message=_CONFIRM)
        self._asked_to_stop = True
        self._said = self._process.stop()
        return replace(look, message="")

    def _report(self, look: Look) -> Look:
        if self._write_report is None:
            return replace(
                look, message="this release has no `league report --html`; --svg draws it"
            )
        asyncio.get_running_loop().run_in_executor(None, self._write_and_tell, self._write_report)
        return replace(look, message="writing report.html ...")

    def _write_and_tell(self, write: Callable[[], str]) -> None:
        said = write()
        self.call_from_thread(lambda: self._see(replace(self.look, message=said)))


def _differ(old: Text, new: Text) -> bool:
    return new.plain != old.plain or new.spans != old.spans


_CONFIRM = "s once more stops the league with everything committed; any other key does not"
