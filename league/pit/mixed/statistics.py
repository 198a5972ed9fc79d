"""What a head-to-head of several names measures: places, first places, who beats whom.

The unit is the seed: its matches share board and spawns, and each name holds each seat once in
them, so that the units are independent and alike whatever was drawn. Pure functions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from league.errors import StatisticsError
from league.pit.mixed.model import Held, as_arrays, fit
from league.pit.seats import seat_bias_p_value
from league.pit.statistics import PitMatch
from league.statistics.means import MeanInterval, cluster_interval, t_interval

Unit = Sequence[PitMatch]


@dataclass(frozen=True)
class NameResult:
    """One name.

    Attributes:
        place: mean place of its seats, with its interval.
        firsts: share of matches in which it came first, 1 / names if all are alike.
        alive_share: of its seats at the end.
        strength, noise: of the fitted model (`league.pit.mixed.model`).
    """

    name: str
    place: MeanInterval
    firsts: MeanInterval
    alive_share: float
    strength: float
    noise: float


@dataclass(frozen=True)
class MixedReport:
    """Everything that is printed, names from the best mean place to the worst.

    Attributes:
        beats: (i, j) for i < j -> share of common seat pairs in which name i was above name j.
        told_apart: pairs (i, j), i < j, whose mean places differ, at `confidence` for all pairs
            together.
        look: which verdict on this head-to-head it is; `remembered` and `watch` as in
            `PitReport`.
    """

    setting: str
    names: tuple[NameResult, ...]
    beats: Mapping[tuple[int, int], MeanInterval]
    told_apart: frozenset[tuple[int, int]]
    held: Held | None
    confidence: float
    seat_bias_p: float | None
    n_units: int
    n_matches: int
    n_failed: int = 0
    crashes: Mapping[str, int] = field(default_factory=dict)
    matches_per_s: float | None = None
    look: int = 1
    remembered: bool = True
    interrupted: bool = False
    watch: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0, or 130 where it was interrupted."""
        return 130 if self.interrupted else 0

    @property
    def best(self) -> tuple[int, ...]:
        """The first name and all that are not told apart from it."""
        rest = range(1, len(self.names))
        return (0, *(i for i in rest if (0, i) not in self.told_apart))


def mean_places(units: Sequence[Unit], name: str) -> list[float]:
    """Return the mean place of a name's seats in each unit."""
    return [sum(places := _places_of(unit, name)) / len(places) for unit in units]


def first_shares(units: Sequence[Unit], name: str) -> list[float]:
    """Return the share of the matches of each unit that a name won; shared ones are split."""
    shares = []
    for unit in units:
        won = 0.0
        for match in unit:
            firsts = [
                side
                for side, place in zip(match.sides, match.placements, strict=True)
                if place == 1
            ]
            won += firsts.count(name) / len(firsts)
        shares.append(won / len(unit))
    return shares


def share_interval(shares: Sequence[float], confidence: float = 0.95) -> MeanInterval:
    """Return the interval of the mean of shares of 0 to 1, one per unit: Student's t.

    Where all are 0 (or 1) there is no spread to go by. If a unit is above 0 with probability p, all
    n are 0 with (1 - p)^n: p, and with it the mean, may be up to 1 - (alpha / 2)^(1 / n).
    """
    found = t_interval(shares, confidence).within(0.0, 1.0)
    room = 1.0 - (0.5 * (1.0 - confidence)) ** (1.0 / len(shares))
    if max(shares) <= 0.0:
        return replace(found, high=room)
    if min(shares) >= 1.0:
        return replace(found, low=1.0 - room)
    return found


def beat_rate(units: Sequence[Unit], a: str, b: str, confidence: float = 0.95) -> MeanInterval:
    """Return the share of (seat of a, seat of b) of the same matches with a above, ties half.

    The numbers of such pairs differ between seeds: a ratio of sums, clustered by seed.

    Raises:
        StatisticsError: they never met.
    """
    rates, counts, seeds = [], [], []
    for seed, unit in enumerate(units):
        for match in unit:
            of_a, of_b = _places_in(match, a), _places_in(match, b)
            if of_a and of_b:
                above = sum((x < y) + 0.5 * (x == y) for x in of_a for y in of_b)
                counts.append(float(len(of_a) * len(of_b)))
                rates.append(above / counts[-1])
                seeds.append(seed)
    if not rates:
        raise StatisticsError(f"expected common matches of {a} and {b}, found none")
    return cluster_interval(rates, seeds, confidence, weights=counts).within(0.0, 1.0)


def summarise(
    units: Sequence[Unit],
    names: Sequence[str],
    *,
    setting: str,
    confidence: float = 0.95,
    n_failed: int = 0,
    crashes: Mapping[str, int] | None = None,
    matches_per_s: float | None = None,
    look: int = 1,
    remembered: bool = True,
    interrupted: bool = False,
) -> MixedReport:
    """Return the report of all complete seeds.

    Raises:
        StatisticsError: no seed is complete.
    """
    arrays = as_arrays(units, names)  # refuses no unit
    model = fit(arrays)
    n_seats = len(units[0][0].placements)
    places = {name: mean_places(units, name) for name in names}
    order = sorted(names, key=lambda name: (math.fsum(places[name]), name))
    results = tuple(
        NameResult(
            name,
            t_interval(places[name], confidence).within(1.0, n_seats),
            share_interval(first_shares(units, name), confidence),
            _alive_share(units, name),
            model.strength[names.index(name)],
            model.noise[names.index(name)],
        )
        for name in order
    )
    pairs = list(combinations(range(len(order)), 2))
    each = 1.0 - (1.0 - confidence) / len(pairs)  # Bonferroni: all differences together
    told_apart = set()
    for i, j in pairs:
        between = [x - y for x, y in zip(places[order[j]], places[order[i]], strict=True)]
        if t_interval(between, each).low > 0.0:
            told_apart.add((i, j))
    return MixedReport(
        setting=setting,
        names=results,
        beats={(i, j): beat_rate(units, order[i], order[j], confidence) for i, j in pairs},
        told_apart=frozenset(told_apart),
        held=model.held,
        confidence=confidence,
        seat_bias_p=seat_bias_p_value(units),
        n_units=len(units),
        n_matches=sum(len(unit) for unit in units),
        n_failed=n_failed,
        crashes=dict(crashes or {}),
        matches_per_s=matches_per_s,
        look=look,
        remembered=remembered,
        interrupted=interrupted,
    )


def _places_in(match: PitMatch, name: str) -> list[int]:
    return [p for p, side in zip(match.placements, match.sides, strict=True) if side == name]


def _places_of(unit: Unit, name: str) -> list[int]:
    return [place for match in unit for place in _places_in(match, name)]


def _alive_share(units: Sequence[Unit], name: str) -> float:
    alive = [
        is_alive
        for unit in units
        for match in unit
        for side, is_alive in zip(match.sides, match.alive, strict=True)
        if side == name
    ]
    return sum(alive) / len(alive)
