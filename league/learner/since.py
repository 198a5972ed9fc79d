"""What a learner did since its newest snapshot: decisions, and scores against whom it met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass
class SinceSnapshot:
    """What the learner did since its newest snapshot."""

    decisions: int = 0
    scores: dict[str, list[float]] = field(default_factory=dict)  # by opponent, one per match

    def add(self, scores: Mapping[str, Sequence[float]]) -> None:
        """Add the scores of an update, by opponent."""
        for name, found in scores.items():
            self.scores.setdefault(name, []).extend(found)
