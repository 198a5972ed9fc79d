"""What the daemon says of its progress: a plain line now and then, on stderr.

Read from a read-only connection in the daemon's own loop: a line never delays a commit, and a
broken terminal does not stop the league. The live screen is another process (league.screen).
"""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack, suppress
from types import TracebackType

from league.daemon.trouble import trouble_of
from league.folder.layout import LeagueFolder
from league.report.console import PlainConsole
from league.report.screen import summary_line
from league.report.state import StateReader

log = logging.getLogger(__name__)

LINE_EVERY_S = 15.0


class _Terminal(PlainConsole):
    """A console that may go away: rich would end this process when its reader has."""

    def on_broken_pipe(self) -> None:
        """Write nothing from now on."""
        self.quiet = True


class ProgressLines:
    """Says how far the running league is; a context manager. `refresh` may be called at any rate.

    Args:
        ends: monotonic time at which the league stops, or None.
    """

    def __init__(self, folder: LeagueFolder, ends: float | None) -> None:
        self._folder = folder
        self._ends = ends
        self._console = _Terminal(stderr=True)
        self._next = 0.0
        self._stack = ExitStack()

    def __enter__(self) -> ProgressLines:
        self._reader = self._stack.enter_context(StateReader(self._folder))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(OSError, ValueError):
            self._stack.close()

    def refresh(self) -> None:
        """Say the league's state if it is time to."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + LINE_EVERY_S
        try:
            left = "" if self._ends is None else f", {max(0.0, self._ends - now):.0f} s left"
            self.say(summary_line(self._reader.read()) + left)
        except Exception as error:  # a line that cannot be had must not stop the league
            if trouble_of(error) is None:
                log.exception("the line of progress could not be made")
            else:  # the league itself will meet it, and say so
                log.warning("the line of progress could not be made: %s", error)

    def say(self, text: str) -> None:
        """Print one plain line; a terminal that is gone raises nothing."""
        with suppress(OSError, ValueError):
            self._console.print(text, highlight=False, soft_wrap=True, markup=False)
