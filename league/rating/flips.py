"""How many matches carry a difference of two ratings: the fewest whose removal would turn it round.

A lead that rests on a dozen of four thousand matches is no lead, whatever its interval. Source:
Broderick, Giordano and Meager, An automatic finite-sample robustness metric (2020).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from league.rating.columns import MatchColumns
from league.rating.errors import priors
from league.rating.scores import ScoreSums, seated
from league.rating.trueskill import Gaussian

if TYPE_CHECKING:
    from db.records import Admission

Rerate = Callable[[frozenset[int]], Mapping[int, Gaussian]]


@dataclass(frozen=True)
class Flip:
    """The fewest matches found without which `second` would stand above `first`.

    Attributes:
        n_matches: how many; None if no number of them does it by this estimate.
        n_common: rated matches of either of the two.
        is_rerated: whether the ratings were computed again without them, or estimated.
    """

    first: int
    second: int
    n_matches: int | None
    n_common: int
    is_rerated: bool


def matches_to_flip(
    columns: MatchColumns,
    ratings: Mapping[int, Gaussian],
    first: int,
    second: int,
    admissions: Mapping[int, Admission] | None = None,
    rerate: Rerate | None = None,
) -> Flip:
    """Return how many matches must be removed for `second` to stand above `first`.

    The matches are taken in the order of their influence on the difference, which is the inverse of
    the information times their scores; how many are needed is then looked for by halving, with the
    ratings computed again without them.

    Args:
        rerate: returns the ratings without some match ids; None adds the influences up instead.
    """
    influence = _influence(columns, ratings, first, second, admissions or {})
    order = np.argsort(-influence, kind="stable")
    gap = ratings[first][0] - ratings[second][0]
    enough = np.cumsum(influence[order]) > gap
    by_sum = int(enough.argmax()) + 1 if enough.any() else None
    seats = (columns.members == first) | (columns.members == second)
    n_common = (
        int(np.add.reduceat(seats, columns.starts[:-1]).astype(bool).sum()) if seats.size else 0
    )
    if rerate is None or by_sum is None:
        return Flip(first, second, by_sum, n_common, False)

    def turns(n: int) -> bool:
        without = rerate(frozenset(columns.match_ids[order[:n]].tolist()))
        return without[second][0] > without[first][0]

    most = int((influence > 0.0).sum())
    low, high = 0, by_sum
    while not turns(high):
        if high >= most:
            return Flip(first, second, None, n_common, True)
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if turns(middle) else (middle, high)
    return Flip(first, second, high, n_common, True)


def _influence(
    columns: MatchColumns,
    ratings: Mapping[int, Gaussian],
    first: int,
    second: int,
    admissions: Mapping[int, Admission],
) -> NDArray[np.float64]:
    """Return float64[m]: by how much each match holds the first above the second, in points."""
    member_ids = tuple(sorted(ratings))
    mu = np.array([ratings[i][0] for i in member_ids])
    sums = ScoreSums(mu)
    parts = []
    for group, _ in seated(columns, member_ids):
        members = np.ascontiguousarray(group.members.T, dtype=np.int64)
        scores = sums.scores(members, np.ascontiguousarray(group.placements.T))
        parts.append((group.index, members, scores))
    information = np.diag(sums.information.sum(axis=1)) - sums.information
    prior, _ = priors(member_ids, mu, admissions)
    contrast = np.zeros(len(mu))
    contrast[member_ids.index(first)], contrast[member_ids.index(second)] = 1.0, -1.0
    share = np.linalg.solve(information + prior, contrast)
    influence = np.zeros(columns.n_matches)
    for index, members, scores in parts:
        influence[index] = (share[members] * scores).sum(axis=0)
    return influence
