"""What `league start` shows while it runs: the live report on a terminal, plain lines elsewhere.

Drawn from the daemon's own loop, at most once a second, from a read-only connection: the screen
never delays a commit, and a broken terminal does not stop the league.
"""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING

from league.daemon.trouble import trouble_of
from league.folder.layout import LeagueFolder
from league.folder.running import find_pause
from league.report.console import PlainConsole
from league.report.live import rows_that_fit
from league.report.screen import report_screen, summary_line
from league.report.state import ReportState, StateReader

if TYPE_CHECKING:
    from rich.live import Live

log = logging.getLogger(__name__)

SCREEN_EVERY_S = 1.0
LINE_EVERY_S = 15.0


class _Terminal(PlainConsole):
    """A console that may go away: rich would end this process when its reader has."""

    def on_broken_pipe(self) -> None:
        """Write nothing from now on."""
        self.quiet = True


class ProgressScreen:
    """Shows the running league; a context manager. `refresh` may be called at any rate.

    Args:
        ends: monotonic time at which the league stops, or None.
    """

    def __init__(self, folder: LeagueFolder, ends: float | None) -> None:
        self._folder = folder
        self._ends = ends
        self._console = _Terminal(stderr=True)
        self._every_s = SCREEN_EVERY_S if self._console.is_terminal else LINE_EVERY_S
        self._next = 0.0
        self._live: Live | None = None
        self._state: ReportState | None = None
        self._stack = ExitStack()

    def __enter__(self) -> ProgressScreen:
        self._reader = self._stack.enter_context(StateReader(self._folder))
        if self._console.is_terminal:
            from rich.live import Live

            self._live = self._stack.enter_context(
                Live(console=self._console, auto_refresh=False, transient=True)
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(OSError, ValueError):  # Live gives back a terminal that may be gone
            self._stack.close()

    def refresh(self) -> None:
        """Draw the league's state if it is time to."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + self._every_s
        try:
            self._state = self._reader.read()
            if self._live is not None:
                self._draw(self._state)
            else:
                left = "" if self._ends is None else f", {max(0.0, self._ends - now):.0f} s left"
                self.say(summary_line(self._state) + left)
        except Exception as error:  # a broken screen must not stop the league
            if trouble_of(error) is None:
                log.exception("the progress screen could not be drawn")
            else:  # the league itself will meet it, and say so
                log.warning("the progress screen could not be drawn: %s", error)

    def refresh_paused(self) -> None:
        """Draw the state as it was last, with the pause of now; nothing is read meanwhile.

        Where there is no terminal, whoever pauses says so in a line.
        """
        now = time.monotonic()
        if self._live is None or self._state is None or now < self._next:
            return
        self._next = now + self._every_s
        pause = find_pause(self._folder)
        self._draw(replace(self._state, pause=pause, at=datetime.now(UTC)))

    def _draw(self, state: ReportState) -> None:
        assert self._live is not None  # asked by the caller
        room = rows_that_fit(self._console)
        self._live.update(report_screen(state, max_members=room), refresh=True)

    def say(self, text: str) -> None:
        """Print one plain line; a terminal that is gone raises nothing."""
        with suppress(OSError, ValueError):
            self._console.print(text, highlight=False, soft_wrap=True, markup=False)
