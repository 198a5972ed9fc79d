"""Owns the comparison of the stored ratings with a replay of the rating log.

Promises: nothing here changes a league.
"""

from __future__ import annotations

from dataclasses import dataclass

from db import queries
from league.folder.connect import reading
from league.folder.layout import LeagueFolder
from league.folder.memory import stored_season
from league.rating.standings import scale_anchor_id, scale_shift
from league.rating.trueskill import first_difference, replay, smooth


@dataclass(frozen=True)
class Rerated:
    """A replayed log: whether it equals what is stored, and the reported ratings by member name.

    `online` is (mu, sigma) as played, `smoothed` is order-free, or empty if it was not asked for.
    """

    n_changes: int
    first_difference_seq: int | None
    online: dict[str, tuple[float, float]]
    smoothed: dict[str, tuple[float, float]]


def rerate(folder: LeagueFolder, *, with_smooth: bool = False) -> Rerated:
    """Replay the rating log of the present season and compare it with the stored ratings."""
    with reading(folder) as session:
        season = stored_season(session)
        members = queries.list_members(session)
        log = [] if season is None else queries.rating_log(session, season.rules_sha256)
    names = {member.id: member.name for member in members}
    different = first_difference(log)
    online = replay(log)
    smoothed = smooth(log) if with_smooth else {}
    anchor = scale_anchor_id(members)

    def named(ratings: dict[int, tuple[float, float]]) -> dict[str, tuple[float, float]]:
        shift = scale_shift(ratings, anchor)
        order = sorted(ratings, key=lambda member_id: (-ratings[member_id][0], member_id))
        return {names[i]: (ratings[i][0] + shift, ratings[i][1]) for i in order}

    return Rerated(
        n_changes=len(log),
        first_difference_seq=None if different is None else different.seq,
        online=named(online),
        smoothed=named(smoothed),
    )
