"""Owns the settings of a league: one frozen tree, with a sentence per field.

Promises: whatever a `LeagueConfig` holds is in range and free of contradictions; unknown keys are
refused. The sentences are what `league.toml` shows beside each key. `league.config.layers` reads
the tree from presets, file and command line; nothing here touches a file.

In TOML, `"off"` stands for None: the setting is switched off or left to the program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

import agents.scripted
from arena.territory.engine.rules import MAX_SEATS, MatchRules
from arena.territory.observation.views import Views
from league.config.kinds import Integers, Off, Positive, Section, Share, Strings
from league.config.old_names import with_present_names
from league.config.training import LearnerConfig, LineageConfig
from msattn.config import TorsoConfig
from msattn.errors import NetworkError

if TYPE_CHECKING:
    from collections.abc import Mapping

PRESETS = ("small", "classic")
SCRIPTED = tuple(agents.scripted.SCRIPTED)
SCALE_ANCHOR = "tribe"  # reported ratings put this member at 25
# Rules, maps, views and networks make results comparable and weights usable: they never change.
FROZEN = ("preset", "rules", "maps", "views", "network")
ViewSize = Annotated[int, Field(ge=16, le=512, multiple_of=16)]


class RulesConfig(Section):
    """The rules of a match that a league may choose."""

    max_ticks: int = Field(
        default=1_500, ge=10, le=100_000, description="Length limit of a match, ticks of 0.1 s."
    )
    ticks_per_decision: int = Field(
        default=25,
        ge=1,
        le=1_000,
        description="Ticks between two decisions of every seat; fewer decisions weigh more each, "
        "and are learned faster (docs/learning.md).",
    )
    n_seats: int = Field(default=10, ge=2, le=MAX_SEATS, description="Seats of a match, 2 to 64.")

    def to_rules(self) -> MatchRules:
        """The same as the arena takes it."""
        return MatchRules(self.max_ticks, self.ticks_per_decision, self.n_seats)


class MapsConfig(Section):
    """The boards; training and rating draw from separate lists, so that none is learned by heart.

    Separate seeds of the same kinds: a policy trained on continents alone scored 52 % against
    expander on new continents and 37 % on highlands and lakes (docs/learning.md).

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


class ViewsConfig(Section):
    """Sizes of the three views that a policy sees, multiples of 16."""

    global_size: ViewSize = Field(
        default=32,
        description="Cells per side of the view of the whole map; more is finer and slower.",
    )
    local_size: ViewSize = Field(
        default=32,
        description="Cells of 2 x 2 tiles per side of the view around the seat's fronts.",
    )
    tactical_size: ViewSize = Field(
        default=16, description="Tiles per side of the full-resolution view of the hottest front."
    )

    def to_views(self) -> Views:
        """The same as the arena takes it."""
        return Views(self.global_size, self.local_size, self.tactical_size)


class NetworkConfig(Section):
    """Widths of the networks of both families; None takes the preset's number."""

    preset: Literal["small", "classic"] = Field(
        default="small",
        description="Widths to start from: small (0.3 M parameters) or classic (1.3 M).",
    )
    norm: Literal["group", "batch"] = Field(
        default="group",
        description="Normalisation: group, or batch, whose state differs between play and update.",
    )
    channels: Annotated[Integers | None, Off] = Field(
        default=None, description="Channels of the convolutions of a branch, multiples of 8."
    )
    branch_features: Annotated[int | None, Off] = Field(
        default=None, description="Features per view."
    )
    scalar_features: Annotated[int | None, Off] = Field(
        default=None, description="Features made of the scalars."
    )
    heads: Annotated[int | None, Off] = Field(
        default=None, description="Heads of the fusion's attention; divides fusion."
    )
    fusion: Annotated[int | None, Off] = Field(
        default=None, description="Width of the fusion's attention (attention family only)."
    )
    output: Annotated[int | None, Off] = Field(
        default=None, description="Width of what the policy and value heads read."
    )
    grid: Annotated[int | None, Off] = Field(
        default=None,
        description="A branch's last feature map is pooled to at most grid x grid cells.",
    )

    @model_validator(mode="after")
    def _can_be_built(self) -> NetworkConfig:
        try:
            self.to_torso()
        except NetworkError as error:
            raise ValueError(str(error)) from error
        return self

    def to_torso(self) -> TorsoConfig:
        """The widths as msattn takes them."""
        values = TorsoConfig.preset(self.preset).to_dict()
        given = self.model_dump(exclude={"preset"}, exclude_none=True)
        return TorsoConfig.from_dict({**values, **given})


class ArenaConfig(Section):
    """The processes that play rated matches."""

    n_workers: Annotated[Annotated[int, Field(ge=1, le=1_024)] | None, Off] = Field(
        default=None,
        description="Worker processes; off shares the cores out between learners and arena.",
    )
    matches_per_worker: int = Field(
        default=16,
        ge=1,
        le=256,
        description="Matches that a worker plays in lock-step, of one line-up, so that they share "
        "forward passes; results come when the last of them ends.",
    )
    recycle_after: Annotated[Annotated[int, Field(ge=1)] | None, Off] = Field(
        default=2_000, description="Matches after which a worker is replaced, against slow leaks."
    )
    lease_s: Positive = Field(
        default=120.0, description="Seconds without a tick played after which a worker is killed."
    )
    match_limit_s: Annotated[Positive | None, Off] = Field(
        default=3_600.0, description="Seconds that a batch of matches may take in all."
    )


