"""Owns the plan of a head-to-head of several names: every seat drawn, equal seats for all.

Promises: for each seed every seat draws a name, with equal chances and without regard to the other
seats, and the seed is played once for each of k names, each time with every name replaced by the
next. So each name holds each seat, and its spawn, exactly once per seed: no name has better seats
or more of them, whatever the draw, and the company of a name changes from seed to seed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from arena.match import MatchSpec
from arena.territory.engine.rules import MatchRules
from arena.territory.observation.views import Views
from league.errors import PitError
from league.pit.draws import drawn
from league.pit.plan import match_spec, name_maps
from league.pit.sides import Side


@dataclass(frozen=True)
class MixedPlan:
    """What is played; the same names in another order are the same plan (`mixed_plan`)."""

    sides: tuple[Side, ...]
    maps: tuple[str, ...]
    rules: MatchRules
    views: Views

    @property
    def n_parts(self) -> int:
        """Matches of one seed: one for each name."""
        return len(self.sides)

    @property
    def everybody(self) -> tuple[Side, ...]:
        """All names."""
        return self.sides

    @property
    def series_key(self) -> str:
        """Key that requests with the same names, rules and maps share."""
        parts = [[s.agent_spec for s in self.sides], self.rules.sha256(), list(self.maps)]
        return "mixed-" + hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]

    def part_key(self, seed: int, part: int) -> tuple[str, int]:
        """Return the key of one match; the database knows pairs, so that each is its own."""
        return f"{self.series_key}:{seed}:{part}", 0

    def line_up(self, seed: int, part: int) -> tuple[Side, ...]:
        """Return the side that holds each seat."""
        return tuple(self.sides[i] for i in self._indices(seed, part))

    def labels(self, seed: int, part: int) -> tuple[str | None, ...]:
        """Return the name that holds each seat."""
        return tuple(side.name for side in self.line_up(seed, part))

    def spec(self, seed: int, part: int) -> MatchSpec:
        """Return the spec of one match."""
        return match_spec(self.line_up(seed, part), seed, self.maps, self.rules, self.views)

    def setting(self, seeds: Sequence[int]) -> str:
        """Return the part of the report that says what was played."""
        return (
            f"{self.rules.n_seats} seats drawn among {len(self.sides)} names, "
            f"{name_maps(self.maps)}, seeds {seeds[0]}..{seeds[-1]}, {self.n_parts} matches each"
        )

    def _indices(self, seed: int, part: int) -> tuple[int, ...]:
        k, n_seats = len(self.sides), self.rules.n_seats
        names = drawn(range(k), n_seats, f"mixed:{seed}")
        again = 0
        while len(set(names)) == 1:  # a match of one name alone says nothing
            again += 1
            names = drawn(range(k), n_seats, f"mixed:{seed}:{again}")
        return tuple((i + part) % k for i in names)


def mixed_plan(
    sides: Sequence[Side], maps: tuple[str, ...], rules: MatchRules, views: Views
) -> MixedPlan:
    """Return the plan of some sides, in an order of its own.

    Raises:
        PitError: there are fewer than two, or two that are the same or have the same name.
    """
    if len(sides) < 2:
        raise PitError(f"expected two names or more for --mixed, found {len(sides)}")
    for what in ("agent_spec", "name"):
        values = [getattr(side, what) for side in sides]
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            raise PitError(f"expected different names for --mixed, found {twice[0]} twice")
    return MixedPlan(tuple(sorted(sides, key=lambda side: side.agent_spec)), maps, rules, views)
