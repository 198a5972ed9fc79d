"""Simulated leagues whose strengths are known, rated by the product's own replay.

In each line-up (a set of ten members, which plays `share` matches) every member's strength may be
off by a draw of its own, the company: such leagues are what a design effect is about. The true
ratings are the limit of TrueSkill's: differences shrink by the noise that company adds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from db.records import RatingColumns
from league.rating.columns import MatchColumns
from league.rating.engines import CHAIN_VERSION
from league.rating.replay import final_ratings, replay_columns
from league.rating.trueskill import BETA, MU, SIGMA, Gaussian

SEATS = 10


@dataclass(frozen=True)
class Pool:
    """A league after its matches: members 1 to n.

    Attributes:
        truth: float64[n], what the ratings would become with ever more matches.
    """

    truth: NDArray[np.float64]
    columns: MatchColumns
    ratings: dict[int, Gaussian]


def play_pool(
    rng: Generator,
    *,
    n_members: int,
    n_matches: int,
    share: int = 16,
    company: float = 0.0,
    spread: float = 2.0,
) -> Pool:
    """Play and rate a league.

    Args:
        share: matches of each line-up, whose members are near the first by strength.
        company: standard deviation of what a line-up adds to a member, in betas.
        spread: standard deviation of strength among members, in rating points.
    """
    strength = rng.normal(MU, spread, n_members)
    n_line_ups = -(-n_matches // share)
    first = rng.integers(n_members, size=n_line_ups)
    reach = BETA * 2.0 ** rng.uniform(-1.0, 3.0, n_line_ups)  # as matches are planned
    distance = (strength[None, :] - strength[first][:, None]) / reach[:, None]
    keys = -0.5 * distance**2 + rng.gumbel(size=distance.shape)
    keys[np.arange(n_line_ups), first] = np.inf
    line_ups = np.argsort(-keys, axis=1)[:, :SEATS]
    shifts = rng.normal(0.0, 1.0, line_ups.shape) * company * BETA
    seats = np.repeat(line_ups, share, axis=0)[:n_matches]
    level = strength[seats] + np.repeat(shifts, share, axis=0)[:n_matches]
    performance = rng.normal(level, BETA)
    places = np.argsort(np.argsort(-performance, axis=1), axis=1) + 1
    shrink = 1.0 / math.hypot(1.0, company)
    return Pool(MU + (strength - MU) * shrink, *rated(seats + 1, places, n_members))


def rated(
    seats: NDArray[np.int64], places: NDArray[np.int64], n_members: int
) -> tuple[MatchColumns, dict[int, Gaussian]]:
    n = seats.size
    total = n_members + n
    match_id = np.repeat(np.arange(1, len(seats) + 1), SEATS)
    log = RatingColumns(
        seq=np.arange(1, total + 1),
        member_id=np.append(np.arange(1, n_members + 1), seats.ravel()),
        match_id=np.append(np.zeros(n_members, np.int64), match_id),
        mu=np.full(total, MU),
        sigma=np.full(total, SIGMA),
        allowance=np.full(total, np.nan),
        parent_id=np.zeros(total, np.int64),
        placement=np.append(np.zeros(n_members, np.int64), places.ravel()),
        version=np.zeros(total, np.int64),
        versions=(CHAIN_VERSION,),
    )
    rows = np.column_stack((log.seq, log.match_id, log.member_id, log.placement))[n_members:]
    ratings = final_ratings(log, *replay_columns(log))
    return MatchColumns.empty().extended(rows), ratings
