"""Owns what an evaluation plays: one member in one seat, the others all of one kind.

Promises: the plan does not know which engine plays it; each match is a seed of its own, on the map
that follows from it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Final

from arena.match import MatchSpec
from arena.territory.engine.rules import MatchRules
from arena.territory.engine.terms import DIFFICULTIES
from arena.territory.observation.views import Views
from league.pit.plan import match_spec, name_maps
from league.pit.sides import Side
from league.pit.table import THE_USUAL, Game

TRIBES: Final = "tribes"
HUMAN_TRIBES: Final = "tribes:human"
NATIONS: Final = {difficulty: f"nations:{difficulty}" for difficulty in DIFFICULTIES}
AGAINST: Final = (TRIBES, HUMAN_TRIBES, *NATIONS.values())
"""Words for minds of the game, which mean the same in every engine."""


@dataclass(frozen=True)
class EvaluateRequest:
    """What the command line asks for.

    Attributes:
        member: name, hash prefix, snapshot file or agent spec.
        against: a word of AGAINST; in our engine also whatever `member` may be.
        n_seats: the member's and the others'; None takes that of the rules.
        max_ticks: length limit; None takes that of the rules.
        maps: references to play on; empty uses the maps of rated matches.
        seed: of the first match; each further one takes the next.
        n_workers: None starts one per core.
        game: what is played without a league.
    """

    member: str
    against: str
    n_matches: int = 48
    n_seats: int | None = None
    max_ticks: int | None = None
    maps: tuple[str, ...] = ()
    seed: int = 1
    n_workers: int | None = None
    game: Game = THE_USUAL

    @property
    def seeds(self) -> range:
        """The seeds of the matches."""
        return range(self.seed, self.seed + self.n_matches)

    def over(self, rules: MatchRules) -> MatchRules:
        """Return these rules with the seats and the length that were asked for, if any were.

        Raises:
            MatchError: a board has no room for so many seats.
        """
        return replace(
            rules,
            n_seats=self.n_seats or rules.n_seats,
            max_ticks=self.max_ticks or rules.max_ticks,
        )


@dataclass(frozen=True)
class EvaluationPlan:
    """What is played: the member in seat 0, which the seed puts on any place of the map.

    Attributes:
        member: who is evaluated.
        others: who holds every other seat.
        left_out: what the game is played without, for the report.
    """

    member: Side
    others: Side
    maps: tuple[str, ...]
    rules: MatchRules
    views: Views
    left_out: str = ""

    n_parts = 1

    @property
    def series_key(self) -> str:
        """Key that requests for the same matches share."""
        specs = [self.member.agent_spec, self.others.agent_spec]
        parts = [*specs, self.rules.to_json(), list(self.maps), self.left_out]
        return "evaluate-" + hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]

    @property
    def everybody(self) -> tuple[Side, ...]:
        """The member and the others."""
        return self.member, self.others

    def part_key(self, seed: int, part: int) -> tuple[str, int]:
        """Return the key of a match."""
        return f"{self.series_key}:{seed}", part

    def labels(self, seed: int, part: int) -> tuple[str | None, ...]:
        """Return "A" for the member's seat, None for the others."""
        return ("A", *(None,) * (self.rules.n_seats - 1))

    def line_up(self, seed: int, part: int) -> tuple[Side, ...]:
        """Return who holds each seat."""
        return (self.member, *(self.others,) * (self.rules.n_seats - 1))

    def spec(self, seed: int, part: int) -> MatchSpec:
        """Return the spec of a match."""
        return match_spec(self.line_up(seed, part), seed, self.maps, self.rules, self.views)

    def setting(self, seeds: range) -> str:
        """Return the part of the report that says what was played."""
        rules = self.rules
        crowd = f", crowd {rules.crowd}" if rules.crowd else ""
        return (
            f"{rules.n_seats} seats{crowd}, {rules.max_ticks:,} ticks, {name_maps(self.maps)}, "
            f"seeds {seeds[0]}..{seeds[-1]}{self.left_out}"
        )
