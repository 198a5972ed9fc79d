"""Who beats whom, with errors that hold the company: the beat rates of all pairs of members.

A beat rate is the share of common matches in which i placed above j, ties counting half. Promises:
its error is clustered by line-up (the same set of members), since the matches of one line-up err
together, and shrunk to that of the whole pool where a pair has few of them. Intervals are exact for
as many independent matches as these are worth, so that a pair that was won every time has one, and
that they hold at the levels of many pairs at once: with the normal distribution some interval of a
pool of 40 failed in 77 % of pools.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from league.rating.columns import MatchColumns
from league.rating.scores import seated

FloatArray = NDArray[np.float64]

MIN_COMMON = 8  # fewer common matches decide nothing
PRIOR_LINE_UPS = 8.0  # degrees of freedom for which the pool's spread counts


@dataclass(frozen=True)
class Beats:
    """The beat rates of n members, row above column.

    Attributes:
        member_ids: of rows and columns.
        games: float64[n, n], common matches; symmetric, 0 on the diagonal.
        wins: float64[n, n], matches with row above column, ties half; wins + wins.T = games.
        effect: float64[n, n], variance of the beat rate against that of independent matches, 1 at
            least.
        freedom: float64[n, n], degrees of freedom of `effect`.
        design_effect: the same of the pool as a whole.
    """

    member_ids: tuple[int, ...]
    games: FloatArray
    wins: FloatArray
    effect: FloatArray
    freedom: FloatArray
    design_effect: float

    @property
    def rates(self) -> FloatArray:
        """float64[n, n]: wins / games, 1/2 without common matches."""
        half = np.full(self.games.shape, 0.5)
        return np.asarray(np.divide(self.wins, self.games, where=self.games > 0, out=half))

    def intervals(
        self, n_claims: int = 1, *, confidence: float = 0.95
    ) -> tuple[FloatArray, FloatArray]:
        """Return (low, high), float64[n, n] each: intervals of which all `n_claims` hold together.

        Bonferroni's division of the error: among many pairs some always look unequal. Exact ones
        (Clopper and Pearson, 1934) for the matches divided by the design effect, the uncertainty of
        which widens them as t does the normal distribution; 0 to 1 without common matches.
        """
        from scipy.special import betaincinv, ndtri, stdtrit

        tail = (1.0 - confidence) / (2.0 * max(n_claims, 1))
        widened = self.effect * (stdtrit(self.freedom, 1.0 - tail) / ndtri(1.0 - tail)) ** 2
        n = self.games / widened
        won = self.rates * n
        low = np.where(won > 0, betaincinv(np.maximum(won, 1e-9), n - won + 1.0, tail), 0.0)
        lost = n - won
        high = np.where(lost > 0, betaincinv(won + 1.0, np.maximum(lost, 1e-9), 1.0 - tail), 1.0)
        return low, high

    def decided(self) -> NDArray[np.bool_]:
        """Return bool[n, n]: pairs with enough common matches to say anything."""
        return np.asarray(self.games >= MIN_COMMON)

    def cycles(self, *, confidence: float = 0.95, limit: int = 20) -> list[tuple[int, int, int]]:
        """Return triples of member ids with i > j > k > i, all edges of all cycles sure together.

        Each cycle is named once, lowest id first.
        """
        decided = self.decided()
        n_pairs = int(decided.sum()) // 2
        edge = decided & (self.intervals(n_pairs, confidence=confidence)[0] > 0.5)
        found = []
        ids = self.member_ids
        for i, j in np.argwhere(edge).tolist():
            for k in np.flatnonzero(edge[j] & edge[:, i]).tolist():
                if ids[i] < min(ids[j], ids[k]):
                    found.append((ids[i], ids[j], ids[k]))
        return sorted(found)[:limit]


def count_beats(columns: MatchColumns, member_ids: Sequence[int]) -> Beats:
    """Count the matches of a season by pairs of `member_ids`, which are kept in their order."""
    order = np.argsort(np.asarray(member_ids, dtype=np.int64))
    ordered = tuple(int(member_ids[i]) for i in order)
    sums = _Pairs(len(ordered))
    if ordered:
        # In a pool that plays as one line-up no company varies: matches are independent units.
        units_are_matches = len(np.unique(columns.line_ups())) < 4
        for group, line_up in seated(columns, ordered):
            units = np.arange(len(line_up)) if units_are_matches else line_up
            sums.add(group.members, group.placements, units)
    back = np.empty(len(ordered), dtype=np.int64)
    back[order] = np.arange(len(ordered))
    return sums.beats(tuple(member_ids), back)


def placement_counts(columns: MatchColumns, member_ids: Sequence[int]) -> NDArray[np.int64]:
    """Return int64[n, places]: how often each member came first, second, ..."""
    places = int(columns.placements.max(initial=0))
    counts = np.zeros((len(member_ids), places), dtype=np.int64)
    for row, member_id in enumerate(member_ids):
        own = columns.placements[columns.members == member_id].astype(np.int64)
        counts[row] = np.bincount(own, minlength=places + 1)[1:]
    return counts


class _Pairs:
    """Sums over the units of each pair: matches n, wins b, and their squares and product."""

    def __init__(self, n: int) -> None:
        self._n = n
        self._sums = np.zeros((5, n * n))  # n, b, n^2, n b, b^2

    def add(
        self,
        members: NDArray[np.int32],
        placements: NDArray[np.int16],
        units: NDArray[np.int64],
    ) -> None:
        """Add matches of one number of seats: [m, k], [m, k] and [m], equal units adjacent."""
        begins = np.flatnonzero(np.diff(units, prepend=-1))
        if not begins.size:
            return
        n = np.diff(np.append(begins, len(units))).astype(np.float64)
        seats = np.ascontiguousarray(members.T, dtype=np.int64)
        places = np.ascontiguousarray(placements.T)
        for a in range(len(seats)):
            for b in range(a + 1, len(seats)):
                above = (places[a] < places[b]) + 0.5 * (places[a] == places[b])
                wins = np.add.reduceat(above, begins)
                pair = seats[a, begins] * self._n + seats[b, begins]
                for row, values in zip(
                    self._sums, (n, wins, n * n, n * wins, wins**2), strict=True
                ):
                    row += np.bincount(pair, values, minlength=self._n**2)

    def beats(self, member_ids: tuple[int, ...], at: NDArray[np.int64]) -> Beats:
        """Return the beat rates, with the members at the places `at` of the sums."""
        n, b, nn, nb, bb = self._sums.reshape(5, self._n, self._n)
        # Members stand in ascending order in a match: each pair is counted in one triangle.
        games, wins, squares = n + n.T, b + (n - b).T, nn + nn.T
        # (b - p n)^2 summed, the same seen from either side
        cross, won = nb + (nn - nb).T, bb + (nn - 2.0 * nb + bb).T
        safe = np.maximum(games, 1.0)
        p = wins / safe
        units = np.divide(games**2, squares, where=squares > 0, out=np.ones_like(games))
        freedom = np.maximum(units - 1.0, 0.0)
        spread = won - 2.0 * p * cross + p * p * squares
        variance = spread / safe**2 * units / np.maximum(freedom, 1e-9)
        # A pair that was won every time is taken for one that lost half a match.
        near = (wins + 0.5) / (safe + 1.0)
        independent = near * (1.0 - near) / safe
        of_pool = _pooled(variance, independent, freedom)
        ratio = np.where(freedom > 0, variance / np.maximum(independent, 1e-12), 0.0)
        effect = (PRIOR_LINE_UPS * of_pool + freedom * ratio) / (PRIOR_LINE_UPS + freedom)
        here = np.ix_(at, at)
        return Beats(
            member_ids,
            games[here],
            wins[here],
            np.maximum(effect, 1.0)[here],
            (PRIOR_LINE_UPS + freedom)[here],
            of_pool,
        )


def _pooled(variance: FloatArray, independent: FloatArray, freedom: FloatArray) -> float:
    """Return how many times the variance of independent matches the pool's beat rates have."""
    usable = freedom >= 1.0
    if not usable.any():
        return 1.0
    weight = freedom[usable]
    return float((weight * variance[usable] / independent[usable]).sum() / weight.sum())
