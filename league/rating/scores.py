"""The scores of members in their matches: how far results are from what the ratings expect.

The score of a member is the derivative of the log-likelihood of its comparisons with the others of
the match by its rating, the information the negative second derivative. A comparison is won with
probability Phi((mu_i - mu_j) / (sqrt(2) beta)); a tie is half of each result.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from league.rating.columns import Group, MatchColumns
from league.rating.trueskill import BETA

FloatArray = NDArray[np.float64]

MOST_LEVERAGE = 0.95  # of one match or line-up in what is known of a member
_SPREAD = math.sqrt(2.0) * BETA
_AT_A_TIME = 4_096  # matches; their arrays stay in the processor's cache


def seated(
    columns: MatchColumns, member_ids: tuple[int, ...]
) -> Iterator[tuple[Group, NDArray[np.int64]]]:
    """Yield the matches with positions in `member_ids` for members, those of a line-up adjacent."""
    line_ups = columns.line_ups()
    place = np.full(1 + max(member_ids[-1], int(columns.members.max(initial=0))), -1)
    place[list(member_ids)] = np.arange(len(member_ids))
    for group in columns.groups():
        at = place[group.members]
        rated = np.flatnonzero((at >= 0).all(axis=1))
        line_up = line_ups[group.index[rated]]
        order = np.argsort(line_up, kind="stable")
        chosen = rated[order]
        yield Group(group.index[chosen], at[chosen], group.placements[chosen]), line_up[order]


class ScoreSums:
    """Sums of scores over matches, by member."""

    def __init__(self, mu: FloatArray) -> None:
        n = self._n = len(mu)
        self.games = np.zeros(n)
        self.score = np.zeros(n)
        self.information = np.zeros((n, n))  # of pairs, 0 on the diagonal
        self.by_match = np.zeros(n)  # sums of squares of scores
        self._clusters: list[tuple[NDArray[np.int64], FloatArray, FloatArray]] = []
        z = (mu[:, None] - mu[None, :]) / _SPREAD
        p = 0.5 * np.asarray(np.frompyfunc(math.erfc, 1, 1)(-z / math.sqrt(2.0)), np.float64)
        p = np.clip(p, 1e-12, 1.0 - 1e-12)
        density = np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
        weight = density / (p * (1.0 - p)) / _SPREAD  # d ln p / d mu is this times 1 - p
        self._by_result = weight * (np.array([0.0, 0.5, 1.0])[:, None, None] - p)  # lost, tied, won
        self._per_game = weight * density / _SPREAD

    def add(self, group: Group, line_up: NDArray[np.int64]) -> None:
        """Add the matches of one number of seats, those of a line-up adjacent."""
        members = np.ascontiguousarray(group.members.T, dtype=np.int64)
        placements = np.ascontiguousarray(group.placements.T)
        scores = np.empty(members.shape)
        for begin in range(0, members.shape[1], _AT_A_TIME):
            part = slice(begin, begin + _AT_A_TIME)
            scores[:, part] = self.scores(members[:, part], placements[:, part])
        flat = members.ravel()
        self.games += np.bincount(flat, minlength=self._n)
        self.score += np.bincount(flat, scores.ravel(), minlength=self._n)
        self.by_match += np.bincount(flat, (scores**2).ravel(), minlength=self._n)
        begins = np.flatnonzero(np.diff(line_up, prepend=-1))
        if begins.size:
            of_line_up = np.add.reduceat(scores, begins, axis=1)
            counts = np.diff(np.append(begins, len(line_up))).astype(np.float64)
            self._clusters.append(
                (
                    members[:, begins].ravel(),
                    of_line_up.ravel(),
                    np.tile(counts, members.shape[0]),
                )
            )

    def scores(self, members: NDArray[np.int64], placements: NDArray[np.int16]) -> FloatArray:
        """Return float64[k, m]: the scores of m matches of k seats, whose pairs are counted too."""
        n, scores = self._n, np.zeros(members.shape)
        together = np.zeros(n * n)
        for a in range(members.shape[0] - 1):
            rest = slice(a + 1, None)
            pair = members[a] * n + members[rest]
            together += np.bincount(pair.ravel(), minlength=n * n)
            result = np.sign(placements[rest] - placements[a], dtype=np.int64)
            score = self._by_result.take(pair + n * n * (1 + result))
            scores[a] += score.sum(axis=0)
            scores[rest] -= score
        games = together.reshape(n, n)
        self.information += (games + games.T) * self._per_game
        return scores

    def by_line_up(self) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
        """Return sums of squares by line-up, corrected for leverage, their freedom and number.

        A rating follows its own line-ups, more so the fewer there are: the residual of one with
        share h of the matches is divided by 1 - h.
        """
        squares, n_squares = np.zeros(self._n), np.zeros(self._n)
        line_ups = np.zeros(self._n, dtype=np.int64)
        for member, score, count in self._clusters:
            share = np.minimum(count / self.games[member], MOST_LEVERAGE)
            squares += np.bincount(member, score**2 / (1.0 - share), minlength=self._n)
            n_squares += np.bincount(member, count**2, minlength=self._n)
            line_ups += np.bincount(member, minlength=self._n)
        effective = np.divide(self.games**2, n_squares, where=n_squares > 0, out=np.ones(self._n))
        return squares, np.maximum(effective - 1.0, 0.0), line_ups
