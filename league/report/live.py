"""Owns the report that goes on where no screen can be shown: a plain line now and then.

Promises: killing it harms nothing, since it only reads. The live screen is league.screen.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from league.report.screen import summary_line
from league.report.state import ReportState

if TYPE_CHECKING:
    from rich.console import Console

LINE_EVERY_S = 10.0


def run_live(
    read: Callable[[], ReportState],
    console: Console,
    *,
    stop: Callable[[], bool] = lambda: False,
    line_every_s: float = LINE_EVERY_S,
) -> None:
    """Print the state until `stop()` is true or the process is interrupted.

    Args:
        read: returns the present state; called once for each line.
        line_every_s: seconds between two lines.
    """
    while True:
        console.print(summary_line(read()), highlight=False, soft_wrap=True, markup=False)
        if stop():
            return
        _wait(line_every_s, stop)


def _wait(seconds: float, stop: Callable[[], bool]) -> None:
    ends = time.monotonic() + seconds
    while not stop() and (left := ends - time.monotonic()) > 0:
        time.sleep(min(left, 0.25))
