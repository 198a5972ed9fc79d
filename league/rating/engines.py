"""The rating engines that a league can have, and the version that each writes beside its numbers.

Promises: whoever rates live and whoever replays a log gets the same function for the same version,
so that the numbers agree to the last bit; nothing is compiled before a match is rated. Both engines
are TrueSkill with the constants of league.rating.trueskill: `compiled` is our own chain
(league.rating.chain), `trueskill` the package, which leagues made before the chain keep.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from league.errors import RatingError
from league.rating.trueskill import BETA, DRAW_MARGIN, Gaussian, check_seats
from league.rating.trueskill import RATING_VERSION as PACKAGE_VERSION
from league.rating.trueskill import rate_match as rate_by_package

RateFunction = Callable[[Sequence[Gaussian], Sequence[int]], list[Gaussian]]

ENGINES = ("compiled", "trueskill")
DEFAULT_ENGINE = "compiled"
OLD_ENGINE = "trueskill"  # of leagues whose settings name none

# Names the algorithm and its constants; change it with any of them.
CHAIN_VERSION = "chain-1"
_VERSIONS = {"compiled": CHAIN_VERSION, "trueskill": PACKAGE_VERSION}

LARGEST = 1e60  # of |mu|, sigma and 1 / sigma: squares and products of them stay finite


def rating_version(engine: str) -> str:
    """Return the version that an engine of ENGINES writes beside its ratings."""
    return _VERSIONS[engine]


def rate_function(version: str) -> RateFunction:
    """Return the function that rates matches as a version does: ratings, placements -> ratings.

    Raises:
        RatingError: this program does not know the version.
    """
    if version == CHAIN_VERSION:
        return rate_by_chain
    if version == PACKAGE_VERSION:
        return rate_by_package
    raise RatingError(
        f"expected ratings of a version that this program knows ({', '.join(_VERSIONS.values())}), "
        f"found {version!r}; replay them with the program that wrote them"
    )


def rate_by_chain(ratings: Sequence[Gaussian], placements: Sequence[int]) -> list[Gaussian]:
    """Return new (mu, sigma) of members with one seat each, by the compiled chain.

    Args:
        ratings: before the match, in seat order: the order is part of the result's last bits.
        placements: of the same seats; equal numbers are a tie. Gaps (unrated seats) do not matter.

    Raises:
        RatingError: there are fewer than two seats, the lengths differ, or a rating is not finite
            or beyond all that matches can lead to (LARGEST).
    """
    import numpy as np

    from league.rating.chain import rate_rows, scratch

    check_seats(ratings, placements)
    for mu, sigma in ratings:
        check_range(mu, sigma)
    n = len(ratings)
    mu, sigma = np.array(ratings, np.float64).T.copy()
    new_mu, new_sigma = np.empty(n), np.empty(n)
    starts, seats, places = np.array([0, n]), np.arange(n), np.array(placements, np.int64)
    work, order = scratch(n)
    rate_rows(starts, seats, places, mu, sigma, new_mu, new_sigma, BETA, DRAW_MARGIN, work, order)
    return list(zip(new_mu.tolist(), new_sigma.tolist(), strict=True))


def check_range(mu: float, sigma: float) -> None:
    """Raise RatingError for a rating that is beyond all that matches can lead to."""
    if not (math.isfinite(mu) and abs(mu) <= LARGEST and 1.0 / LARGEST <= sigma <= LARGEST):
        raise RatingError(
            f"expected a rating with |mu|, sigma and 1 / sigma up to {LARGEST:g}, found mu {mu} "
            f"and sigma {sigma}; restore a backup of the league"
        )


def warm_up() -> None:
    """Compile the chain if that has not been done on this machine, and load it."""
    rate_by_chain([(25.0, 8.0), (25.0, 8.0)], [1, 2])
