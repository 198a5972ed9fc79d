"""Who beats whom: beat rates from common matches, with priors where there are few, and cycles.

Pure bookkeeping on placements: no I/O, no clock. A beat rate is the share of common matches in
which i placed above j, ties counting half; beat(j, i) = 1 - beat(i, j) always.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from statistics import NormalDist
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from league.rating.trueskill import Gaussian, win_probability

DECAY = 0.99  # per common match: old games of a pair fade, for matchmaking only
_MATCHES_AT_ONCE = 2_000  # some 20 MB of arrays for matches of ten seats
MIN_COMMON = 8  # below this many common matches the prior still counts


class PlacementRow(Protocol):
    """A rated seat, as `db.queries.common_placements` returns it."""

    @property
    def match_id(self) -> int: ...
    @property
    def member_id(self) -> int: ...
    @property
    def placement(self) -> int: ...


class Payoff:
    """Sums of common matches by pair of members, kept up to date match by match."""

    def __init__(self, decay: float = DECAY) -> None:
        self.decay = decay
        self._index: dict[int, int] = {}
        # float64 [capacity, capacity] each, row i column j: matches, beats of i over j, and both
        # again with decay.
        self._sums = np.zeros((4, 16, 16))

    def add_rows(self, rows: Iterable[PlacementRow]) -> None:
        """Count the matches of further rows, in log order with the rows of a match adjacent."""
        for _, seats in groupby(rows, key=lambda row: row.match_id):
            match = list(seats)
            self.add_match([row.member_id for row in match], [row.placement for row in match])

    def add_log(self, rows: NDArray[np.int64]) -> None:
        """Count many matches: a chunk of them in a few array operations, as `add_match` does.

        Sums with decay differ from those of one match after the other by rounding.

        Args:
            rows: int64[n, 4]: number in the log, match, member and placement of each rated seat, as
                `db.queries.placement_rows` returns them.
        """
        starts = np.flatnonzero(np.diff(rows[:, 1], prepend=-1))
        for first in range(0, len(starts), _MATCHES_AT_ONCE):
            chosen = starts[first : first + _MATCHES_AT_ONCE + 1]
            end = len(rows) if first + _MATCHES_AT_ONCE >= len(starts) else chosen[-1]
            self._add_chunk(rows[chosen[0] : end])

    def _add_chunk(self, rows: NDArray[np.int64]) -> None:
        ids, at = np.unique(rows[:, 2], return_inverse=True)
        position = np.array([self._position(int(member_id)) for member_id in ids])[at]
        starts = np.flatnonzero(np.diff(rows[:, 1], prepend=-1))
        sizes = np.diff(np.append(starts, len(rows)))
        keys, orders, aboves = [], [], []
        n = self._sums.shape[1]
        for size in np.unique(sizes):
            matches = np.flatnonzero(sizes == size)
            seats = starts[matches, None] + np.arange(size)  # [matches, size]
            who, place = position[seats], rows[seats, 3]
            above = (place[:, :, None] < place[:, None, :]) + 0.5 * (
                place[:, :, None] == place[:, None, :]
            )
            keys.append((who[:, :, None] * n + who[:, None, :]).ravel())
            orders.append(np.repeat(matches, size * size))
            aboves.append(above.ravel())
        key, order, above = map(np.concatenate, (keys, orders, aboves))
        sorted_by = np.lexsort((order, key))
        key, above = key[sorted_by], above[sorted_by]
        games = np.bincount(key, minlength=n * n)
        # How many matches of its pair follow each entry: so often it decays.
        later = np.cumsum(games)[key] - 1 - np.arange(len(key))
        weight = self.decay**later
        faded = self.decay ** games.reshape(n, n)
        self._sums[0] += games.reshape(n, n)
        self._sums[1] += np.bincount(key, above, n * n).reshape(n, n)
        self._sums[2] = self._sums[2] * faded + np.bincount(key, weight, n * n).reshape(n, n)
        self._sums[3] = self._sums[3] * faded + np.bincount(key, above * weight, n * n).reshape(
            n, n
        )

    def add_match(self, member_ids: Sequence[int], placements: Sequence[int]) -> None:
        """Count one match of distinct members with their placements (1 is best)."""
        at = np.array([self._position(member_id) for member_id in member_ids], dtype=np.int64)
        place = np.asarray(placements, dtype=np.int64)
        above = (place[:, None] < place[None, :]) + 0.5 * (place[:, None] == place[None, :])
        pair = np.ix_(at, at)
        self._sums[0][pair] += 1.0
        self._sums[1][pair] += above
        self._sums[2][pair] = self._sums[2][pair] * self.decay + 1.0
        self._sums[3][pair] = self._sums[3][pair] * self.decay + above

    def common(self, i: int, j: int) -> int:
        """Return how many matches i and j played together."""
        return int(self._sum(0, i, j))

    def beats(self, i: int, j: int) -> float:
        """Return in how many common matches i placed above j, ties counting half."""
        return self._sum(1, i, j)

    def beat_rate(self, i: int, j: int, *, decayed: bool = False) -> float | None:
        """Return the share of common matches with i above j; None if there are none."""
        first = 2 if decayed else 0
        games = self._sum(first, i, j)
        return self._sum(first + 1, i, j) / games if games > 0 and i != j else None

    def estimate(
        self,
        i: int,
        j: int,
        ratings: Mapping[int, Gaussian],
        parents: Mapping[int, int | None],
        *,
        decayed: bool = True,
    ) -> float:
        """Return P(i places above j), for matchmaking: the beat rate, completed by a prior.

        With g < 8 common matches the prior weighs as much as 8 - g of them. The prior is the
        estimate of the younger member's parent against the other one (a child inherits its parent's
        row), and the TrueSkill win probability if there is no such parent. A member without a
        rating counts as unknown, so that the answer without any knowledge is 1/2.
        """
        steps: list[tuple[int, float]] = []
        while True:
            if i == j:
                estimate = 0.5
                break
            games = min(self.common(i, j), MIN_COMMON)
            steps.append((games, self.beat_rate(i, j, decayed=decayed) or 0.0))
            younger, other = max(i, j), min(i, j)
            parent = parents.get(younger)
            if games == MIN_COMMON or parent is None or parent == other:
                estimate = _rated_probability(i, j, ratings)
                break
            # Ids grow with time and a parent is older than its child, so this ends.
            i, j = (parent, j) if younger == i else (i, parent)
        for games, rate in reversed(steps):
            estimate = (games * rate + (MIN_COMMON - games) * estimate) / MIN_COMMON
        return estimate

    def matrix(
        self,
        member_ids: Sequence[int],
        ratings: Mapping[int, Gaussian],
        parents: Mapping[int, int | None],
        *,
        decayed: bool = True,
    ) -> NDArray[np.float64]:
        """Return float64 [n, n] of estimates, row beats column; 1/2 on the diagonal."""
        n = len(member_ids)
        result = np.full((n, n), 0.5)
        for row in range(n):
            for column in range(row):
                p = self.estimate(
                    member_ids[row], member_ids[column], ratings, parents, decayed=decayed
                )
                result[row, column], result[column, row] = p, 1.0 - p
        return result

    def cycles(
        self, member_ids: Sequence[int], *, confidence: float = 0.95, limit: int = 20
    ) -> list[tuple[int, int, int]]:
        """Return triples with i > j > k > i, each edge above 1/2 with simultaneous confidence.

        An edge counts when its undecayed beat rate over at least 8 common matches clears 1/2 by
        the normal test at level (1 - confidence) / (ordered pairs tested): Bonferroni, because
        among many pairs some always look unequal. Each cycle is named once, lowest id first.
        """
        n = len(member_ids)
        if n < 3:
            return []
        at = [self._position(member_id) for member_id in member_ids]
        games, beats = self._sums[0][np.ix_(at, at)], self._sums[1][np.ix_(at, at)]
        z = NormalDist().inv_cdf(1.0 - (1.0 - confidence) / (n * (n - 1)))
        edge = (games >= MIN_COMMON) & (beats - games / 2.0 > z * np.sqrt(games) / 2.0)
        np.fill_diagonal(edge, False)
        found = []
        for i, j in np.argwhere(edge).tolist():
            for k in np.flatnonzero(edge[j] & edge[:, i]).tolist():
                if member_ids[i] < min(member_ids[j], member_ids[k]):
                    found.append((member_ids[i], member_ids[j], member_ids[k]))
        return sorted(found)[:limit]

    def _position(self, member_id: int) -> int:
        position = self._index.setdefault(member_id, len(self._index))
        capacity = self._sums.shape[1]
        if position >= capacity:
            larger = np.zeros((4, 2 * capacity, 2 * capacity))
            larger[:, :capacity, :capacity] = self._sums
            self._sums = larger
        return position

    def _sum(self, which: int, i: int, j: int) -> float:
        row, column = self._index.get(i), self._index.get(j)
        if row is None or column is None or row == column:
            return 0.0
        return float(self._sums[which, row, column])


def with_training(p_prior: float, games: int, beats: float) -> float:
    """Return x of a learner: its newest snapshot's payoff, moved by the training results since.

    Args:
        p_prior: estimate of the snapshot against the candidate; weighs as `MIN_COMMON` games do.
        games, beats: of the learner's current weights since that snapshot, ties half.
    """
    return (p_prior * MIN_COMMON + beats) / (MIN_COMMON + games)


def _rated_probability(i: int, j: int, ratings: Mapping[int, Gaussian]) -> float:
    if i not in ratings or j not in ratings:
        return 0.5
    p = win_probability(ratings[i], ratings[j])
    return p if math.isfinite(p) else 0.5
