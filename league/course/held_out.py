"""What members score against those whom no learner meets: a scale that training cannot lean on.

The held-out score of a member is the share of held-out members that it placed above in rated
matches, ties half, each of them counting once in each match (`db.queries.held_out_scores` gives the
same without an interval). Other members of the company hardly matter to it, so that the snapshots
of a lineage can be compared over the whole of a league, in which the pool grows stronger and
ratings with it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from league.rating.columns import MatchColumns
from league.statistics.means import cluster_interval

_AT_ONCE = 10_000  # matches: 8 MB of ten seats


@dataclass(frozen=True)
class HeldOutScore:
    """The held-out score of a member, 0 to 1, with its 95 % interval.

    Matches of one batch have nearly the same company and err together: the interval is that of
    clusters.
    """

    score: float
    low: float
    high: float
    n_matches: int


def held_out_names(settings: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return the names of the members that learners never meet, as the settings have them."""
    return tuple(((settings or {}).get("rating") or {}).get("held_out") or ())


def held_out_scores(
    columns: MatchColumns, held_out: Collection[int], ids: Sequence[int]
) -> dict[int, HeldOutScore]:
    """Return the held-out score of each of these members that has met a held-out member.

    Args:
        held_out: ids of the held-out members.
        ids: whose scores; held-out members themselves have none.
    """
    others, wanted = np.array(sorted(held_out)), np.array(sorted({*ids} - {*held_out}))
    if not len(others) or not len(wanted) or not columns.n_matches:
        return {}
    line_ups = columns.line_ups()
    found = [(others[:0], np.zeros(0), np.zeros(0), line_ups[:0])]
    for group in columns.groups():
        met = np.flatnonzero(np.isin(group.members, others).any(axis=1))
        for rows in np.split(met, range(_AT_ONCE, len(met), _AT_ONCE)):
            members, places = group.members[rows], group.placements[rows]
            known = np.isin(members, others)
            shares = _shares_above(places, known)
            at, seat = np.nonzero(np.isin(members, wanted))
            met_then = known.sum(axis=1).astype(np.float64)
            clusters = line_ups[group.index[rows]]
            found.append((members[at, seat], shares[at, seat], met_then[at], clusters[at]))
    members, values, weights, clusters = (
        np.concatenate(parts) for parts in zip(*found, strict=True)
    )
    scores = {}
    for member_id in np.unique(members).tolist():
        mine = members == member_id
        found_mean = cluster_interval(
            values[mine].tolist(), clusters[mine].tolist(), weights=weights[mine].tolist()
        )
        mean = found_mean.within(0.0, 1.0)
        scores[member_id] = HeldOutScore(mean.mean, mean.low, mean.high, int(mine.sum()))
    return scores


def _shares_above(places: NDArray[np.int16], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return `share_above` of each seat over the known ones of its match, float64[m, k].

    Args:
        places: int16[m, k].
        known: bool[m, k], one or more in each row.
    """
    ours, theirs = places[:, :, None], places[:, None, :]
    points = ((ours < theirs) + 0.5 * (ours == theirs)) * known[:, None, :]
    return np.asarray(points.sum(axis=2) / known.sum(axis=1)[:, None], np.float64)
