"""Owns the plan of a head-to-head: which matches make a unit, and who holds which seat in them.

Promises: a unit is all matches of one seed. In a mirrored pair A and B exchange all their seats
between its two matches. The same request always gives the same plan and the same keys.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from agents.in_tick import terms_of
from arena.match import MatchSpec
from arena.territory.engine.rules import MatchRules
from arena.territory.observation.views import Views
from league.errors import PitError
from league.pit.draws import shuffled
from league.pit.sides import Side


class UnitPlan(Protocol):
    """What is played for one seed, as the log and the run need it."""

    @property
    def series_key(self) -> str:
        """Key that requests for the same matches share."""

    @property
    def n_parts(self) -> int:
        """Matches of one seed."""

    @property
    def everybody(self) -> tuple[Side, ...]:
        """All sides that may hold a seat."""

    def part_key(self, seed: int, part: int) -> tuple[str, int]:
        """Return (pair_key, pair_half) of a match in the database; unique in a league."""

    def labels(self, seed: int, part: int) -> tuple[str | None, ...]:
        """Return whose seat each is in the statistics: "A", "B", a name, or None."""

    def line_up(self, seed: int, part: int) -> tuple[Side, ...]:
        """Return the side that holds each seat."""

    def spec(self, seed: int, part: int) -> MatchSpec:
        """Return the spec of one match."""


def match_spec(
    line_up: Sequence[Side], seed: int, maps: Sequence[str], rules: MatchRules, views: Views
) -> MatchSpec:
    """Return the spec of one match of a unit: the map follows from the unit's seed."""
    agents = tuple(side.agent_spec for side in line_up)
    return MatchSpec(
        seed=seed,
        map=maps[seed % len(maps)],
        agents=agents,
        rules=rules,
        views=views,
        terms=terms_of(agents),
    )


@dataclass(frozen=True)
class PitPlan:
    """What is played: sides, maps and seats; `maps` are single references, used in turn.

    `field` holds the sides of the third parties, if there are any; A and B share the other seats.
    Without a field A has all even seats in the first match of a pair and B the odd ones: the game
    draws the spawn of every seat from the seed. With a field every seat is drawn from the seed too,
    since the members of the field are not equals: at fixed seats they looked like a bias of seats.
    """

    a: Side
    b: Side
    maps: tuple[str, ...]
    rules: MatchRules
    views: Views
    field: tuple[Side, ...] = ()

    n_parts = 2

    @property
    def series_key(self) -> str:
        """Key of the head-to-head: requests with the same A, B, rules, maps and seats share it.

        It is that of version 0.1.0 where the plan is, so that what was begun then goes on.
        """
        return self._key(self.maps, ["seats drawn"] if self.field else [])

    def key_before(self, maps: Sequence[str]) -> str:
        """Return the key that version 0.1.0 gave the same request, with the maps in its order."""
        return self._key(maps, [])

    def _key(self, maps: Sequence[str], marks: list[str]) -> str:
        parts = [
            self.a.agent_spec,
            self.b.agent_spec,
            self.rules.sha256(),
            list(maps),
            [side.agent_spec for side in self.field],
            *marks,
        ]
        return "pit-" + hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]

    @property
    def everybody(self) -> tuple[Side, ...]:
        """A, B and the field."""
        return self.a, self.b, *self.field

    def part_key(self, seed: int, part: int) -> tuple[str, int]:
        """Return the key of the mirrored pair, and which half it is."""
        return f"{self.series_key}:{seed}", part

    def labels(self, seed: int, part: int) -> tuple[str | None, ...]:
        """Return "A", "B" or None (the field) per seat; part 1 has A and B exchanged."""
        exchanged = {"A": "B", "B": "A", None: None}
        first = tuple(label for label, _ in self._seating(seed))
        return first if part == 0 else tuple(exchanged[label] for label in first)

    def line_up(self, seed: int, part: int) -> tuple[Side, ...]:
        """Return the side that holds each seat."""
        sides = {"A": self.a, "B": self.b}
        return tuple(
            third if label is None else sides[label]
            for label, (_, third) in zip(self.labels(seed, part), self._seating(seed), strict=True)
        )

    def spec(self, seed: int, part: int) -> MatchSpec:
        """Return the spec of one match of the pair."""
        return match_spec(self.line_up(seed, part), seed, self.maps, self.rules, self.views)

    def setting(self, seeds: Sequence[int]) -> str:
        """Return the part of the report that says what was played."""
        n_seats, k = self.rules.n_seats, self._n_each
        share = f"{k}A+{k}B" + (f" among {len(self.field)} scripted" if self.field else "")
        return f"{n_seats} seats, {share}, {name_maps(self.maps)}, seeds {seeds[0]}..{seeds[-1]}"

    @property
    def _n_each(self) -> int:
        """Seats of A, and of B."""
        return (self.rules.n_seats - len(self.field)) // 2

    def _seating(self, seed: int) -> tuple[tuple[str | None, Side], ...]:
        """Return (label, side) per seat in the first match of a pair; labelled sides are A's."""
        if not self.field:
            return tuple(("AB"[seat % 2], self.a) for seat in range(self.rules.n_seats))
        seats: list[tuple[str | None, Side]] = [("A", self.a), ("B", self.a)] * self._n_each
        return shuffled([*seats, *((None, side) for side in self.field)], f"field:{seed}")


def name_maps(maps: Sequence[str]) -> str:
    """Return the words for the maps of a plan."""
    return f"map {maps[0]}" if len(maps) == 1 else f"{len(maps)} maps"


def check_seats(rules: MatchRules, with_field: bool) -> None:
    """Raise PitError if the seats cannot be divided evenly."""
    if not with_field and rules.n_seats % 2:
        raise PitError(
            f"expected an even number of seats for A and B, found {rules.n_seats}; use --field"
        )
    if with_field and rules.n_seats < 3:
        raise PitError(f"expected at least 3 seats for --field, found {rules.n_seats}")
