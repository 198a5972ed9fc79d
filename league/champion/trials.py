"""Owns what a trial is: two members, or one against copies of itself, in matches of a fixed form.

Promises: the matches of a trial are a pure function of its members, its round and the league's
rules and maps; a pair is two matches of one seed between which both members exchange their seats.
The other seats are held by the anchors, so that members are tried in the company of a game of ten
and always in the same one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from agents.in_tick import terms_of

if TYPE_CHECKING:
    from arena.match import MatchSpec
    from arena.territory.engine.rules import MatchRules
    from arena.territory.observation.views import Views

Kind = Literal["mirror", "order", "drift", "better", "forgetting", "heldout", "challenge"]
SHARE_OF_SEATS = 0.3  # of a match, for each of both members: three of ten, beside four anchors
_SEEDS_OF_A_ROUND = 10_000


@dataclass(frozen=True)
class Trial:
    """One round of a canary or of a challenge.

    Attributes:
        key: what is tried, the same over all rounds; see league.champion.schedule.
        a, b: ids of the members; b is None for a mirror, in which all seats are a's.
        round: number of the round; each has seeds of its own.
    """

    key: str
    kind: Kind
    a: int
    b: int | None
    round: int

    @property
    def series_key(self) -> str:
        """Key of its matches in the database."""
        return f"canary:{self.key}:{self.a}:{self.b or '-'}:{self.round}"

    @property
    def halves(self) -> int:
        """Matches per seed."""
        return 1 if self.b is None else 2


@dataclass(frozen=True)
class Stage:
    """What trials are played on and with.

    Attributes:
        anchors: ids of the anchors, which hold the seats of nobody on trial.
    """

    rules: MatchRules
    views: Views
    maps: Sequence[str]
    anchors: Sequence[int]


def line_up(trial: Trial, stage: Stage, index: int, half: int) -> tuple[int, ...] | None:
    """Return the member of every seat in one match; None if the seats cannot be shared out.

    The seats are drawn for every seed; half 1 has both members exchanged.
    """
    from numpy.random import PCG64, Generator

    n_seats = stage.rules.n_seats
    if trial.b is None:
        return (trial.a,) * n_seats
    others = [member_id for member_id in stage.anchors if member_id not in (trial.a, trial.b)]
    k = max(1, int(SHARE_OF_SEATS * n_seats)) if others else n_seats // 2
    if not others and n_seats % 2:
        return None
    seats = Generator(PCG64([trial.round, index])).permutation(n_seats)
    first, second = (trial.a, trial.b) if half == 0 else (trial.b, trial.a)
    members = dict.fromkeys(seats[:k].tolist(), first)
    members |= dict.fromkeys(seats[k : 2 * k].tolist(), second)
    for at, seat in enumerate(seats[2 * k :].tolist()):
        members[seat] = others[(index + at) % len(others)]
    return tuple(members[seat] for seat in range(n_seats))


def match_spec(
    trial: Trial, stage: Stage, specs: Mapping[int, str], index: int, members: Sequence[int]
) -> MatchSpec:
    """Return the spec of a match with these members in its seats.

    Args:
        specs: agent specs by member id.
        index: number of the seed within the round, from 0.
    """
    from numpy.random import PCG64, Generator

    from arena.match import MatchSpec

    order = Generator(PCG64(trial.round)).permutation(len(stage.maps))
    agents = tuple(specs[member_id] for member_id in members)
    return MatchSpec(
        seed=seed_of(trial, index),
        map=stage.maps[int(order[index % len(order)])],
        agents=agents,
        rules=stage.rules,
        views=stage.views,
        terms=terms_of(agents),
    )


def seed_of(trial: Trial, index: int) -> int:
    """Return the seed of a match: another one for each index of each round."""
    return trial.round * _SEEDS_OF_A_ROUND + index


def share_above(placements: Sequence[int], members: Sequence[int], a: int, b: int) -> float:
    """Return the share of (a seat, b seat) pairs with a placed above, ties counting half."""
    own = [place for place, member in zip(placements, members, strict=True) if member == a]
    theirs = [place for place, member in zip(placements, members, strict=True) if member == b]
    above = sum((p < q) + 0.5 * (p == q) for p in own for q in theirs)
    return above / (len(own) * len(theirs))
