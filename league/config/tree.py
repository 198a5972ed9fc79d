"""Owns the settings of a league: one frozen tree, with a sentence per field.

Promises: the values of a `LeagueConfig` are in range and do not contradict each other; unknown keys
are refused. `league.toml` shows each field's sentence beside its key. `league.config.layers` reads
the tree from presets, file and command line; nothing here touches a file.

In TOML, `"off"` stands for None: the setting is turned off or left to the program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

import agents.scripted
from agents.errors import AgentError
from agents.in_tick import check_edition
from agents.scripted import SCRIPTED_NAMES
from arena.territory.engine.rules import EDITIONS
from arena.territory.engine.terms import DIFFICULTIES
from arena.territory.observation.views import OBSERVATION_VERSION, OBSERVATION_VERSIONS, Views
from league.config.game import MapsConfig, RulesConfig
from league.config.kinds import Integers, Off, Positive, Section, Share, Strings
from league.config.old_names import with_old_defaults
from league.config.playing import ArenaConfig, RayConfig
from league.config.store import StoreConfig
from league.config.training import LearnerConfig, LineageConfig
from msattn.config import TorsoConfig
from msattn.errors import NetworkError

if TYPE_CHECKING:
    from collections.abc import Mapping

PRESETS = ("small", "classic", "real")
SCRIPTED = tuple(agents.scripted.SCRIPTED)
ANCHORS = ("idle", "random", "tribe", "expander", "turtle", "opportunist", "strategist")
NATIONS = tuple(f"nation-{each}" for each in DIFFICULTIES)  # on their own terms, weakest first
HELD_OUT = ("strategist-eager", "strategist-patient")  # of new leagues; older ones hold out nobody
SCALE_ANCHOR = "tribe"  # reported ratings place this member at 25
# Results are comparable and weights usable only under the same rules, maps, views and networks, and
# ratings only by one engine.
FROZEN = ("preset", "rules", "maps", "views", "network", "rating.engine")
ViewSize = Annotated[int, Field(ge=16, le=512, multiple_of=16)]


class ViewsConfig(Section):
    """Sizes of the three views that a policy sees, multiples of 16, and what it sees besides."""

    global_size: ViewSize = Field(
        default=32,
        description="Cells per side of the view of the whole map; more are finer and slower.",
    )
    local_size: ViewSize = Field(
        default=32,
        description="Cells of 2 x 2 tiles per side of the view around the seat's fronts.",
    )
    tactical_size: ViewSize = Field(
        default=16, description="Tiles per side of the full-resolution view of the hottest front."
    )
    observation_version: Annotated[
        int, Field(ge=OBSERVATION_VERSIONS[0], le=OBSERVATION_VERSIONS[-1])
    ] = Field(
        default=OBSERVATION_VERSION,
        description="What is seen besides the views: 1, the scalars; 2, also the neighbours with "
        "what they did so far; 3, that of edition 2026, which has no other (docs/observation.md).",
    )

    def to_views(self) -> Views:
        """Return the settings in the arena's form."""
        return Views(**self.model_dump())


class NetworkConfig(Section):
    """Widths of the networks of both families; None takes the number of the network's preset."""

    preset: Literal["small", "classic"] = Field(
        default="small",
        description="Widths to start from: small (0.3 M parameters) or classic (1.3 M).",
    )
    norm: Literal["group", "batch"] = Field(
        default="group",
        description="Normalisation: group, or batch, which differs between playing and updating.",
    )
    channels: Annotated[Integers | None, Off] = Field(
        default=None, description="Channels of each convolution of a branch, multiples of 8."
    )
    branch_features: Annotated[int | None, Off] = Field(
        default=None, description="Features per view."
    )
    scalar_features: Annotated[int | None, Off] = Field(
        default=None, description="Features computed from the scalars."
    )
    heads: Annotated[int | None, Off] = Field(
        default=None, description="Heads of the fusion's attention; must divide fusion."
    )
    fusion: Annotated[int | None, Off] = Field(
        default=None, description="Width of the fusion's attention (attention family only)."
    )
    output: Annotated[int | None, Off] = Field(
        default=None, description="Width of the features that the policy and value heads read."
    )
    grid: Annotated[int | None, Off] = Field(
        default=None,
        description="A branch's last feature map is pooled to at most grid x grid cells.",
    )
    views: Literal["preset", "gated", "on", "off"] = Field(
        default="preset",
        description="How the three views are read: gated (from nothing on, as far as they turn out "
        "to help), on, or off (not at all: a small network, much faster); preset is off for small "
        "and gated for classic, and on in leagues whose observation has no neighbours.",
    )
    token_features: Annotated[int | None, Off] = Field(
        default=None, description="Width of what a network knows of each neighbour."
    )
    token_heads: Annotated[int | None, Off] = Field(
        default=None,
        description="Heads of the neighbours' attention (attention family only); must divide "
        "token_features.",
    )

    @model_validator(mode="after")
    def _can_be_built(self) -> NetworkConfig:
        try:
            self.to_torso()
        except NetworkError as error:
            raise ValueError(str(error)) from error
        return self

    def to_torso(self, observation: Mapping[str, Any] | None = None) -> TorsoConfig:
        """Return the widths in the form of msattn.

        Args:
            observation: the observation's shapes by key; None is one without neighbours.
        """
        views = None if self.views == "preset" else self.views
        values = TorsoConfig.preset(self.preset, observation, views=views).to_dict()
        given = self.model_dump(exclude={"preset", "views"}, exclude_none=True)
        return TorsoConfig.from_dict({**values, **given})


