"""Owns when a trial is over and what it says: pure functions of scores and placements.

Promises: a canary that looks after every pair uses a test that allows for it; one with a fixed
number of matches is judged once. Each fails by chance in ALPHA of its rounds at most, and an alarm
takes two failed rounds in a row on fresh seeds: ALPHA squared. Measured in tests/calibration.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from league.champion.trials import Kind
from league.statistics.betting import SequentialTest
from league.statistics.means import t_cdf, t_interval

Outcome = Literal["running", "passed", "failed", "undecided"]

ALPHA = 0.01  # a round of a canary fails by chance
CHALLENGE_ALPHA = 0.05  # a challenger that is not stronger becomes champion
WORTH_IT = 0.55  # a challenger shown to score less than this is given up
MAX_PAIRS: dict[Kind, int] = {"order": 120, "better": 80, "forgetting": 60, "challenge": 200}
DRIFT_PAIRS = 40
MIRROR_PER_SEAT = 10  # matches per seat: ten expected in each cell of the chi-square


@dataclass(frozen=True)
class Verdict:
    """What a round says so far.

    Attributes:
        said: the evidence in words.
        score: mean pair score of the first member, None for a mirror or before the first pair.
        n: pairs, or matches of a mirror.
    """

    outcome: Outcome
    said: str
    score: float | None
    n: int


@dataclass(frozen=True)
class Reference:
    """Pair scores of earlier rounds of a drift canary, as their number, mean and variance."""

    n: int
    mean: float
    variance: float

    def joined(self, scores: Sequence[float]) -> Reference:
        """Return the reference with a further round's scores."""
        mean = math.fsum(scores) / len(scores)
        squares = math.fsum((x - mean) ** 2 for x in scores)
        n = self.n + len(scores)
        both = (self.n * self.mean + len(scores) * mean) / n
        squares += self.variance * max(self.n - 1, 0)
        squares += self.n * (self.mean - both) ** 2 + len(scores) * (mean - both) ** 2
        return Reference(n, both, squares / max(n - 1, 1))


def judge_order(kind: Kind, scores: Sequence[float]) -> Verdict:
    """Judge whether the first member is above the second, as everybody knows it is.

    It fails when the contrary is shown, or when nothing is shown within MAX_PAIRS: a score of 0.60
    is enough for that.
    """
    if SequentialTest(0.5, CHALLENGE_ALPHA, values=scores).passed:
        return _verdict("passed", scores, "is above")
    if SequentialTest(0.5, ALPHA, side="below", values=scores).passed:
        return _verdict("failed", scores, "is below")
    if len(scores) >= MAX_PAIRS[kind]:
        return _verdict("failed", scores, "is not shown to be above")
    return _verdict("running", scores, "so far")


def judge_forgetting(scores: Sequence[float]) -> Verdict:
    """Judge whether a member has fallen behind its own ancestor.

    It fails when the member's score against the ancestor is shown to be below one half.
    """
    if SequentialTest(0.5, ALPHA, side="below", values=scores).passed:
        return _verdict("failed", scores, "is below")
    if SequentialTest(0.5, CHALLENGE_ALPHA, values=scores).passed:
        return _verdict("passed", scores, "is above")
    if len(scores) >= MAX_PAIRS["forgetting"]:
        return _verdict("passed", scores, "is not shown to be below")
    return _verdict("running", scores, "so far")


def judge_challenge(scores: Sequence[float]) -> Verdict:
    """Judge whether a challenger is stronger than the champion.

    A challenger that is not stronger passes with probability CHALLENGE_ALPHA at most, however often
    this is asked. It is given up when it is shown to score less than WORTH_IT.
    """
    if SequentialTest(0.5, CHALLENGE_ALPHA, values=scores).passed:
        return _verdict("passed", scores, "is above")
    if SequentialTest(WORTH_IT, CHALLENGE_ALPHA, side="below", values=scores).passed:
        return _verdict("failed", scores, f"scores less than {100 * WORTH_IT:.0f} %")
    if len(scores) >= MAX_PAIRS["challenge"]:
        return _verdict("undecided", scores, "is not shown to be above")
    return _verdict("running", scores, "so far")


