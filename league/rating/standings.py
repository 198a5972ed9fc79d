"""The table of a league: ranks, tiers and the reported scale, from ratings alone.

Reported ratings are shifted so that one anchor stands at 25 (`scale_shift`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from league.rating.trueskill import Gaussian, conservative

if TYPE_CHECKING:
    from db.records import MemberRecord

ANCHOR_MU = 25.0  # where the report puts the scale's anchor
Z_95 = 1.959963984540054

SCALE_ANCHOR_SPEC = "scripted:tribe"


@dataclass(frozen=True)
class Standing:
    """One line of the table, on the reported scale.

    `rank_low`..`rank_high` are the ranks that the 95 % intervals allow; members of one `tier`
    overlap with the best member of that tier.
    """

    member_id: int
    mu: float
    sigma: float
    conservative: float
    rank: int
    rank_low: int
    rank_high: int
    tier: int


def scale_shift(ratings: Mapping[int, Gaussian], anchor_id: int | None) -> float:
    """Return what to add to every mu to report the anchor at 25; 0 without a rated anchor."""
    if anchor_id is None or anchor_id not in ratings:
        return 0.0
    return ANCHOR_MU - ratings[anchor_id][0]


def standings(ratings: Mapping[int, Gaussian], *, shift: float = 0.0) -> list[Standing]:
    """Return the table on the reported scale, best mu - 3 sigma first, ties by the lower id.

    It is not ordered by mu: a snapshot that has not played yet has the mu of its parent and would
    stand beside it.

    A member's best possible rank is just below the members whose 95 % interval lies wholly above
    its own, its worst just above those whose interval lies wholly below. A tier starts with the
    best member whose interval does not overlap with that of the best member of the tier before.
    """
    order = sorted(ratings, key=lambda member_id: (-conservative(*ratings[member_id]), member_id))
    low = {i: ratings[i][0] - Z_95 * ratings[i][1] for i in order}
    high = {i: ratings[i][0] + Z_95 * ratings[i][1] for i in order}
    table: list[Standing] = []
    tier, leader = 0, None
    for rank, member_id in enumerate(order, start=1):
        if leader is None or high[member_id] < low[leader]:
            tier, leader = tier + 1, member_id
        mu, sigma = ratings[member_id][0] + shift, ratings[member_id][1]
        above = sum(low[other] > high[member_id] for other in order)
        below = sum(high[other] < low[member_id] for other in order)
        table.append(
            Standing(
                member_id=member_id,
                mu=mu,
                sigma=sigma,
                conservative=conservative(mu, sigma),
                rank=rank,
                rank_low=1 + above,
                rank_high=len(order) - below,
                tier=tier,
            )
        )
    return table


def scale_anchor_id(members: list[MemberRecord]) -> int | None:
    """Return the id of the member that the reported scale puts at 25."""
    found = [m.id for m in members if m.agent_spec == SCALE_ANCHOR_SPEC and m.role == "anchor"]
    return found[0] if found else None