class RatingConfig(Section):
    """How members are rated and scheduled."""

    engine: Literal["compiled", "trueskill"] = Field(
        default="compiled",
        description="What computes TrueSkill: compiled, our own code, or trueskill, the package, "
        "which is 100 times slower; frozen, and changed by `league rerate --engine` alone.",
    )
    sigma_allowance: float = Field(
        default=25.0 / 6.0,
        ge=0.0,
        le=25.0 / 3.0,
        description="Uncertainty added to the parent's when a snapshot joins, in rating points.",
    )
    floor_share: Share = Field(
        default=0.5,
        description="Members with fewer of the latest matches than this share of the mean play "
        "first.",
    )
    canary_share: Annotated[Share | None, Off] = Field(
        default=0.05,
        description="Share of the arena's matches that watch over the league and try challengers "
        "of the champion; they change no rating; off plays none.",
    )
    anchors: Strings = Field(
        default=ANCHORS,
        min_length=1,
        description="Scripted members that the league always has, as a fixed standard.",
    )
    held_out: Strings = Field(
        default=(),
        description="Members that are rated and that no learner ever trains against: the test of "
        "what carries over to the unknown. Scripted ones join by themselves.",
    )
    slow_member_share: Annotated[Share | None, Off] = Field(
        default=0.2,
        description="Share of the workers' time that members which think for long (planner: and "
        "slow plug-ins) may take in rated matches; they play less often then; off sets no limit.",
    )
    ladder: Strings = Field(
        default=(),
        description="Scripted members of rising strength: each joins as an anchor when the best "
        "trained member is rated above the one before, by an interval.",
    )

    @model_validator(mode="after")
    def _anchors_are_known(self) -> RatingConfig:
        names = ", ".join(SCRIPTED_NAMES)
        unknown = [name for name in self.anchors if name not in SCRIPTED_NAMES]
        if unknown or len(set(self.anchors)) != len(self.anchors):
            raise ValueError(
                f"anchors must be distinct names out of {names}, "
                f"found {', '.join(unknown or self.anchors)}"
            )
        wrong = [
            name for name in self.ladder if name not in SCRIPTED_NAMES or name in self.held_out
        ]
        if wrong or len(set(self.ladder)) != len(self.ladder):
            raise ValueError(
                f"ladder must be distinct names out of {names} that are not held out, "
                f"found {', '.join(wrong or self.ladder)}"
            )
        if self.ladder and self.ladder[0] not in self.anchors:
            raise ValueError(
                f"ladder must begin with an anchor, which is to be passed first, found "
                f"{self.ladder[0]}"
            )
        if SCALE_ANCHOR not in self.anchors:
            raise ValueError(f"anchors must include {SCALE_ANCHOR}, which fixes the scale")
        both = sorted(set(self.anchors) & set(self.held_out))
        if both:
            raise ValueError(
                f"held_out and anchors must not share members, found {', '.join(both)} in both: "
                "learners train against anchors"
            )
        return self

    @property
    def scripted_members(self) -> tuple[str, ...]:
        """The scripted members that a league has from its first start on."""
        return (*self.anchors, *(name for name in self.held_out if name in SCRIPTED_NAMES))


class DatabaseConfig(Section):
    """Where members, matches and ratings are stored."""

    url: Annotated[str | None, Off] = Field(
        default=None,
        description="postgresql://... of a server; off uses the SQLite file league.db.",
    )
    patience_s: Positive = Field(
        default=600.0,
        description="Seconds that a running league waits for a locked or unreachable database, or "
        "for other trouble of the machine to pass, before it stops; a full disk has no limit.",
    )


