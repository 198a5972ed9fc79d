"""TeachingSettings: every number of a lesson, as plain frozen values.

The numbers have no defaults here: those of a league stand in league.config.training.
"""

from __future__ import annotations

from dataclasses import dataclass

from agents.registry import is_planner

ROWS = 80_000  # of a script: some 300 seats' matches
ROUND_ROWS = 16_000
PLANNER_ROWS = 8_000  # at seven a second: 20 minutes
PLANNER_ROUND_ROWS = 4_000


@dataclass(frozen=True)
class TeachingSettings:
    """How a lineage is taught before it trains.

    Attributes:
        n_rows: decisions of the teacher to imitate; None chooses by the teacher.
        n_epochs: passes over them.
        n_rounds: rounds in which the learner plays and the teacher says what it would have done
            (Ross, Gordon, Bagnell 2011).
        n_round_rows: decisions of each such round; None chooses by the teacher.
        value_decisions: first decisions of the learner that train the critic alone.
        kl: weight of the divergence from the taught policy when the actor begins to train.
        kl_decisions: decisions after which that weight has gone to 0 on a straight line.
    """

    n_rows: int | None
    n_epochs: int
    n_rounds: int
    n_round_rows: int | None
    value_decisions: int
    kl: float
    kl_decisions: int

    def rows_of(self, teacher: str) -> int:
        """Return how many decisions of this teacher's play are collected."""
        return self.n_rows or (PLANNER_ROWS if is_planner(teacher) else ROWS)

    def round_rows_of(self, teacher: str) -> int:
        """Return how many decisions of the learner's play this teacher labels in a round."""
        return self.n_round_rows or (PLANNER_ROUND_ROWS if is_planner(teacher) else ROUND_ROWS)

    def kl_weight(self, n_decisions: int) -> float:
        """Return the weight of the divergence after so many decisions of the lineage."""
        faded = max(0, n_decisions - self.value_decisions) / self.kl_decisions
        return self.kl * max(0.0, 1.0 - faded)
