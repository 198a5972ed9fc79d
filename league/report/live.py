"""Owns the live report: a screen redrawn once a second, or plain lines if there is no terminal.

Promises: one thread draws, and killing it harms nothing, since it only reads.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from league.report.screen import report_screen, summary_line
from league.report.state import ReportState

if TYPE_CHECKING:
    from rich.console import Console

REFRESH_S = 1.0
LINE_EVERY_S = 10.0
_OTHER_ROWS = 26  # head, learners, eight matches, arena, events


def rows_that_fit(console: Console) -> int:
    """Return how many rows of the standings fit on the screen beside everything else."""
    return max(console.height - _OTHER_ROWS, 5)


def run_live(
    read: Callable[[], ReportState],
    console: Console,
    *,
    stop: Callable[[], bool] = lambda: False,
    refresh_s: float = REFRESH_S,
    line_every_s: float = LINE_EVERY_S,
) -> None:
    """Show the state until `stop()` is true or the process is interrupted.

    Args:
        read: returns the present state; called once per refresh.
        console: where to draw; plain lines are printed if it is not a terminal.
        refresh_s: seconds between two drawings on a terminal.
        line_every_s: seconds between two plain lines.
    """
    if not console.is_terminal:
        _run_lines(read, console, stop, line_every_s)
        return
    from rich.live import Live

    with Live(console=console, auto_refresh=False, screen=False, transient=False) as live:
        while True:
            live.update(report_screen(read(), max_members=rows_that_fit(console)), refresh=True)
            if stop():
                return
            _wait(refresh_s, stop)


def _run_lines(
    read: Callable[[], ReportState], console: Console, stop: Callable[[], bool], every_s: float
) -> None:
    while True:
        console.print(summary_line(read()), highlight=False, soft_wrap=True, markup=False)
        if stop():
            return
        _wait(every_s, stop)


def _wait(seconds: float, stop: Callable[[], bool]) -> None:
    ends = time.monotonic() + seconds
    while not stop() and (left := ends - time.monotonic()) > 0:
        time.sleep(min(left, 0.25))
