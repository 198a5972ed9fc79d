"""Who plays whom in rated matches: line-ups that spread the games and keep one common scale.

Pure functions of numbers and an explicit numpy.random.Generator: no I/O, no clock. Each draw's
docstring says what it promises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from league.errors import MatchmakingError
from league.rating.trueskill import BETA

# A member with fewer games than this share of the pool's mean goes first.
FLOOR_SHARE = 0.5
# The reach is BETA * 2^u, u uniform in this range: from 2 to 33 points, so that most line-ups are
# even and some span the league, which keeps all ratings on one scale.
REACH_LOG2 = (-1.0, 3.0)
P_LEAST_PLAYED = 0.5  # else the most uncertain member goes first


@dataclass(frozen=True)
class Candidate:
    """An active member that may be drawn for a rated match; `games` counts its rated matches."""

    member_id: int
    mu: float
    sigma: float
    games: int
    anchor: bool = False


LineUp = tuple[tuple[int, bool], ...]  # (member_id, rated) per seat


def choose_line_up(
    candidates: Sequence[Candidate],
    n_seats: int,
    rng: Generator,
    *,
    floor_share: float = FLOOR_SHARE,
) -> LineUp:
    """Return the members of one rated match, in random seat order.

    The member that needs games most comes first: the least played one below `floor_share` of the
    mean, else the least played or the most uncertain one, by the toss of a coin. Other members
    below that share take up to half of the seats; the rest are drawn near the first by mu, with a
    random reach. At least one anchor plays if the pool has one. With fewer members than seats,
    members take further seats that are not rated, as evenly as possible.

    Raises:
        MatchmakingError: fewer than two members or seats.
    """
    if len(candidates) < 2 or n_seats < 2:
        raise MatchmakingError(
            f"a rated match needs at least 2 members and 2 seats, found {len(candidates)} active "
            f"members and {n_seats} seats; add members with `league members add`"
        )
    games = np.array([c.games for c in candidates], dtype=np.float64)
    jitter = rng.random(len(candidates))  # breaks ties without favouring low ids
    by_games = np.lexsort((jitter, games))
    starving = [int(i) for i in by_games if games[i] < floor_share * games.mean()]
    if starving:
        first = starving[0]
    elif rng.random() < P_LEAST_PLAYED:
        first = int(by_games[0])
    else:
        first = int(np.lexsort((jitter, np.array([-c.sigma for c in candidates])))[0])
    chosen = [first, *[i for i in starving if i != first]][: max(1, n_seats // 2)]
    order = _near(candidates, first, rng)
    chosen += [i for i in order if i not in chosen][: n_seats - len(chosen)]
    if not any(candidates[i].anchor for i in chosen):
        anchors = [i for i in order if candidates[i].anchor]
        if anchors:  # it replaces the member that was drawn last
            chosen[-1] = anchors[0]
    seats = [(candidates[i].member_id, True) for i in chosen]
    while len(seats) < n_seats:
        extra = rng.permutation(chosen)[: n_seats - len(seats)]
        seats += [(candidates[i].member_id, False) for i in extra]
    return tuple(seats[i] for i in rng.permutation(n_seats))


def choose_line_ups(
    candidates: Sequence[Candidate],
    n_seats: int,
    n_matches: int,
    rng: Generator,
    *,
    share: int = 1,
    floor_share: float = FLOOR_SHARE,
) -> list[LineUp]:
    """Return the line-ups of `n_matches` matches; runs of `share` matches reseat the same members.

    The cost of a match is that of its distinct networks: matches of one line-up, played together,
    share one forward pass per member and decision.

    Raises:
        MatchmakingError: as `choose_line_up`.
    """
    line_ups: list[LineUp] = []
    for i in range(n_matches):
        if i % share == 0:
            drawn = choose_line_up(candidates, n_seats, rng, floor_share=floor_share)
        else:
            drawn = tuple(line_ups[-1][seat] for seat in rng.permutation(n_seats))
        line_ups.append(drawn)
    return line_ups


def _near(candidates: Sequence[Candidate], first: int, rng: Generator) -> list[int]:
    """Return all other candidates in a random order that prefers those near `first` by mu.

    Sorting log-weights plus Gumbel noise draws without replacement in proportion to the weights,
    and cannot underflow.
    """
    reach = BETA * 2.0 ** rng.uniform(*REACH_LOG2)
    distance = np.array([c.mu for c in candidates]) - candidates[first].mu
    keys = -0.5 * (distance / reach) ** 2 + rng.gumbel(size=len(candidates))
    return [int(i) for i in np.argsort(-keys) if i != first]