class KeepConfig(Section):
    """How much disk replays and snapshots may take; what is never pruned may take more."""

    replays: Annotated[Annotated[int, Field(ge=1)] | None, Off] = Field(
        default=None,
        description="MB (10^6 bytes) of replays; above, the oldest are removed, but never those "
        "of the latest 1,000 matches or of a match that an event names; off keeps all.",
    )
    snapshots: Annotated[Annotated[int, Field(ge=1)] | None, Off] = Field(
        default=None,
        description="MB (10^6 bytes) of snapshots; above, those of members that do not play are "
        "removed, then of the weakest, which retire (README, Disk budget); off keeps all.",
    )


class LeagueConfig(Section):
    """All settings of a league."""

    preset: Literal["small", "classic", "real"] = Field(
        default="small", description="Preset that this league was created with."
    )
    seed: int = Field(
        default=0,
        ge=0,
        le=2**63 - 1,
        description="Seed of everything that the league draws at random.",
    )
    rules: RulesConfig = Field(default_factory=RulesConfig, description="Rules; frozen.")
    maps: MapsConfig = Field(default_factory=MapsConfig, description="Maps; frozen.")
    views: ViewsConfig = Field(default_factory=ViewsConfig, description="Views; frozen.")
    network: NetworkConfig = Field(default_factory=NetworkConfig, description="Networks; frozen.")
    learner: LearnerConfig = Field(default_factory=LearnerConfig, description="Training.")
    learners: Annotated[tuple[LineageConfig, ...], Field(strict=False)] = Field(
        default=(
            LineageConfig(name="attention", family="attention"),
            LineageConfig(name="baseline", family="baseline"),
        ),
        description="The lineages to train; with an empty list the league only plays matches.",
    )
    arena: ArenaConfig = Field(default_factory=ArenaConfig, description="Processes.")
    rating: RatingConfig = Field(default_factory=RatingConfig, description="Ratings.")
    database: DatabaseConfig = Field(default_factory=DatabaseConfig, description="Database.")
    keep: KeepConfig = Field(default_factory=KeepConfig, description="Disk budget.")
    ray: RayConfig = Field(default_factory=RayConfig, description="Ray cluster.")
    store: StoreConfig = Field(default_factory=StoreConfig, description="Store.")

    @property
    def torso(self) -> TorsoConfig:
        """The widths of this league's networks, for the observation that its views are of."""
        return self.network.to_torso(self.views.to_views().shapes())

    @model_validator(mode="before")
    @classmethod
    def _show_what_the_edition_shows(cls, values: Any) -> Any:
        """Where no version of the observation is named, take the newest of the edition."""
        rules, views = (values.get(key, {}) for key in ("rules", "views"))
        if not isinstance(rules, dict) or not isinstance(views, dict):
            return values
        edition = EDITIONS.get(str(rules.get("edition", "2025")))
        if edition is None or "observation_version" in views:
            return values
        newest = edition.observation_versions[-1]
        return {**values, "views": {**views, "observation_version": newest}}

    @model_validator(mode="after")
    def _parts_agree(self) -> LeagueConfig:
        shown, edition = self.views.observation_version, EDITIONS[self.rules.edition]
        if shown not in edition.observation_versions:
            raise ValueError(
                f"views.observation_version must be one of {edition.observation_versions} with "
                f"rules.edition {edition.name}, found {shown}; leave it out: the edition says what "
                "is seen"
            )
        names = [learner.name for learner in self.learners]
        if len(set(names)) != len(names):
            raise ValueError(f"learners must have distinct names, found {', '.join(names)}")
        if self.learner.seats_per_match > self.rules.n_seats:
            raise ValueError(
                f"learner.seats_per_match ({self.learner.seats_per_match}) must not exceed "
                f"rules.n_seats ({self.rules.n_seats})"
            )
        for name in (*self.rating.scripted_members, *self.rating.ladder):
            try:
                check_edition(f"scripted:{name}", self.rules.edition)
            except AgentError as error:
                raise ValueError(str(error)) from error
        joins = self.arena.engine == "ray" and self.ray.address is not None
        if joins and self.arena.n_workers is None:
            raise ValueError(
                "arena.n_workers must be set where ray.address names a cluster: how many of its "
                "CPUs may play, found off"
            )
        if self.learner.n_ranks > 1 and self.network.norm == "batch":
            raise ValueError(
                f"learner.n_ranks ({self.learner.n_ranks}) must be 1 where network.norm is batch: "
                "each rank would normalise by its own rows; a network with group norm has no such "
                "limit"
            )
        return self

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, None where a setting is off; `from_json` reads them back."""
        return self.model_dump(mode="json")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> LeagueConfig:
        """Rebuild settings from the values of `to_json`, of this version or an older one."""
        return cls.model_validate(with_old_defaults(values, "the stored settings"))