def judge_mirror(placements: Sequence[Sequence[int]]) -> Verdict:
    """Judge whether every seat takes every place equally often when all seats play alike.

    A chi-square per seat over the places (independent matches, one count each; a shared place is
    split among the places that it stands for, which only makes the test more careful), and the
    smallest p value times the number of seats.

    Args:
        placements: of every finished match, seat by seat.
    """
    n_seats = len(placements[0]) if placements else 0
    n = len(placements)
    if not placements or n < MIRROR_PER_SEAT * n_seats:
        return Verdict("running", f"{n} matches", None, n)
    placements = placements[: MIRROR_PER_SEAT * n_seats]
    from scipy.special import chdtrc

    counts = [[0.0] * n_seats for _ in range(n_seats)]
    for match in placements:
        for seat, place in enumerate(match):
            n_tied = sum(other == place for other in match)
            for shared in range(place - 1, place - 1 + n_tied):
                counts[seat][shared] += 1.0 / n_tied
    n, expected = len(placements), len(placements) / n_seats
    p_values = [
        float(chdtrc(n_seats - 1, sum((x - expected) ** 2 / expected for x in row)))
        for row in counts
    ]
    p = min(min(p_values) * n_seats, 1.0)
    seat = p_values.index(min(p_values))
    if p < ALPHA:
        said = f"seat {seat} does not take all places equally often (chi-square, p = {p:.1g})"
        return Verdict("failed", f"{said} in {n} matches", None, n)
    return Verdict(
        "passed", f"no seat is favoured (chi-square, p = {p:.2f}) in {n} matches", None, n
    )


def judge_drift(scores: Sequence[float], reference: Reference | None) -> Verdict:
    """Judge whether two anchors score against each other as they always did (Welch's t).

    Nothing about them changes, and neither does their company: a difference means that the game,
    the bots or the way matches are played has changed. The first round is the reference.
    """
    found = _welch(scores, reference)
    if isinstance(found, Verdict):
        return found
    p, said = found
    return _verdict("failed" if 2.0 * min(p, 1.0 - p) < ALPHA else "passed", scores, said)


def judge_heldout(scores: Sequence[float], reference: Reference | None) -> Verdict:
    """Judge whether a lineage has fallen behind its own score against a held-out member.

    No learner ever trains against a held-out member: its loss is not a lack of practice. Welch's t,
    one-sided, against the pooled scores of the lineage's earlier snapshots; the first round is the
    reference.
    """
    found = _welch(scores, reference)
    if isinstance(found, Verdict):
        return found
    p, said = found
    return _verdict("failed" if p < ALPHA else "passed", scores, said)


def _welch(scores: Sequence[float], reference: Reference | None) -> Verdict | tuple[float, str]:
    """Return (p of a score as low as this, what is said), or a verdict where there is no test."""
    if len(scores) < DRIFT_PAIRS:
        return _verdict("running", scores, "so far")
    scores = scores[:DRIFT_PAIRS]
    if reference is None:
        return _verdict("passed", scores, "is the reference")
    now = t_interval(scores)
    parts = (now.standard_error**2, reference.variance / reference.n)
    error = math.sqrt(parts[0] + parts[1])
    degrees = (parts[0] + parts[1]) ** 2 / (
        parts[0] ** 2 / (len(scores) - 1) + parts[1] ** 2 / max(reference.n - 1, 1)
    )
    p = t_cdf((now.mean - reference.mean) / error, degrees)
    return p, f"against {100 * reference.mean:.1f} % before (p = {p:.2g})"


def _verdict(outcome: Outcome, scores: Sequence[float], said: str) -> Verdict:
    if not scores:
        return Verdict(outcome, "no pair yet", None, 0)
    mean = math.fsum(scores) / len(scores)
    text = f"{said}: {100 * mean:.1f} % in {len(scores)} mirrored pairs"
    return Verdict(outcome, text, mean, len(scores))
