"""What commands that play many matches share: a line of progress, and an end on SIGTERM."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from league.cli.options import say
from league.cli.working import working

PIPE_PAUSE_S = 15.0  # between two lines of progress where nobody watches them change


@contextmanager
def line_of_progress() -> Iterator[Callable[[Callable[[], str], int, int], None]]:
    """Yield what shows progress: one line that changes on a terminal, else one now and then."""
    on_terminal = sys.stderr.isatty()
    shown = -PIPE_PAUSE_S
    with working("the first matches are being played", after_s=0.5) as task:

        def show(line: Callable[[], str], done: int, total: int) -> None:
            nonlocal shown
            now = time.monotonic()
            if on_terminal:
                task.update(done, total, line())
            elif now - shown >= PIPE_PAUSE_S:
                shown = now
                say(line(), to_stderr=True)

        yield show


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM interrupt as Ctrl-C does, so that the score so far is printed."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