class RatingConfig(Section):
    """How members are rated and scheduled."""

    sigma_allowance: float = Field(
        default=25.0 / 6.0,
        ge=0.0,
        le=25.0 / 3.0,
        description="Uncertainty added to the parent's when a snapshot starts, rating points.",
    )
    floor_share: Share = Field(
        default=0.5, description="Members with fewer games than this share of the mean play first."
    )
    anchors: Strings = Field(
        default=SCRIPTED, min_length=1, description="Scripted members that stand in every league."
    )

    @model_validator(mode="after")
    def _anchors_are_known(self) -> RatingConfig:
        unknown = [name for name in self.anchors if name not in SCRIPTED]
        if unknown or len(set(self.anchors)) != len(self.anchors):
            raise ValueError(
                f"anchors must be distinct names of {', '.join(SCRIPTED)}, "
                f"found {', '.join(unknown or self.anchors)}"
            )
        if SCALE_ANCHOR not in self.anchors:
            raise ValueError(f"anchors must hold {SCALE_ANCHOR}, which fixes the scale")
        return self


class DatabaseConfig(Section):
    """Where the league is remembered."""

    url: Annotated[str | None, Off] = Field(
        default=None, description="postgresql://... of a server; off is the SQLite file league.db."
    )


class LeagueConfig(Section):
    """All settings of a league."""

    preset: Literal["small", "classic"] = Field(
        default="small", description="Preset that this league began with."
    )
    seed: int = Field(
        default=0, ge=0, le=2**63 - 1, description="Seed of everything that the league draws."
    )
    rules: RulesConfig = Field(default_factory=RulesConfig, description="Frozen.")
    maps: MapsConfig = Field(default_factory=MapsConfig, description="Frozen.")
    views: ViewsConfig = Field(default_factory=ViewsConfig, description="Frozen.")
    network: NetworkConfig = Field(default_factory=NetworkConfig, description="Frozen.")
    learner: LearnerConfig = Field(default_factory=LearnerConfig, description="PPO.")
    learners: Annotated[tuple[LineageConfig, ...], Field(strict=False)] = Field(
        default=(
            LineageConfig(name="attention", family="attention"),
            LineageConfig(name="baseline", family="baseline"),
        ),
        description="The lineages that train; an empty list only plays.",
    )
    arena: ArenaConfig = Field(default_factory=ArenaConfig, description="Workers.")
    rating: RatingConfig = Field(default_factory=RatingConfig, description="Ratings.")
    database: DatabaseConfig = Field(default_factory=DatabaseConfig, description="Memory.")

    @model_validator(mode="after")
    def _parts_agree(self) -> LeagueConfig:
        names = [learner.name for learner in self.learners]
        if len(set(names)) != len(names):
            raise ValueError(f"learners must have distinct names, found {', '.join(names)}")
        if self.learner.seats_per_match > self.rules.n_seats:
            raise ValueError(
                f"learner.seats_per_match ({self.learner.seats_per_match}) must not exceed "
                f"rules.n_seats ({self.rules.n_seats})"
            )
        return self

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, None where a setting is off; `from_json` reads them back."""
        return self.model_dump(mode="json")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> LeagueConfig:
        """Rebuild from `to_json`, of this version or an older one."""
        return cls.model_validate(with_present_names(values, "the stored settings"))


CLASSIC: dict[str, Any] = {
    "preset": "classic",
    "rules": {"max_ticks": 6_000, "ticks_per_decision": 10},
    "maps": {
        "train": [
            "generated:continents:1024x1024:0-31",
            "generated:highlands:1024x1024:0-15",
            "generated:lakes:1024x1024:0-15",
        ],
        "rate": [
            "generated:continents:1024x1024:1000-1007",
            "generated:highlands:1024x1024:1000-1003",
            "generated:lakes:1024x1024:1000-1003",
        ],
    },
    "views": {"global_size": 128, "local_size": 128, "tactical_size": 64},
    "network": {"preset": "classic"},
    # An observation takes 0.37 MB: the numbers below keep 2,048 of them in memory, and a
    # snapshot's worth of learning comes from longer matches.
    "learner": {
        "n_matches": 4,
        "n_steps": 2_048,
        "batch_size": 256,
        "gamma": 0.998,
        "gae_lambda": 0.95,
        "wait_bias": 5.0,
        "snapshot_every": 100_000,
    },
    # A match takes minutes: results of more would come too late.
    "arena": {"matches_per_worker": 4},
}


def preset_values(name: str) -> dict[str, Any]:
    """What a preset sets besides the defaults, which are those of `small`; a nested dictionary."""
    return dict(CLASSIC) if name == "classic" else {"preset": "small"}
