"""Owns what the rating log says beyond the present ratings: how they moved, and who surprised.

Promises: pure functions on columns, without a loop over a million changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from league.rating.standings import ANCHOR_MU
from league.rating.trueskill import BETA

if TYPE_CHECKING:
    from league.page.facts import History

SPARK_POINTS = 40
# Before a rating is as certain as this nothing that happens is a surprise.
KNOWN_SIGMA = 2.0


def tracks(history: History, anchor_id: int | None) -> Mapping[int, NDArray[np.float64]]:
    """Return the reported mu of each member over its matches, up to SPARK_POINTS values each.

    On the scale of the report at each moment: mu minus the anchor's at that moment, plus 25; all of
    TrueSkill's own mu drift together.
    """
    shift = _anchor_mu(history, anchor_id)
    reported = history.mu - shift + (0.0 if anchor_id is None else ANCHOR_MU)
    order = np.argsort(history.member_id, kind="stable")
    members, starts = np.unique(history.member_id[order], return_index=True)
    found = {}
    for member, rows in zip(members.tolist(), np.split(order, starts[1:]), strict=True):
        at = np.unique(np.linspace(0, len(rows) - 1, SPARK_POINTS).round().astype(np.int64))
        found[int(member)] = reported[rows[at]]
    return found


def _anchor_mu(history: History, anchor_id: int | None) -> NDArray[np.float64]:
    """Return float64[rows]: the anchor's own mu at each row of the log, 0 without an anchor."""
    if anchor_id is None or not len(history.mu):
        return np.zeros(len(history.mu))
    rows = np.flatnonzero(history.member_id == anchor_id)
    if not len(rows):
        return np.zeros(len(history.mu))
    at = np.searchsorted(rows, np.arange(len(history.mu)), side="right") - 1
    return np.asarray(history.mu[rows[np.maximum(at, 0)]])


def before(history: History) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (mu, sigma), float64[rows] each: of the member before each change, NaN if none."""
    order = np.argsort(history.member_id, kind="stable")
    same = np.diff(history.member_id[order], prepend=-1) == 0
    mu, sigma = np.full(len(order), np.nan), np.full(len(order), np.nan)
    earlier = order[np.flatnonzero(same) - 1]
    mu[order[same]], sigma[order[same]] = history.mu[earlier], history.sigma[earlier]
    return mu, sigma


def expected_wins(history: History, winners: Mapping[int, int]) -> dict[int, float]:
    """Return by match how likely its winner was to come before another seat, by ratings of before.

    The mean over the other seats of TrueSkill's probability that the winner places above them:
    1/2 for the average member of an even match. Matches with a member whose rating was not certain
    (KNOWN_SIGMA) are left out: a newcomer's first place is no surprise.

    Args:
        winners: match id -> member id of its only first place.
    """
    mu, sigma = before(history)
    rows = np.flatnonzero(history.match_id > 0)
    rows = rows[np.argsort(history.match_id[rows], kind="stable")]
    if not len(rows):
        return {}
    ids, starts = np.unique(history.match_id[rows], return_index=True)
    match = np.repeat(np.arange(len(ids)), np.diff(np.append(starts, len(rows))))
    won = np.array([winners.get(int(i), -1) for i in ids])
    is_winner = history.member_id[rows] == won[match]
    own_mu = np.full(len(ids), np.nan)
    own_sigma = np.full(len(ids), np.nan)
    own_mu[match[is_winner]] = mu[rows[is_winner]]
    own_sigma[match[is_winner]] = sigma[rows[is_winner]]
    spread = np.sqrt(2.0 * BETA**2 + own_sigma[match] ** 2 + sigma[rows] ** 2)
    p = _normal_cdf((own_mu[match] - mu[rows]) / spread)
    uncertain = ~(sigma[rows] <= KNOWN_SIGMA)
    bad = np.bincount(match, uncertain, len(ids)) > 0
    n = np.bincount(match, ~is_winner, len(ids))
    mean = np.bincount(match, np.where(is_winner, 0.0, np.nan_to_num(p)), len(ids)) / np.maximum(
        n, 1
    )
    kept = ~bad & np.isfinite(own_mu) & (n > 0)
    return {int(i): float(x) for i, x in zip(ids[kept], mean[kept], strict=True)}


def _normal_cdf(z: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import ndtr

    return np.asarray(ndtr(z))
