"""Owns the format of results of n-player matches: one JSON object per match, version 1.

Promises: the models below are the format; the JSON schema, the documentation and the check of what
is read all come from them. A reader ignores keys that it does not know, so that keys can be added
within a version; what changes the meaning of a key is another version.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

SCHEMA = "nplayer-results/1"
MAX_SEATS = 1_000

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class SkillRating(_Part):
    """A rating as mean and standard deviation of a normal distribution."""

    mu: Finite = Field(description="Mean.")
    sigma: Annotated[Finite, Field(gt=0)] = Field(description="Standard deviation, above 0.")


class SeatResult(_Part):
    """What became of one seat: a player's position in a match."""

    seat: Annotated[int, Field(ge=0)] = Field(description="Number of the seat, from 0.")
    player: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        description="Who played it, by a name that means the same player in the whole file."
    )
    place: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="1 for the best; equals share the better number (1, 2, 2, 4). May be left out "
        "if every seat has a score, of which the higher one is better.",
    )
    score: Finite | None = Field(
        default=None, description="What the game counts (territory: tiles at the end)."
    )
    eliminated_at: Annotated[Finite, Field(ge=0)] | None = Field(
        default=None, description="When the seat was out, in the unit of `length`; null if never."
    )
    rated: bool = Field(
        default=True, description="Whether the seat counts for ratings; one per player and match."
    )
    before: SkillRating | None = Field(
        default=None, description="The player's rating before the match; null if not rated."
    )
    after: SkillRating | None = Field(
        default=None, description="The player's rating after the match; null if not rated."
    )
    player_id: str | None = Field(
        default=None,
        description="What the name stands for exactly (territory: the agent spec with the hash of "
        "its weights).",
    )


class MatchResults(_Part):
    """One match of two or more seats that each play for themselves."""

    schema_: Literal["nplayer-results/1"] = Field(
        alias="schema", description="Name and version of this format."
    )
    game: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        description="Name of the game; ratings of two games never mix."
    )
    match: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        description="The match's name, unique in the file."
    )
    purpose: str = Field(
        default="rating", description="What it was played for; only `rating` moves ratings."
    )
    finished_at: datetime | None = Field(
        default=None, description="When it ended, ISO 8601 with a zone (else UTC)."
    )
    seed: int | None = Field(default=None, description="The seed of the match.")
    map: str | None = Field(default=None, description="What it was played on.")
    map_sha256: Sha256 | None = Field(default=None, description="Hash of the map.")
    rules_sha256: Sha256 | None = Field(default=None, description="Hash of the rules.")
    length: Annotated[Finite, Field(ge=0)] | None = Field(
        default=None, description="How long it took, in units of the game (territory: ticks)."
    )
    final_state_sha256: Sha256 | None = Field(
        default=None, description="Hash of the state at the end."
    )
    replay_sha256: Sha256 | None = Field(
        default=None, description="Hash of the replay file; null if none is kept."
    )
    rating_version: str | None = Field(
        default=None, description="Which algorithm and constants gave the ratings of the seats."
    )
    seats: Annotated[tuple[SeatResult, ...], Field(min_length=2, max_length=MAX_SEATS)] = Field(
        description="One entry per seat."
    )

    @model_validator(mode="after")
    def _seats_agree(self) -> MatchResults:
        numbers = [seat.seat for seat in self.seats]
        if len(set(numbers)) != len(numbers):
            raise ValueError("expected every seat once")
        placed = [seat.place is not None for seat in self.seats]
        if not all(placed) and (any(placed) or any(seat.score is None for seat in self.seats)):
            raise ValueError("expected a place for every seat, or a score for every seat")
        rated = [seat.player for seat in self.seats if seat.rated]
        twice = sorted({player for player in rated if rated.count(player) > 1})
        if twice:
            raise ValueError(
                f"expected one rated seat per player, found several of {twice[0]!r}; give its "
                "others rated = false"
            )
        return self

    def places(self) -> list[int]:
        """Return the place of every seat, in their order; from the scores where none is given."""
        scores = [seat.score or 0.0 for seat in self.seats]
        return [
            1 + sum(other > score for other in scores) if seat.place is None else seat.place
            for seat, score in zip(self.seats, scores, strict=True)
        ]

    def finished(self) -> datetime | None:
        """Return when it ended, with a zone."""
        at = self.finished_at
        return at if at is None or at.tzinfo is not None else at.replace(tzinfo=UTC)


def json_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of one line of a file of results."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA,
        **MatchResults.model_json_schema(by_alias=True),
    }


def document(match: MatchResults) -> dict[str, Any]:
    """Return a match as plain JSON values, `schema` first, every key present."""
    return match.model_dump(mode="json", by_alias=True)
