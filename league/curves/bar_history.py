"""Owns when the newest snapshot of a lineage was above the bar, by the ratings at each moment.

Today's ratings say which snapshot is good; this module says since when the *learner* has been: a
pure walk through the rating log, which holds every rating that ever was.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, TypeVar

from league.rating.trueskill import conservative

if TYPE_CHECKING:
    from db.records import RatingMoment

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Passage:
    """How the newest snapshot with enough matches compared with the bar, match after match.

    Attributes:
        newest: the present one, None while no snapshot has enough matches.
        above_now: whether it is above all rivals now.
        first: the first that was above them, None if none ever was.
        first_minute: when that was, in minutes from the league's first start.
        share_since: share of the rated matches since then after which the newest was above.
    """

    newest: str | None
    above_now: bool
    first: str | None
    first_minute: float | None
    share_since: float | None


class _Lineage:
    """One lineage during the walk; `snapshots` are member ids, oldest first."""

    def __init__(self, snapshots: Sequence[int], min_matches: int) -> None:
        self.order = {member_id: i for i, member_id in enumerate(snapshots)}
        self.min_matches = min_matches
        self.newest: int | None = None
        self.above = False
        self.first: tuple[int, datetime] | None = None
        self.n_above = self.n_since = 0

    def count(self, member_id: int, n_matches: int) -> None:
        """Note that a member has now played so many matches."""
        at = self.order.get(member_id)
        if at is None or n_matches < self.min_matches:
            return
        if self.newest is None or at > self.order[self.newest]:
            self.newest = member_id

    def judge(self, ratings: Mapping[int, float], bar: float | None, at: datetime) -> None:
        """Compare the newest snapshot with the bar after a match."""
        self.above = self.newest is not None and bar is not None and ratings[self.newest] > bar
        if self.above and self.first is None and self.newest is not None:
            self.first = (self.newest, at)
        if self.first is not None:
            self.n_since += 1
            self.n_above += self.above


def passages(
    log: Iterable[RatingMoment],
    lineages: Mapping[Key, Sequence[int]],
    rivals: Sequence[int],
    names: Mapping[int, str],
    first_start: datetime,
    min_matches: int,
) -> dict[Key, Passage]:
    """Walk through the log of a season and return the passage of each lineage.

    Args:
        log: in `seq` order; the rows of one match are adjacent.
        lineages: member ids of each lineage's snapshots, oldest first, under any key.
        rivals: ids of the members that must all be passed; they need enough matches too.
    """
    ratings: dict[int, float] = {}
    counts: dict[int, int] = {}
    walks = {key: _Lineage(ids, min_matches) for key, ids in lineages.items()}
    for finished_at, rows in groupby(log, key=lambda row: row.finished_at):
        for row in rows:
            ratings[row.member_id] = conservative(row.mu, row.sigma)
            if finished_at is not None:
                counts[row.member_id] = counts.get(row.member_id, 0) + 1
                for walk in walks.values():
                    walk.count(row.member_id, counts[row.member_id])
        if finished_at is None:
            continue
        proven = bool(rivals) and all(counts.get(rival, 0) >= min_matches for rival in rivals)
        bar = max(ratings[rival] for rival in rivals) if proven else None
        for walk in walks.values():
            walk.judge(ratings, bar, finished_at)
    return {key: _passage(walk, names, first_start) for key, walk in walks.items()}


def _passage(walk: _Lineage, names: Mapping[int, str], first_start: datetime) -> Passage:
    newest = None if walk.newest is None else names[walk.newest]
    if walk.first is None:
        return Passage(newest, walk.above, None, None, None)
    member_id, at = walk.first
    minutes = (at - first_start).total_seconds() / 60
    return Passage(newest, walk.above, names[member_id], minutes, walk.n_above / walk.n_since)
