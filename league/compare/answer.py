"""Owns the answer of a comparison: from one score per training seed to an interval and a sentence.

Promises: the training seed is the unit. What is said about architectures rests on the spread
between at least three seeds; with fewer, interval and sentence are of these snapshots alone. Pure
functions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from league.compare.equals import Measure
from league.pit.statistics import elo
from league.statistics.means import t_interval, t_quantile

MIN_SEEDS = 3  # below this the sentence is not about architectures
Company = Literal["five", "mixed"]
COMPANIES: tuple[Company, ...] = ("five", "mixed")
EXIT_ANSWERED, EXIT_OF_SNAPSHOTS = 0, 4


@dataclass(frozen=True)
class SeedScore:
    """How the member of A did against the member of B of one training seed.

    Attributes:
        league: name of the seed's league.
        score: share of (A seat, B seat) pairs with A placed above, ties counting half.
        standard_error: of the score, over mirrored pairs of matches.
        mean_placement: of A's and of B's seats.
    """

    league: str
    a: str
    b: str
    score: float
    standard_error: float
    n_pairs: int
    mean_placement: tuple[float, float]


@dataclass(frozen=True)
class Answer:
    """The result of one way of comparing; the interval is of 95 %.

    Attributes:
        of: what the interval speaks of: the spread between training seeds ("families"), or, with
            fewer than three of them, the matches alone ("snapshots").
        seeds_low, seeds_high: the interval over two training seeds, where there are just two.
    """

    measure: Measure
    company: Company
    seeds: tuple[SeedScore, ...]
    of: Literal["families", "snapshots"]
    score: float
    low: float
    high: float
    seeds_low: float | None = None
    seeds_high: float | None = None

    @property
    def elo(self) -> tuple[float, float, float]:
        """Elo of A minus B with both ends of its interval."""
        return elo(self.score), elo(self.low), elo(self.high)

    @property
    def stronger(self) -> Literal["a", "b"] | None:
        """The side that the interval shows to be stronger; None if it holds an even score."""
        if self.low > 0.5:
            return "a"
        return "b" if self.high < 0.5 else None


def answer(measure: Measure, company: Company, seeds: Sequence[SeedScore]) -> Answer:
    """Return the mean score over training seeds with its interval.

    With three seeds or more: Student's t with k - 1 degrees of freedom over the k scores, which
    holds the spread of training and that of the matches alike; but never narrower than the matches
    alone allow, because three scores may lie together by chance. With fewer seeds: t over the
    matches of the given snapshots, each seed weighing the same.
    """
    over_seeds = t_interval(row.score for row in seeds)
    error = math.sqrt(math.fsum(row.standard_error**2 for row in seeds)) / len(seeds)
    of_matches = t_quantile(0.975, sum(row.n_pairs - 1 for row in seeds)) * error
    is_of_families = len(seeds) >= MIN_SEEDS
    half = max(over_seeds.half_width, of_matches) if is_of_families else of_matches
    between = over_seeds.within(0.0, 1.0)
    return Answer(
        measure,
        company,
        tuple(seeds),
        "families" if is_of_families else "snapshots",
        over_seeds.mean,
        max(over_seeds.mean - half, 0.0),
        min(over_seeds.mean + half, 1.0),
        *((between.low, between.high) if 1 < len(seeds) < MIN_SEEDS else ()),
    )
