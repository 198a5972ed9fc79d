"""TrueSkill: its constants, what ratings say, and a match rated by the package `trueskill`.

Promises: one algorithm, named by RATING_VERSION, with no state, clock or random numbers, so that a
replay of a log gives the stored ratings bit for bit. The package rates the leagues that were made
with it, and is the reference for the compiled engine (league.rating.engines). mu and sigma are in
TrueSkill points.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING

from league.errors import RatingError
from league.rating.careful import careful_copy

if TYPE_CHECKING:
    from trueskill import TrueSkill

Gaussian = tuple[float, float]  # (mu, sigma)

# Names the package's algorithm and its constants; change it with any of them.
RATING_VERSION = "trueskill-1"
MU = 25.0
SIGMA = 25.0 / 3.0
BETA = 25.0 / 6.0
# Frozen members do not drift: the package's 25/300 makes ratings depend on the order of matches
# (shuffling 1,000 matches moves mu by 0.43 sigma; 0.08 with 0).
TAU = 0.0
# The package's 0.10 drops the coverage of the 95 % interval from 93 % to 62 % in tie-free games of
# ten; exactly 0 makes a tie raise sigma silently.
DRAW_PROBABILITY = 1e-6
# Two performances closer than this tie: sqrt(2) BETA times the normal quantile of
# (1 + DRAW_PROBABILITY) / 2, as the package computes it.
DRAW_MARGIN = 7.3852243781673595e-06


def normal_cdf(x: float, mu: float = 0.0, sigma: float = 1.0) -> float:
    """Return P(X <= x); by erfc, so that the far left tail keeps its relative precision."""
    return 0.5 * math.erfc((mu - x) / (sigma * math.sqrt(2.0)))


def normal_pdf(x: float, mu: float = 0.0, sigma: float = 1.0) -> float:
    """Return the density at x."""
    z = (x - mu) / sigma
    return math.exp(-0.5 * z * z) / (sigma * math.sqrt(2.0 * math.pi))


def normal_ppf(p: float, mu: float = 0.0, sigma: float = 1.0) -> float:
    """Return the x with P(X <= x) = p, for 0 < p < 1."""
    return NormalDist(mu, sigma).inv_cdf(p)


@lru_cache(maxsize=1)
def environment() -> TrueSkill:
    """Return the TrueSkill environment of RATING_VERSION.

    The package's own cdf loses precision in the tails (two equals that tie get sigma 6.304 where
    6.455 is right), and its scipy backend is 10 times slower.
    """
    from trueskill import TrueSkill

    return TrueSkill(
        mu=MU,
        sigma=SIGMA,
        beta=BETA,
        tau=TAU,
        draw_probability=DRAW_PROBABILITY,
        backend=(normal_cdf, normal_pdf, normal_ppf),
    )


def rate_match(ratings: Sequence[Gaussian], placements: Sequence[int]) -> list[Gaussian]:
    """Return new (mu, sigma) of members with one seat each, from all placements (1 is best).

    The numbers are finite: where the package's arithmetic fails, the limit is computed with care
    (league.rating.careful). All other matches get the package's own numbers, to the last bit.

    Args:
        ratings: before the match, in seat order: the order is part of the result's last bits.
        placements: of the same seats; equal numbers are a tie. Gaps (unrated seats) do not matter.

    Raises:
        RatingError: there are fewer than two seats, or the lengths differ.
    """
    check_seats(ratings, placements)
    try:
        rated = _rate(environment(), ratings, placements)
    except (ArithmeticError, ValueError):  # its truncation lost all digits
        rated = []
    if not rated or not all(math.isfinite(number) for rating in rated for number in rating):
        rated = _rate(careful_copy(environment()), ratings, placements)
    return rated


def check_seats(ratings: Sequence[Gaussian], placements: Sequence[int]) -> None:
    """Raise RatingError unless there are two or more ratings and as many placements."""
    if len(ratings) < 2 or len(ratings) != len(placements):
        raise RatingError(
            f"expected a placement for each of two or more rated seats, found {len(ratings)} "
            f"ratings and {len(placements)} placements"
        )


def _rate(
    rules: TrueSkill, ratings: Sequence[Gaussian], placements: Sequence[int]
) -> list[Gaussian]:
    teams = [(rules.create_rating(mu, sigma),) for mu, sigma in ratings]
    rated = rules.rate(teams, ranks=list(placements))
    return [(float(team[0].mu), float(team[0].sigma)) for team in rated]


def child_rating(parent_mu: float, parent_sigma: float, allowance: float) -> Gaussian:
    """Return the first rating of a snapshot: its parent's, made less certain.

    The `allowance` is added to sigma in quadrature, up to the sigma of an unknown member (25/3).
    """
    return parent_mu, min(SIGMA, math.hypot(parent_sigma, allowance))


def win_probability(a: Gaussian, b: Gaussian) -> float:
    """Return P(a places above b) = Phi((mu_a - mu_b) / sqrt(2 beta^2 + sigma_a^2 + sigma_b^2))."""
    spread = math.sqrt(2.0 * BETA**2 + a[1] ** 2 + b[1] ** 2)
    return normal_cdf((a[0] - b[0]) / spread)


def conservative(mu: float, sigma: float) -> float:
    """Return the skill that a member almost certainly has: mu - 3 sigma."""
    return mu - 3.0 * sigma
