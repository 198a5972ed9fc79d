"""Whether a lineage climbs, stands still or falls: three sequential tests between two snapshots.

A stage compares the lineage's newest snapshot with an earlier one, the reference, in rated matches
that seat both and a held-out member, which no learner has ever met. The value of a match is
(1 + x - y) / 2, x and y being the shares of its held-out members that the newest and the reference
placed above (ties half): its mean is above 1/2 where the lineage has gained. In one match both have
the same map, seats drawn alike, and company.

Promises: only matches after the beginning of the stage count, so that no choice of the reference is
made with the data that judge it; each test may be looked at after every match
(league.statistics.betting). Wrong in a stage with probability ALPHA at most: "progress" without a
gain, "drift" without a loss, "plateau" with a gain of `gain` or more. Measured: tests/calibration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from league.statistics.betting import SequentialTest

ALPHA: Mapping[str, float] = {"progress": 0.05, "plateau": 0.05, "drift": 0.01}

Verdict = Literal["progress", "plateau", "drift"]


def share_above(place: int, others: list[int]) -> float:
    """Return the share of the other places that a place is better than, equals counting half."""
    return sum((place < other) + 0.5 * (place == other) for other in others) / len(others)


def match_value(newest: int, reference: int, held_out: list[int]) -> float:
    """Return the value of a match from the places of both snapshots and of the held-out members."""
    return (1.0 + share_above(newest, held_out) - share_above(reference, held_out)) / 2.0


@dataclass(frozen=True)
class Standing:
    """What a stage has shown so far.

    Attributes:
        gain: mean of x - y, in shares of held-out members.
    """

    n_matches: int
    gain: float


class Stage:
    """The tests of one stage.

    Args:
        gain: share of held-out members that a lineage that climbs places above in addition; 0.05
            are 5 points of score.
    """

    def __init__(self, gain: float) -> None:
        self._above = SequentialTest(0.5, ALPHA["progress"])
        self._below = SequentialTest(0.5, ALPHA["drift"], side="below")
        self._gain = gain
        self._sum = 0.0
        self.rest()

    def rest(self) -> None:
        """Begin the test for a plateau anew, after one was found; the others go on.

        A plateau does not end a stage: a lineage that falls has not gained either, and this test
        passes before the stricter one for a drift.
        """
        self._flat = SequentialTest(0.5 + self._gain / 2.0, ALPHA["plateau"], side="below")

    def add(self, value: float, *, is_far: bool) -> Verdict | None:
        """Take the value of the next match.

        Args:
            is_far: whether the newest snapshot had all the training in which a gain is expected;
                only such matches can show a plateau.
        """
        self._sum += value
        self._above.add(value)
        self._below.add(value)
        if is_far:
            self._flat.add(value)
        return self.verdict

    @property
    def verdict(self) -> Verdict | None:
        """What is shown by now; a loss comes before a gain, and both before a plateau."""
        if self._below.passed:
            return "drift"
        if self._above.passed:
            return "progress"
        return "plateau" if self._flat.passed else None

    @property
    def standing(self) -> Standing:
        """The matches so far, and the mean gain in them."""
        n = self._above.n_values
        return Standing(n, 2.0 * self._sum / n - 1.0 if n else 0.0)
