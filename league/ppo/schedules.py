"""Schedule: a hyperparameter as a function of the decisions made so far.

Absolute decisions, not a share of a run: a learner that is stopped, resumed or given more time
goes on with the value that it had.
"""

from __future__ import annotations

from dataclasses import dataclass

from league.ppo.errors import LearnerError


@dataclass(frozen=True)
class Schedule:
    """A straight line from `start` to `end`, constant afterwards.

    Attributes:
        start: value at decision 0.
        end: value from `decisions` on; None keeps `start` for ever.
        decisions: how many decisions of the learner the way takes; None only without `end`.
    """

    start: float
    end: float | None = None
    decisions: int | None = None

    def __post_init__(self) -> None:
        if (self.end is None) != (self.decisions is None):
            raise LearnerError(
                "a schedule needs both `end` and `decisions`, or neither for a constant; "
                f"found end={self.end!r}, decisions={self.decisions!r}"
            )
        if self.decisions is not None and self.decisions < 1:
            raise LearnerError(f"a schedule's decisions must be >= 1, found {self.decisions}")

    def at(self, n_decisions: int) -> float:
        """Return the value after `n_decisions` decisions."""
        if self.end is None or self.decisions is None:
            return self.start
        share = min(n_decisions / self.decisions, 1.0)
        return self.start + (self.end - self.start) * share

    @classmethod
    def of(cls, value: float | Schedule) -> Schedule:
        """Return a number as a constant schedule, a schedule as it is."""
        return value if isinstance(value, Schedule) else cls(float(value))
