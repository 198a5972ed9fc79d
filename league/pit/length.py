"""How long a head-to-head must be to show an effect: `league pit A B --plan EFFECT`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from league.errors import StatisticsError
from league.pit.looks import ALPHA_FIRST
from league.pit.sprt import SprtSettings, effect_of
from league.pit.statistics import elo, pair_variance
from league.statistics.means import t_quantile

POWERS = (0.8, 0.95)
_MANY = 1e9  # degrees of freedom that stand for the normal distribution


@dataclass(frozen=True)
class PlannedLength:
    """Matches and minutes that an effect takes.

    Attributes:
        effect: A minus B in normalised Elo per match.
        score, elo: what that is at the spread of the pairs that were played.
        sprt: mean matches of SPRT [0, effect] if the effect is 0 or as large, and halfway between.
        fixed: matches of a fixed length whose interval excludes 50 % with a power of 80 and 95 %.
        n_pairs: pairs that the spread comes from.
        matches_per_s: measured speed of this machine.
    """

    effect: float
    score: float
    elo: float
    sprt: tuple[int, int]
    fixed: tuple[int, int]
    n_pairs: int
    matches_per_s: float

    def minutes(self, n_matches: int) -> float:
        """Return how long so many matches take here."""
        return n_matches / self.matches_per_s / 60.0


def planned_length(effect: float, scores: Sequence[float], matches_per_s: float) -> PlannedLength:
    """Return the length that an effect takes.

    SPRT by Wald's approximation for the mean number of observations (1945), to which a sixth is
    added (126 to 167 pairs were measured where it says 128); a fixed length by the normal one,
    ((z + z_power) / d)^2 pairs for an effect of d standard deviations of a pair.

    Args:
        scores: of the pairs played so far, for their spread.

    Raises:
        StatisticsError: the effect is not above 0.
    """
    if not effect > 0.0:
        raise StatisticsError(f"expected an effect above 0 nElo, found {effect:g}")
    d = effect_of(effect)
    lower, upper = SprtSettings(0.0, effect).bounds
    beta = SprtSettings(0.0, effect).beta
    if_true = ((1 - beta) * upper + beta * lower) / (d * d / 2)
    halfway = -lower * upper / (d * d)
    z = t_quantile(1 - ALPHA_FIRST / 2, _MANY)
    fixed = [((z + t_quantile(power, _MANY)) / d) ** 2 for power in POWERS]
    score = 0.5 + d * math.sqrt(pair_variance(scores)[0])
    return PlannedLength(
        effect=effect,
        score=min(score, 1.0),
        elo=elo(score),
        sprt=(_matches(if_true * 7 / 6), _matches(halfway * 7 / 6)),
        fixed=(_matches(fixed[0]), _matches(fixed[1])),
        n_pairs=len(scores),
        matches_per_s=matches_per_s,
    )


def format_plan(found: PlannedLength, a: str, b: str) -> list[str]:
    """Return the plan as lines: what is to be shown, each way with matches and minutes, speed."""

    def cost(n_matches: int) -> str:
        return f"{n_matches:,} matches, {_time(found.minutes(n_matches))}"

    return [
        f"To show that A = {a} is stronger than B = {b} by {found.effect:g} nElo (a score of "
        f"{100 * found.score:.1f} %, Elo {found.elo:+.1f}, at the spread of {found.n_pairs} "
        "pairs):",
        f"SPRT (--nelo 0 {found.effect:g}): on average {cost(found.sprt[0])}, if it is 0 or "
        f"{found.effect:g}; halfway {cost(found.sprt[1])}",
        f"Fixed length (--matches): {cost(found.fixed[0])}, to show it in 80 % of cases; "
        f"{cost(found.fixed[1])}, in 95 %",
        f"Speed: {found.matches_per_s:.1f} matches/s here",
    ]


def plan_json(found: PlannedLength) -> dict[str, Any]:
    """Return the numbers of a plan as JSON values."""
    values = asdict(found)
    for key in ("sprt", "fixed"):
        values[key] = list(values[key])
        values[f"{key}_minutes"] = [found.minutes(n) for n in getattr(found, key)]
    return values


def _matches(pairs: float) -> int:
    return 2 * math.ceil(pairs)


def _time(minutes: float) -> str:
    if minutes < 1.0:
        return f"{60 * minutes:.0f} s"
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"
