"""Owns the settings of what is played: the rules of a match and the maps."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from arena.errors import MatchError
from arena.territory.engine.rules import MAX_SEATS, MatchRules
from arena.territory.engine.terms import crowd_text, parse_crowd
from league.config.kinds import Section, Strings


def _as_text(value: object) -> object:
    """Return a whole number as text: `--set rules.edition=2026` is read as TOML."""
    return str(value) if type(value) is int else value


def _crowd(text: str) -> str:
    """Return the one way to write a crowd; raise ValueError for what is none."""
    try:
        return crowd_text(parse_crowd(text))
    except MatchError as error:
        raise ValueError(f"rules.crowd: {error}") from error


class RulesConfig(Section):
    """The rules of a match that a league can set."""

    max_ticks: int = Field(
        default=1_500, ge=10, le=100_000, description="Length limit of a match, in ticks of 0.1 s."
    )
    ticks_per_decision: int = Field(
        default=25,
        ge=1,
        le=1_000,
        description="Ticks between two decisions of a seat; with fewer decisions, each matters "
        "more and is learned faster (docs/learning.md).",
    )
    n_seats: int = Field(default=10, ge=2, le=MAX_SEATS, description="Seats of a match, 2 to 250.")
    edition: Annotated[Literal["2025", "2026"], BeforeValidator(_as_text)] = Field(
        default="2025",
        description="Edition of the original game whose rules hold (docs/territory.md).",
    )
    crowd: Annotated[str, AfterValidator(_crowd)] = Field(
        default="",
        description="Players beyond the seats, whom the engine plays and nobody rates, such as "
        "tribes=100,nations-medium=29; empty for none (docs/rules.md).",
    )

    @model_validator(mode="after")
    def _can_be_played(self) -> RulesConfig:
        try:
            self.to_rules()
        except MatchError as error:
            raise ValueError(f"rules: {error}") from error
        return self

    def to_rules(self) -> MatchRules:
        """Return the rules in the arena's form."""
        return MatchRules(
            self.max_ticks, self.ticks_per_decision, self.n_seats, self.edition, self.crowd
        )


class MapsConfig(Section):
    """The maps; training and rating draw from separate lists, so that memorising maps does not pay.

    The lists have different seeds of the same kinds: a policy trained on continents alone scored
    52 % against expander on new continents and 37 % on highlands and lakes (docs/learning.md).

    A reference is a folder or PNG file (relative to the league folder) or
    generated:PRESET:WIDTHxHEIGHT:SEED, where SEED may be a range such as 0-63.
    """

    train: Strings = Field(
        default=(
            "generated:continents:128x128:0-31",
            "generated:highlands:128x128:0-15",
            "generated:lakes:128x128:0-15",
        ),
        min_length=1,
        description="Map references that training matches draw from; seed ranges are allowed.",
    )
    rate: Strings = Field(
        default=(
            "generated:continents:128x128:1000-1007",
            "generated:highlands:128x128:1000-1003",
            "generated:lakes:128x128:1000-1003",
        ),
        min_length=1,
        description="Map references that rated matches draw from; seed ranges are allowed.",
    )
