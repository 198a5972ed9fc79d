"""What a learner does while the machine is in trouble: wait with growing pauses, and try again.

Promises: a full disk, missing permissions, too many open files or a disk that does not answer end
no learner: what failed is tried again until it succeeds, whoever watches the learner hears of it
and sees it alive, and a stop order is heard during a pause. Nothing is done twice by halves: only
what can be repeated from its beginning is given here (a whole file written, a snapshot loaded).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from arena.machine import growing_pause_s, is_machine_trouble
from league.folder.room import describe_trouble

log = logging.getLogger(__name__)

LONGEST_PAUSE_S = 30.0
LISTEN_S = 0.5  # how long a stop order may lie unread

Result = TypeVar("Result")


class StopOrdered(Exception):
    """The manager said stop, or is gone: what a learner does ends here."""


class Waiting:
    """Tries again what the machine prevents.

    Args:
        root: the league folder, for what a full disk needs.

    Attributes:
        listen: called over and over during a pause, with the seconds that it shall last; it gives
            signs of life, takes orders, and may raise to end the wait.
        tell: called with what is waited for, and with None when it is over.
    """

    def __init__(self, root: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.listen: Callable[[float], None] = time.sleep
        self.tell: Callable[[str | None], None] = lambda text: None
        self._root = root
        self._clock = clock

    def __call__(self, what: str, attempt: Callable[[], Result]) -> Result:
        """Return what `attempt` returns, however long the machine prevents it.

        Args:
            what: the end of the sentence "the learner cannot ..", for the user.

        Raises:
            Exception: of the attempt, if it is not the machine's fault; of `listen`.
        """
        n_failures = 0
        began = self._clock()
        while True:
            try:
                result = attempt()
            except Exception as error:
                if not is_machine_trouble(error):
                    raise
                n_failures += 1
                self._pause(what, error, n_failures)
                continue
            if n_failures:
                self.tell(None)
                log.warning("can %s again after %.0f s", what, self._clock() - began)
            return result

    def loader(self, load: Callable[[str], Result]) -> Callable[[str], Result]:
        """Return a loader that waits for the machine; a plug-in's errors are its own."""

        def load_patiently(name: str) -> Result:
            if name.startswith("plugin:"):
                return load(name)
            return self(f"load {name}", lambda: load(name))

        return load_patiently

    def _pause(self, what: str, error: Exception, n_failures: int) -> None:
        pause_s = growing_pause_s(n_failures, LONGEST_PAUSE_S)
        text = f"cannot {what}: {describe_trouble(error, self._root)}"
        if n_failures == 1 or pause_s > growing_pause_s(n_failures - 1, LONGEST_PAUSE_S):
            log.warning("%s; trying again in %g s", text, pause_s)  # no traceback: not a bug
        self.tell(text)
        ends = self._clock() + pause_s
        while (left_s := ends - self._clock()) > 0.0:
            self.listen(min(LISTEN_S, left_s))
