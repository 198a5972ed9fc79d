"""How a start waits: for a locked or unreachable database, a full disk, the machine.

Promises: it says what it waits for, as the running league does; a signal ends the wait; whatever is
limited is waited for no longer than START_PATIENCE_S, a full disk until it has room.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from league.daemon.detach import Herald
from league.daemon.lock import sign_path
from league.daemon.say import say
from league.daemon.signals import StoppedEarly, StopSignals
from league.daemon.trouble import (
    PassedTrouble,
    Patience,
    Pauses,
    Trouble,
    explain,
    note_pause,
)
from league.folder.layout import LeagueFolder

log = logging.getLogger(__name__)

START_PATIENCE_S = 60.0

Result = TypeVar("Result")


class _Nobody:
    """Stands for the manager while there is none."""

    def listen(self, timeout_s: float) -> None:
        """Wait: there are no workers and learners yet."""
        time.sleep(timeout_s)

    def trouble_passed(self, passed: PassedTrouble) -> None:
        """Log it: the database may not hold a journal yet."""
        log.warning("paused the start for %.0f s: %s", passed.seconds, passed.trouble)


class StartPauses:
    """Does the first steps of a start again while the machine or the database prevents them."""

    def __init__(self, pauses: Pauses, signals: StopSignals) -> None:
        self._pauses = pauses
        self._signals = signals

    def __call__(self, attempt: Callable[[], Result]) -> Result:
        """Return what the attempt returns.

        Raises:
            TroubleError: the limit is reached.
            StoppedEarly: a signal came meanwhile.
        """
        while True:
            try:
                result = attempt()
                self._pauses.end()
            except Exception as error:
                self._pauses.wait(error)
                if self._signals.n:
                    raise StoppedEarly from error
            else:
                return result


def start_pauses(
    folder: LeagueFolder, patience_s: float, signals: StopSignals, herald: Herald
) -> StartPauses:
    """Return what the first steps of a start are done through.

    Args:
        patience_s: `database.patience_s`; a start waits for START_PATIENCE_S at most.
        herald: told when the start pauses.
    """

    def show(trouble: Trouble | None) -> None:
        note_pause(folder, trouble)
        if trouble is not None:
            herald.tell("paused", f"{trouble}{explain(folder, trouble)}")

    pauses = Pauses(
        _Nobody(),
        Patience(min(patience_s, START_PATIENCE_S)),
        say=say,
        show=show,
        must_stop=lambda: signals.n > 0,
        sign=sign_path(folder).touch,
        explain=lambda trouble: explain(folder, trouble),
    )
    return StartPauses(pauses, signals)
