"""The table of a league: ranks, tiers and intervals on the reported scale.

Reported ratings are shifted so that one anchor stands at 25 (`scale_shift`): its rating is 25 by
definition, and every other interval holds the error of both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from league.rating.errors import RatingErrors
from league.rating.trueskill import Gaussian, conservative

if TYPE_CHECKING:
    from db.records import MemberRecord

ANCHOR_MU = 25.0  # where the report puts the scale's anchor
Z_95 = 1.959963984540054

# One-sided level of the tests behind a rank interval. What moves a rank is a member's own error:
# those of the many it is compared with cancel out. A test of two equal errors at 1.96 is too strict
# by the root of two, and intervals from it hold the rank in .99 to 1.00. Source: Goldstein and
# Healy, The graphical presentation of a collection of means (1995). Measured: tests/calibration.
RANK_LEVEL = NormalDist().cdf(Z_95 / 2.0**0.5)
TIER_LEVEL = 0.975  # a tier says that two members differ

SCALE_ANCHOR_SPEC = "scripted:tribe"


@dataclass(frozen=True)
class Standing:
    """One line of the table, on the reported scale.

    Attributes:
        sigma: TrueSkill's own, which takes every match for independent.
        conservative: mu - 3 sigma.
        half_width: of the 95 % interval of mu; None for the anchor of the scale, which has none.
        design_effect: how many times the variance is TrueSkill's, by how much the matches of one
            line-up err together.
        line_ups: different sets of members that it has been rated in.
        rank: by mu, as the table is ordered.
        rank_low, rank_high: the ranks that the tests of differences from the other members allow;
            they hold `rank`.
        tier: members of one tier do not differ from its best member at 5 %.
    """

    member_id: int
    mu: float
    sigma: float
    conservative: float
    half_width: float | None
    design_effect: float
    line_ups: int
    rank: int
    rank_low: int
    rank_high: int
    tier: int


def scale_shift(ratings: Mapping[int, Gaussian], anchor_id: int | None) -> float:
    """Return what to add to every mu to report the anchor at 25; 0 without a rated anchor."""
    if anchor_id is None or anchor_id not in ratings:
        return 0.0
    return ANCHOR_MU - ratings[anchor_id][0]


def standings(
    ratings: Mapping[int, Gaussian],
    *,
    anchor_id: int | None = None,
    errors: RatingErrors | None = None,
) -> list[Standing]:
    """Return the table on the reported scale, highest mu first.

    Equal ratings are ordered by the smaller sigma (a snapshot that has not played has its parent's
    mu and stands just below it), then by the lower id.

    A member's best possible rank is just below the members that the test finds above it, its worst
    just above those that the test finds below it. A tier starts with the best member that the test
    finds below the best member of the tier before.

    Args:
        anchor_id: the member that stands at 25; without a rated one the scale is TrueSkill's own.
        errors: of these ratings; None takes TrueSkill's sigma as it is.
    """
    if not ratings:
        return []
    known = RatingErrors.of_sigmas(ratings) if errors is None else errors
    ids = known.member_ids
    mu = np.array([ratings[i][0] for i in ids])
    anchor = ids.index(anchor_id) if anchor_id in ratings else None
    half_widths = known.half_widths(anchor)
    ranked = known.differences(mu, p=RANK_LEVEL)
    differs = known.differences(mu, p=TIER_LEVEL)
    shift = scale_shift(ratings, anchor_id)
    order = sorted(range(len(ids)), key=lambda at: (-mu[at], ratings[ids[at]][1], ids[at]))
    table: list[Standing] = []
    tier, leader = 0, None
    for rank, at in enumerate(order, start=1):
        if leader is None or differs[leader, at]:
            tier, leader = tier + 1, at
        reported, sigma = float(mu[at]) + shift, ratings[ids[at]][1]
        table.append(
            Standing(
                member_id=ids[at],
                mu=reported,
                sigma=sigma,
                conservative=conservative(reported, sigma),
                half_width=None if at == anchor else float(half_widths[at]),
                design_effect=float(known.design_effect[at]),
                line_ups=int(known.line_ups[at]),
                rank=rank,
                rank_low=1 + int(ranked[:, at].sum()),
                rank_high=len(order) - int(ranked[at].sum()),
                tier=tier,
            )
        )
    return table


def scale_anchor_id(members: list[MemberRecord]) -> int | None:
    """Return the id of the member that the reported scale puts at 25."""
    found = [m.id for m in members if m.agent_spec == SCALE_ANCHOR_SPEC and m.role == "anchor"]
    return found[0] if found else None
