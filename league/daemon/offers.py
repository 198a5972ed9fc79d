"""Offers that wait: the machine, and not the learner, keeps a snapshot from being read."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from league.daemon.resting import pause_after

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WaitingOffer:
    """An offered snapshot that is read again when it is due."""

    learner: str
    reason: str
    n_in_a_row: int
    due: float


class WaitingOffers:
    """The offers that wait, by hash; they are on the disk, and a start finds them again."""

    def __init__(self) -> None:
        self._waiting: dict[str, WaitingOffer] = {}

    def add(self, learner: str, sha256: str, reason: str, error: Exception) -> str | None:
        """Let an offer wait, longer each time; return what the journal is told the first time."""
        before = self._waiting.get(sha256)
        n_in_a_row = 1 if before is None else before.n_in_a_row + 1
        pause_s = pause_after(n_in_a_row)
        due = time.monotonic() + pause_s
        self._waiting[sha256] = WaitingOffer(learner, reason, n_in_a_row, due)
        text = f"{learner}: the offered snapshot {sha256[:12]} is kept and read again: {error}"
        log.warning("%s (in %g s)", text, pause_s)
        return text if before is None else None

    def due(self) -> list[tuple[str, WaitingOffer]]:
        """Return the offers to be read now, with their hashes."""
        now = time.monotonic()
        return [(sha256, offer) for sha256, offer in self._waiting.items() if now >= offer.due]

    def forget(self, sha256: str) -> None:
        """Take an offer out that was settled."""
        self._waiting.pop(sha256, None)
