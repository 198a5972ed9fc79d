"""Who plays whom in rated matches: line-ups that tell much per match and keep one common scale.

Pure functions of numbers and an explicit numpy.random.Generator: no I/O, no clock. Each draw's
docstring says what it promises.

What is drawn for. A match says most about the order of equals, so that a line-up is drawn near one
member, its lead. Among members whose rating is known well enough the information on all of them is
largest when all play equally often (the D-optimal design of independent skills, whatever a match
tells on each), so that the lead is whoever sat in the fewest recent matches, and never the most
uncertain member: one that is 12 points away from all others stays uncertain whatever it plays, and
used to sit in every second match.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from league.errors import MatchmakingError
from league.rating.trueskill import BETA

# A member that sat in fewer recent matches than this share of the pool's mean goes first.
FLOOR_SHARE = 0.5
# A newcomer has priority until its 95 % interval is +-1 point, which takes about 100 matches ..
NEWCOMER_SIGMA = 1.0 / 1.959963984540054
# .. at this gain of 1 / sigma^2 per match (0.044 to 0.049 in a league of 22 members) ..
PRECISION_PER_MATCH = 0.045
# .. and never longer than this: a member that beats everybody, or nobody, hardly gets certain.
NEWCOMER_MATCHES = 120
# The reach is BETA * 2^u, u uniform in this range: from 2 to 33 points, so that most line-ups are
# even and some span the league, which keeps all ratings on one scale.
REACH_LOG2 = (-1.0, 3.0)
# How much a seat more than the mean, in shares of the mean, counts against a member: in the draw of
# company exp(-10) to 1 for one that sat twice as often as the others.
BALANCE = 10.0
# Networks of a batch beyond those of one match, of which each match leaves others out. Each costs a
# forward pass per decision, and passes of 14 rows instead of 16 cost 5 % more per row (small
# networks, one core); twice as many where the scripts alone cannot make the line-ups differ.
N_SPARE = 1
_MAX_TRIES = 32  # for a line-up that is not in flight

LineUp = tuple[tuple[int, bool], ...]  # (member_id, rated) per seat
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Candidate:
    """An active member that may be drawn for a rated match.

    Attributes:
        games: its rated matches, those in flight included.
        in_flight: those of them that are planned or being played.
        recent: how many of the latest matches of the league it sits in, those in flight included.
        is_free: it costs no forward pass (a script): it may change from match to match of a batch.
        weight: how often it is to play, as a multiple of the others' matches.
    """

    member_id: int
    mu: float
    sigma: float
    games: int
    anchor: bool = False
    in_flight: int = 0
    recent: int = 0
    is_free: bool = False
    weight: float = 1.0


def matches_wanted(sigma: float, games: int, in_flight: int) -> int:
    """Return how many matches more a newcomer needs until its interval is about +-1 point.

    Matches in flight count as played: at the gain of an ordinary match.

    Args:
        sigma: of its rating now, in points.
        games: its rated matches, those in flight included.
        in_flight: those of them whose result is not in `sigma` yet.
    """
    missing = NEWCOMER_SIGMA**-2 - sigma**-2
    by_sigma = math.ceil(missing / PRECISION_PER_MATCH) - in_flight
    return max(0, min(by_sigma, NEWCOMER_MATCHES - games))


def choose_line_ups(
    candidates: Sequence[Candidate],
    n_seats: int,
    n_matches: int,
    rng: Generator,
    *,
    share: int = 1,
    floor_share: float = FLOOR_SHARE,
    in_flight: Collection[frozenset[int]] = (),
) -> list[LineUp]:
    """Return the line-ups of `n_matches` matches, in batches of `share` that are played together.

    The lead of a batch is the member with the fewest recent matches if these are less than
    `floor_share` of the mean; else the newcomer that needs most matches (`matches_wanted`); else
    the member with the fewest recent matches. The others are drawn near it by mu, with a random
    reach, and those with few recent matches more often. At least one anchor plays in every match,
    if the pool has one.

    The cost of a match is that of its distinct networks: the matches of a batch, played together,
    share one forward pass per network and decision. So the networks of a batch are those of one
    line-up and one or two more, of which each match leaves others out, while the scripts, which
    cost nothing, are drawn anew for each match. No line-up is drawn twice, nor one that is
    `in_flight`, as long as the pool allows.

    With fewer members than seats, members take further seats that are not rated, as evenly as
    possible.

    Args:
        in_flight: the rated members of each match that is planned or being played.

    Raises:
        MatchmakingError: fewer than two members or seats.
    """
    if len(candidates) < 2 or n_seats < 2:
        raise MatchmakingError(
            f"a rated match needs at least 2 members and 2 seats, found {len(candidates)} active "
            f"members and {n_seats} seats; add members with `league members add`"
        )
    draw = _Draw(candidates, n_seats, rng, floor_share, in_flight)
    line_ups: list[LineUp] = []
    while len(line_ups) < n_matches:
        line_ups += draw.batch(min(share, n_matches - len(line_ups)))
    return line_ups


class _Draw:
    """The draws of one plan; what it has drawn counts as in flight for what follows."""

    def __init__(
        self,
        candidates: Sequence[Candidate],
        n_seats: int,
        rng: Generator,
        floor_share: float,
        in_flight: Collection[frozenset[int]],
    ) -> None:
        self.ids = [c.member_id for c in candidates]
        self.mu = np.array([c.mu for c in candidates])
        self.sigma = np.array([c.sigma for c in candidates])
        self.anchor = np.array([c.anchor for c in candidates])
        self.free = np.array([c.is_free for c in candidates])
        self.weight = np.array([c.weight for c in candidates])
        self.recent = np.array([c.recent for c in candidates]) / self.weight
        self.wanted = np.array([matches_wanted(c.sigma, c.games, c.in_flight) for c in candidates])
        self.n_seats, self.rng, self.floor_share = n_seats, rng, floor_share
        self.n_rated = min(len(candidates), n_seats)
        self.taken = set(in_flight)

    def batch(self, n_matches: int) -> list[LineUp]:
        """Draw the line-ups of matches that are played together."""
        lead = self._lead()
        keys = self._keys(lead)
        order = np.argsort(-keys)  # the lead first
        first = order[: self.n_rated]
        n_free = max(int(self.free[first].sum()), int((self.free & self.anchor).any()))
        n_paid = self.n_rated - n_free
        n_spare = N_SPARE if self.free.sum() > n_free else 2 * N_SPARE
        paid = [int(i) for i in order if not self.free[i]][: n_paid + n_spare]
        return [self._line_up(lead, keys, paid, n_free) for _ in range(n_matches)]

    def _lead(self) -> int:
        """Return who needs a match most: by the floor, as a newcomer, by recent matches."""
        jitter = self.rng.random(len(self.ids))  # breaks ties without favouring low ids
        least = int(np.lexsort((jitter, self.recent))[0])
        if self.recent[least] < self.floor_share * self.recent.mean() or not self.wanted.any():
            return least
        return int(np.lexsort((jitter, -self.wanted))[0])

    def _keys(self, lead: int) -> FloatArray:
        """Return a log-weight per member plus Gumbel noise: the highest are drawn.

        Sorting such keys draws without replacement in proportion to the weights, and cannot
        underflow. A newcomer's place is not known yet: its sigma widens the reach.
        """
        reach = BETA * 2.0 ** self.rng.uniform(*REACH_LOG2)
        variance = reach**2 + self.sigma**2 + self.sigma[lead] ** 2
        near = -0.5 * (self.mu - self.mu[lead]) ** 2 / variance
        keys: FloatArray = near - BALANCE * self._surplus() + self.rng.gumbel(size=len(self.ids))
        keys[lead] = np.inf
        return keys

    def _surplus(self) -> FloatArray:
        """Return how far each member's recent matches are above the mean, in shares of it."""
        surplus: FloatArray = self.recent / max(float(self.recent.mean()), 1.0) - 1.0
        # Newcomers that still want matches do not make room for others.
        return np.where(self.wanted > 0, np.minimum(surplus, -0.5), surplus)

    def _line_up(self, lead: int, keys: FloatArray, paid: list[int], n_free: int) -> LineUp:
        n_tries = _MAX_TRIES if len(self.ids) > self.n_rated else 1
        for attempt in range(n_tries):
            chosen = self._members(lead, keys, paid, n_free, noise=1.0 + 0.25 * attempt)
            members = frozenset(self.ids[i] for i in chosen)
            if members not in self.taken:
                break
        self.taken.add(members)
        self.recent[chosen] += 1.0 / self.weight[chosen]
        self.wanted[chosen] = np.maximum(self.wanted[chosen] - 1, 0)
        seats = [(self.ids[i], True) for i in chosen]
        while len(seats) < self.n_seats:
            extra = self.rng.permutation(chosen)[: self.n_seats - len(seats)]
            seats += [(self.ids[i], False) for i in extra]
        return tuple(seats[i] for i in self.rng.permutation(self.n_seats))

    def _members(
        self, lead: int, keys: FloatArray, paid: list[int], n_free: int, noise: float
    ) -> list[int]:
        """Return the rated members of one match of a batch: the paid ones but a few, and scripts.

        Who has had more recent matches is left out sooner; noise makes the line-ups differ.
        """
        surplus = BALANCE * self._surplus()
        luck = noise * self.rng.gumbel(size=len(self.ids))
        anew = np.where(keys == np.inf, 0.0, keys) * 0.5 - surplus + luck
        if self.wanted[lead] > 0:
            anew[lead] = np.inf
        scripts = np.flatnonzero(self.free)
        by_key = scripts[np.argsort(-anew[scripts])]
        chosen = [int(i) for i in by_key[:n_free]]
        rest = sorted(paid, key=lambda i: -anew[i])[: self.n_rated - len(chosen)]
        chosen += rest
        if len(chosen) < self.n_rated:  # few networks: more scripts
            chosen += [int(i) for i in by_key[n_free : n_free + self.n_rated - len(chosen)]]
        if not self.anchor[chosen].any() and self.anchor.any():
            anchors = np.flatnonzero(self.anchor)
            out = min(chosen, key=lambda i: anew[i])
            chosen[chosen.index(out)] = int(anchors[np.argmax(anew[anchors])])
        return chosen
