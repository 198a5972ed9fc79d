"""Everything that a head-to-head prints, computed from its complete pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from league.errors import BridgeEngineError, StatisticsError
from league.pit.looks import confidence_of
from league.pit.seats import seat_bias_p_value
from league.pit.sprt import Sprt, SprtSettings
from league.pit.statistics import Estimate, PitMatch, estimate, histogram, pair_score

EXIT_STRONGER, EXIT_NOT_STRONGER, EXIT_UNDECIDED = 0, 1, 4


@dataclass(frozen=True)
class PitReport:
    """Everything that the report of one head-to-head prints.

    Attributes:
        decision: "H1" or "H0" (SPRT), "undecided" (at the cap), "fixed" (a number of matches that
            was fixed), or "interrupted".
        look: which verdict on this head-to-head it is, the first being 1.
        remembered: whether earlier verdicts are known: a league remembers them.
        watch: what `league replay show` takes, match by match; () where nothing was kept.
        failure: why it was given up before its end, or None.
    """

    a: str
    b: str
    setting: str
    estimate: Estimate
    histogram: tuple[int, int, int, int, int]
    decision: str
    llr: float | None
    sprt: SprtSettings | None
    mean_placement: tuple[float, float]
    firsts: tuple[float, float]
    alive_share: tuple[float, float]
    seat_bias_p: float | None
    n_matches: int
    n_failed: int = 0
    crashes: Mapping[str, int] = field(default_factory=dict)
    matches_per_s: float | None = None
    look: int = 1
    remembered: bool = True
    watch: tuple[str, ...] = ()
    failure: str | None = None

    @property
    def exit_code(self) -> int:
        """0: A is stronger, or the number was fixed; 1: not shown to be; 4: undecided at the cap.

        130 where it was interrupted; 70 where the original engine gave up.
        """
        if self.failure is not None:
            return BridgeEngineError.exit_code
        codes = {"H0": EXIT_NOT_STRONGER, "undecided": EXIT_UNDECIDED, "interrupted": 130}
        return codes.get(self.decision, EXIT_STRONGER)


def summarise(
    pairs: Sequence[Sequence[PitMatch]],
    *,
    a: str,
    b: str,
    setting: str,
    sprt: SprtSettings | None,
    n_failed: int = 0,
    crashes: Mapping[str, int] | None = None,
    matches_per_s: float | None = None,
    look: int = 1,
    remembered: bool = True,
    interrupted: bool = False,
) -> PitReport:
    """Return the report of all complete pairs of a head-to-head, which may still be running.

    A number of matches that was fixed has Student's interval at the confidence of its look; all
    else (SPRT, which stops when it likes the score, and an interruption) a confidence sequence.

    Args:
        setting: what was played, for example "10 seats, 5A+5B, map plains-128, seeds 1..46".
        sprt: None for a fixed number of matches.
        crashes: failed matches by member name.

    Raises:
        StatisticsError: no pair is complete.
    """
    if not pairs:
        raise StatisticsError(
            f"expected complete mirrored pairs of {a} and {b}, found none; run `league pit` again"
        )
    scores = [pair_score(pair) for pair in pairs]
    decision, llr = "fixed", None
    if sprt is not None:
        test = Sprt(sprt, scores)
        decision, llr = test.decision or "undecided", test.llr
    if interrupted and decision not in ("H0", "H1"):
        decision = "interrupted"
    found = (
        estimate(scores, confidence=confidence_of(look))
        if decision == "fixed"
        else estimate(scores, anytime=True)
    )
    by_side = {side: _side_facts(pairs, side) for side in ("A", "B")}
    (mean_a, firsts_a, alive_a), (mean_b, firsts_b, alive_b) = by_side["A"], by_side["B"]
    return PitReport(
        a=a,
        b=b,
        setting=setting,
        estimate=found,
        histogram=histogram(scores),
        decision=decision,
        llr=llr,
        sprt=sprt,
        mean_placement=(mean_a, mean_b),
        firsts=(firsts_a, firsts_b),
        alive_share=(alive_a, alive_b),
        seat_bias_p=seat_bias_p_value(pairs),
        n_matches=2 * len(pairs),
        n_failed=n_failed,
        crashes=dict(crashes or {}),
        matches_per_s=matches_per_s,
        look=look,
        remembered=remembered,
    )


def _side_facts(pairs: Sequence[Sequence[PitMatch]], side: str) -> tuple[float, float, float]:
    """Return (mean placement, first places, share alive at the end) of a side's seats."""
    placements: list[int] = []
    alive, firsts = 0, 0.0
    for match in (match for pair in pairs for match in pair):
        n_first = sum(place == 1 for place in match.placements)
        for place, owner, is_alive in zip(match.placements, match.sides, match.alive, strict=True):
            if owner == side:
                placements.append(place)
                alive += is_alive
                firsts += (place == 1) / n_first if n_first else 0.0
    return sum(placements) / len(placements), firsts, alive / len(placements)
