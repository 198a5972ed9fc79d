"""What `league bench planner` measures: time per line-up, information per match, newcomers.

The members are simulated, with skills that are known; the line-ups are those that the league would
plan. The information of line-ups is that of their rankings in the Plackett-Luce model whose pairs
are as certain as TrueSkill's: it is exact up to the sampled order, while ratings from matches would
need thousands of pools for the same precision.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from league.bench.planner_league import BATCH, N_SEATS, planning_times
from league.daemon.planner import RECENT_MATCHES, SCALE_ANCHOR_WEIGHT
from league.matchmaking.lineups import NEWCOMER_SIGMA, Candidate, choose_line_ups
from league.rating.trueskill import BETA, MU, SIGMA, Gaussian, rate_match

SPREADS = (0.0, 2.0, 4.0, 8.0, 16.0)  # standard deviation of the skills, in rating points
OUTLIER = 12.0  # points above the best of the others
# The difference of two Gumbel variables of this scale has the spread of TrueSkill's, sqrt(2) BETA.
_SCALE = np.sqrt(2.0) * BETA * np.sqrt(3.0) / np.pi

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Information:
    """Information per match of planned line-ups, as a multiple of that of uniform line-ups.

    Attributes:
        differences: on all differences between members (D-efficiency).
        reported: on the reported ratings, which are differences from the scale's anchor: the
            geometric mean of the ratio of their variances.
        most: share of the matches in which the most frequent member but the scale's anchor sits.
        last: share of the matches in which the last member sits, the outlier if there is one.
    """

    differences: float
    reported: float
    most: float
    last: float


def pool(skills: FloatArray, n_anchors: int = 6) -> list[Candidate]:
    """Return well-known members of these skills, the first ones scripted anchors."""
    return [
        Candidate(
            i,
            float(mu),
            0.25,
            1000,
            anchor=i < n_anchors,
            is_free=i < n_anchors,
            weight=1.0 if i else SCALE_ANCHOR_WEIGHT,
        )
        for i, mu in enumerate(skills)
    ]


def planned_line_ups(
    candidates: Sequence[Candidate], n_matches: int, rng: Generator, *, share: int = BATCH
) -> list[list[int]]:
    """Return the members of matches that are planned one batch after the other."""
    n_recent = RECENT_MATCHES * len(candidates) // N_SEATS
    recent: deque[list[int]] = deque(maxlen=n_recent)
    found: list[list[int]] = []
    while len(found) < n_matches:
        counts = Counter(member for members in recent for member in members)
        known = [replace(c, recent=counts[c.member_id]) for c in candidates]
        for line_up in choose_line_ups(known, N_SEATS, share, rng, share=share):
            found.append([member_id for member_id, is_rated in line_up if is_rated])
        recent.extend(found[-share:])
    return found[:n_matches]


def information(
    spread: float,
    rng: Generator,
    *,
    n_members: int = 50,
    n_matches: int = 2_000,
    outlier: bool = False,
) -> Information:
    """Compare planned with uniform line-ups of one pool of members with normal skills."""
    skills = MU + spread * rng.normal(size=n_members)
    if outlier:
        skills[-1] = skills[:-1].max() + OUTLIER
    planned = planned_line_ups(pool(skills), n_matches, rng)
    uniform = [rng.permutation(n_members)[:N_SEATS].tolist() for _ in range(n_matches)]
    ours, theirs = (_knowledge(skills, each, rng) for each in (planned, uniform))
    seats = Counter(member for members in planned for member in members)
    return Information(
        differences=float(np.exp(np.mean(ours[0] - theirs[0]))),
        reported=float(np.exp(np.mean(theirs[1] - ours[1]))),
        most=max(n for member, n in seats.items() if member != 0) / n_matches,
        last=seats[n_members - 1] / n_matches,
    )


def _knowledge(
    skills: FloatArray, line_ups: Sequence[Sequence[int]], rng: Generator
) -> tuple[FloatArray, FloatArray]:
    """Return what matches of these line-ups tell.

    Returns:
        the logs of the eigenvalues of the Fisher information of the skills but the common level,
        and the logs of the variances of the differences from member 0.
    """
    seats = np.asarray(line_ups)
    order = np.argsort(-(skills[seats] / _SCALE + rng.gumbel(size=seats.shape)), axis=1)
    ranked = np.take_along_axis(seats, order, axis=1)
    total = np.zeros((len(skills), len(skills)))
    for first in range(seats.shape[1] - 1):  # who comes next is a choice among those who are left
        left = ranked[:, first:]
        chances = np.exp((skills[left] - skills[left].max(axis=1, keepdims=True)) / _SCALE)
        chances /= chances.sum(axis=1, keepdims=True)
        block = -chances[:, :, None] * chances[:, None, :]
        diagonal = np.arange(left.shape[1])
        block[:, diagonal, diagonal] += chances
        np.add.at(total, (left[:, :, None], left[:, None, :]), block / _SCALE**2)
    values = np.linalg.eigvalsh(total)[1:]  # the common level has none
    covariance = np.linalg.pinv(total, rcond=1e-10)
    own = np.diag(covariance)
    reported = own + own[0] - 2.0 * covariance[0]
    return np.log(values), np.log(reported[1:])


@dataclass(frozen=True)
class Newcomer:
    """How a newcomer came to its interval.

    Attributes:
        played: its matches when the 95 % interval had reached +-1 point.
        planned: its matches by then, those in flight included.
    """

    played: int
    planned: int


def newcomer(
    skill: float, rng: Generator, *, n_members: int = 50, n_in_flight: int = 4 * BATCH
) -> Newcomer:
    """Let a newcomer of a skill join a pool of well-known members (normal skills, spread 4).

    Args:
        skill: in rating points, 25 being the mean of the pool.
        n_in_flight: matches that are planned or played at any time; results come in order.
    """
    skills = np.append(MU + 4.0 * rng.normal(size=n_members), skill)
    ratings: list[Gaussian] = [(float(mu), 0.25) for mu in skills[:-1]] + [(MU, SIGMA)]
    games = np.full(n_members + 1, 1000)
    games[-1] = 0
    base = pool(skills)
    recent: deque[list[int]] = deque(maxlen=RECENT_MATCHES * len(base) // N_SEATS)
    flying: deque[list[int]] = deque()
    last = n_members
    while ratings[last][1] > NEWCOMER_SIGMA:
        while len(flying) < n_in_flight:
            seated = Counter(member for members in recent for member in members)
            open_ = Counter(member for members in flying for member in members)
            known = [
                replace(
                    c,
                    mu=ratings[i][0],
                    sigma=ratings[i][1],
                    games=int(games[i]) + open_[i],
                    in_flight=open_[i],
                    recent=seated[i],
                )
                for i, c in enumerate(base)
            ]
            for line_up in choose_line_ups(known, N_SEATS, BATCH, rng, share=BATCH):
                flying.append([member_id for member_id, _ in line_up])
                recent.append(flying[-1])
        members = flying.popleft()
        order = np.argsort(-(skills[members] + BETA * rng.normal(size=len(members))))
        places = (np.argsort(order) + 1).tolist()
        if last in members:  # the others are known well enough: their ratings stay
            after = rate_match([ratings[i] for i in members], places)
            ratings[last] = after[members.index(last)]
        games[members] += 1
    still = sum(last in members for members in flying)
    return Newcomer(int(games[last]), int(games[last]) + still)


def run(
    *,
    n_members: int = 200,
    n_matches: int = 100_000,
    n_pools: int = 5,
    seed: int = 0,
    tell: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Measure the planner.

    Args:
        n_members, n_matches: size of the league in whose database planning is timed.
        n_pools: simulated pools per spread of skill, and simulated newcomers.
    """
    rng = np.random.default_rng(seed)
    tell(f"a league of {n_members} members and {n_matches:,} matches")
    times = planning_times(n_members, n_matches, 20, rng)
    found = []
    for spread, outlier in (*((spread, False) for spread in SPREADS), (2.0, True)):
        tell(f"information at a spread of {spread:g}{' and an outlier' if outlier else ''}")
        pools = [information(spread, rng, outlier=outlier) for _ in range(n_pools)]
        means = {
            key: float(np.mean([getattr(each, key) for each in pools]))
            for key in ("differences", "reported", "most", "last")
        }
        found.append({"spread": spread, "outlier": outlier, **means})
    tell("newcomers")
    new = [newcomer(MU + 4.0 * float(rng.normal()), rng) for _ in range(n_pools)]
    return {
        "n_members": n_members,
        "n_matches": n_matches,
        **times,
        "information": found,
        "newcomer_played": float(np.mean([each.played for each in new])),
        "newcomer_planned": float(np.mean([each.planned for each in new])),
    }


def lines(result: dict[str, Any]) -> list[str]:
    """Return the result as text."""
    text = [
        f"planning      {result['line_up_ms']:.2f} ms per line-up ({result['n_members']} members, "
        f"{result['n_matches']:,} matches); the first plan of a run {result['start_ms']:.0f} ms",
        "information   per match, as a multiple of uniform line-ups (50 members)",
        "              spread of skill   differences   reported ratings   most frequent member",
    ]
    for each in result["information"]:
        name = f"{each['spread']:g}" + (f", one {OUTLIER:g} above" if each["outlier"] else "")
        share = f"{100 * each['most']:.0f} %"
        if each["outlier"]:
            share += f", the outlier {100 * each['last']:.0f} %"
        text.append(
            f"              {name:<15}   {each['differences']:>11.2f}   {each['reported']:>16.2f}"
            f"   {share:>20}"
        )
    text.append(
        f"newcomer      {result['newcomer_played']:.0f} matches until its interval is +-1 point, "
        f"{result['newcomer_planned']:.0f} with those in flight by then"
    )
    return text
