"""A ranking that copies of a member do not move: deviation ratings of who beats whom.

A rating by matches played follows the pool: fifty copies of one member lift whoever beats it. Here
two players name a member each, and the one named by the better member wins its beat rate less 1/2.
A member's rating is what it wins against the mixture that leaves all members as little as possible:
first the largest win, then the second largest, and so on. A copy adds a number that is already in
that list and a choice that is already there, so that no rating changes. Ratings are 0 at most; the
members at 0 cannot be passed over, the others are rated against these.

Source: Marris et al., Deviation ratings: a general, clone-invariant rating method (2025), for two
players and a symmetric zero-sum game, where the strictest equilibrium is this mixture; Balduzzi et
al., Re-evaluating evaluation (2018), for the game of naming members.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from league.errors import RatingError

FloatArray = NDArray[np.float64]

_ZERO = 1e-9  # of wins between -1/2 and 1/2, and of the solver's multipliers


@dataclass(frozen=True)
class Deviation:
    """Deviation ratings of n members.

    Attributes:
        rating: float64[n], -1/2 to 0: the beat rate against the mixture, less 1/2.
        weight: float64[n], one such mixture: who must be beaten. Copies may share it in any way.
    """

    rating: FloatArray
    weight: FloatArray


def deviation_ratings(beat_rates: FloatArray) -> Deviation:
    """Return the deviation ratings of float64[n, n] beat rates, row above column.

    Raises:
        RatingError: the rates are not square, or a rate and its opposite do not sum to 1.
    """
    rates = np.asarray(beat_rates, dtype=np.float64)
    if rates.ndim != 2 or rates.shape[0] != rates.shape[1]:
        raise RatingError(f"expected a square matrix of beat rates, found {rates.shape}")
    if not np.allclose(rates + rates.T, 1.0, atol=1e-6):
        raise RatingError("expected rates of a pair that sum to 1; count ties half")
    if not len(rates):
        return Deviation(np.zeros(0), np.zeros(0))
    game = rates - 0.5
    game = 0.5 * (game - game.T)
    rating = np.full(len(game), np.nan)
    while True:
        weight, level, tight, usable = _least_largest(game, rating)
        rating[tight] = level
        left = np.isnan(rating)
        if not left.any():
            break
        if _is_settled(game, rating, usable):
            rating[left] = (game @ weight)[left]
            break
    return Deviation(np.minimum(rating, 0.0), weight)


def _least_largest(
    game: FloatArray, rating: FloatArray
) -> tuple[FloatArray, float, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the mixture with the least largest win of the members that have no rating yet.

    Returns:
        Mixture, that win, the members that have it in every such mixture, and the members that such
        a mixture may hold.
    """
    from scipy.optimize import linprog

    n = len(game)
    is_open = np.isnan(rating)
    limits = np.hstack((game, np.where(is_open, -1.0, 0.0)[:, None]))
    found = linprog(
        np.append(np.zeros(n), 1.0),
        A_ub=limits,
        b_ub=np.where(is_open, 0.0, np.nan_to_num(rating) + 1e-12),
        A_eq=np.append(np.ones(n), 0.0)[None, :],
        b_eq=[1.0],
        bounds=[(0.0, None)] * n + [(None, None)],
        method="highs-ds",
    )
    if not found.success:
        raise RatingError(f"the equilibrium of the beat rates was not found: {found.message}")
    tight = is_open & (found.ineqlin.marginals < -_ZERO)
    if not tight.any():  # the solver's rounding hid all multipliers
        tight = is_open & (found.slack <= found.slack[is_open].min() + _ZERO)
    usable = found.lower.marginals[:n] <= _ZERO
    return found.x[:n], float(found.x[n]), tight, usable


def _is_settled(game: FloatArray, rating: FloatArray, usable: NDArray[np.bool_]) -> bool:
    """Return whether all mixtures that give the ratings so far give the same to everybody.

    They differ by moves among the usable members that keep the sum and the wins of the rated ones;
    if none of these moves changes any win (moves between copies do not), the rest is settled.
    """
    rated = ~np.isnan(rating)
    kept = np.vstack((game[rated][:, usable], np.ones((1, int(usable.sum())))))
    _, sizes, moves = np.linalg.svd(kept)
    free = moves[int((sizes > _ZERO).sum()) :]
    return not free.size or bool(np.abs(game[:, usable] @ free.T).max() < 1e-7)
