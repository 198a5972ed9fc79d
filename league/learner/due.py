"""When a learner's next snapshot is due: by what it did since the last one, and the run's end.

Promises: decides by the settings, the decisions and the clock alone; the rule is
league.matchmaking.promotion's.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from league.learner.settings import SnapshotSettings
from league.learner.since import SinceSnapshot
from league.matchmaking.promotion import (
    RequiredFoe,
    RunLength,
    SnapshotDecision,
    decisions_to_snapshot,
    last_call,
    snapshot_decision,
)


class DueSnapshots:
    """Decides when a snapshot is due.

    Args:
        rules: of the league.

    Attributes:
        update_s: seconds of the newest update.
    """

    def __init__(self, rules: SnapshotSettings) -> None:
        self._rules = rules
        self._ends: float | None = None  # monotonic: when the league stops, if anybody said
        self._run_s = 0.0  # from the first word of it
        self._is_called = False  # whether the newest decision on a snapshot was the last call's
        self._was_called = False  # whether a snapshot has answered it
        self.update_s = 0.0

    def hear(self, seconds_left: float | None) -> None:
        """Take the time until the league stops, None if nobody said."""
        if seconds_left is None:
            self._ends = None
            return
        self._run_s = self._run_s or seconds_left
        self._ends = time.monotonic() + seconds_left

    def decide(
        self,
        trained: int,
        since: SinceSnapshot,
        required: Sequence[str],
        *,
        role: str,
        kl: float | None,
    ) -> SnapshotDecision:
        """Return whether a snapshot is due.

        Args:
            trained: decisions of the lineage at its newest snapshot.
            since: what came after it.
            required: agent specs of those whom it must beat.
            role: of the lineage.
            kl: divergence from it in nats, None if unknown.
        """
        rules = self._rules
        # An exploiter starts again after its snapshots: an early one would be a weak one.
        first = rules.first if role == "main" else None
        due = decisions_to_snapshot(trained, first=first, every=rules.every)
        run = None
        if self._ends is not None:
            left_s = self._ends - time.monotonic()
            run = RunLength(self._run_s, left_s, self.update_s, self._was_called)
        self._is_called = run is not None and last_call(run, trained, since.decisions, due)
        return snapshot_decision(
            [RequiredFoe(name, since.scores.get(name, ())) for name in required],
            since.decisions,
            snapshot_every=due,
            is_last_call=self._is_called,
            kl=kl,
            min_kl=rules.min_kl,
            win_rate=rules.win_rate,
            min_games=rules.min_games,
        )

    def offered(self) -> None:
        """Note that a snapshot was offered."""
        self._was_called = self._was_called or self._is_called
