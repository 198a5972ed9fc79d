"""What a seat sees: the sizes of the three views, the channels, scalars and neighbours, by name.

`global` is the whole map in square cells, `local` a pooled window around the middle of the seat's
fronts, `tactical` a window at full resolution on its hottest front. Windows do not shift when they
reach the map's edge: the area outside is marked off-map. All channels are uint8, 0..255 for 0..1; a
cell of several tiles holds the mean over its area, so that small territories do not vanish.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Final, TypedDict

from arena.errors import MatchError
from arena.territory.engine.rules import EDITIONS, Edition
from arena.territory.observation.views_2026 import (
    CHANNELS_2026,
    N_LANDING,
    N_NEIGHBOUR_2026,
    N_OWN_2026,
    NEIGHBOUR_FACTS_2026,
    OWN_SCALARS_2026,
)

OBSERVATION_VERSION: Final = EDITIONS["2025"].observation_versions[-1]
"""Of new leagues of edition 2025; a league keeps the version that it was started with.

Version 1 has the views and the scalars; version 2 adds the neighbours and changes nothing else.
Version 3 is that of edition 2026: it adds what views_2026.py names, and more actions.
"""
OBSERVATION_VERSIONS: Final = tuple(
    version for edition in EDITIONS.values() for version in edition.observation_versions
)
"""What this program can show; a network of an older version of the same edition reads a part."""
ACTION_VERSION: Final = EDITIONS["2025"].action_version
ACTION_VERSIONS: Final = tuple(edition.action_version for edition in EDITIONS.values())

RECENT_TICKS: Final = 100
"""Gains and losses fade to nothing over this time (ten decisions)."""

CHANNELS: Final[tuple[tuple[str, str], ...]] = (
    ("own", "share of the cell's area that is my land"),
    ("rival", "share that is land of living rivals"),
    ("neutral", "share that is unowned land"),
    ("barrier", "water counts 1/2, off-map 1"),
    ("terrain", "cost of land: plains 1/3, highland 2/3, mountain 1; water and off-map 0"),
    ("strength", "home troops of the land's owner q against mine: T_q / (T_q + T_me); rivals only"),
    ("size", "sqrt of the owner's share of playable land, mine included"),
    ("outgoing", "my attack A on the land's owner (neutral too): A / (A + T_me)"),
    ("incoming", "the owner's attack B on me: B / (B + T_me)"),
    ("front", "my border tiles that touch land of others; pooled: tiles over the cell's side"),
    ("gained", "land I won in the last 100 ticks, newest brightest"),
    ("lost", "land I lost in the last 100 ticks, newest brightest"),
)
CHANNEL_NAMES: Final = tuple(name for name, _ in CHANNELS)
N_CHANNELS: Final = len(CHANNELS)

OWN_SCALARS: Final[tuple[tuple[str, str], ...]] = (
    ("time", "tick / max_ticks"),
    ("immunity", "share of the 49 ticks of immunity that is left"),
    ("land", "my share of playable land"),
    ("log_tiles", "log(1 + my tiles) / log(1 + land tiles)"),
    ("fullness", "home troops / cap, at most 2"),
    ("log_troops", "log10(1 + home troops) / 7"),
    ("growth", "growth of the next tick in hundredths of the cap, at least -1"),
    ("out", "troops in my attacks / (those + home troops)"),
    ("in", "troops attacking me / (those + home troops)"),
    ("neutral_left", "unowned share of all land"),
    ("alive", "living seats / seats"),
    ("rank", "living seats with more tiles / (seats - 1)"),
    ("leader", "playable land share of the largest rival"),
    ("might", "my home troops / home troops of all"),
    ("neighbours", "rivals with a common border / (seats - 1)"),
    ("open_border", "share of my land contacts that is neutral"),
)
DIRECTION_SCALARS: Final[tuple[tuple[str, str], ...]] = (
    ("contact", "log2(1 + contact with the target) / 10"),
    ("is_neutral", "1 when the target is unowned land"),
    ("is_rival", "1 when it is a player"),
    ("is_legal", "1 when the direction may be chosen"),
    ("strength", "T_q / (T_q + T_me), home troops"),
    ("land", "its tiles / (its + mine)"),
    ("density", "its troops per tile / (its + mine)"),
    ("incoming", "its attack B on me: B / (B + T_me)"),
    ("outgoing", "my attack A on it: A / (A + T_me)"),
    ("purity", "the target's share of all contacts in this direction"),
    ("others", "attacks of others on it / (those + its home troops)"),
)
N_SCALARS: Final = len(OWN_SCALARS) + 8 * len(DIRECTION_SCALARS)

N_NEIGHBOUR_MEMBERSHIP: Final = 8
"""Columns in front of a neighbour's facts: 1 for each direction, N .. NW, whose target it is."""

NEIGHBOUR_FACTS: Final[tuple[tuple[str, str], ...]] = (
    ("used", "1 when the row holds a neighbour"),
    ("is_neutral", "1 when it is unowned land"),
    ("is_rival", "1 when it is a player"),
    ("is_legal", "1 when it may be attacked"),
    ("contact", "log2(1 + contact in all its directions) / 10"),
    ("strength", "T_q / (T_q + T_me), home troops"),
    ("land", "its tiles / (its + mine)"),
    ("density", "its troops per tile / (its + mine)"),
    ("incoming", "its attack B on me: B / (B + T_me)"),
    ("outgoing", "my attack A on it: A / (A + T_me)"),
    ("others", "attacks of others on it / (those + its home troops)"),
    ("fullness", "its home troops / its cap, at most 2"),
    ("out_on_land", "its attack on unowned land / (that + its home troops)"),
    ("out_on_others", "its attacks on players other than me / (those + its home troops)"),
    ("growth_100", "its tiles / (those + its tiles 100 ticks ago): 1/2 when unchanged"),
    ("growth_400", "the same with 400 ticks"),
    ("gain_100", "its home troops / (those + its home troops 100 ticks ago)"),
    ("mean_fullness", "mean of its home troops / cap since the start, at most 2"),
    ("neighbour_time", "ticks / 400 for which we have been neighbours, at most 1"),
    ("pause", "mean ticks / 100 between its attacks, at most 1; 1 until there were two"),
    ("strikes", "its attacks on players since the immunity: n / (n + hundreds of ticks)"),
    ("strikes_on_me", "share of those that were aimed at me"),
    ("attacks_on_me", "their number n: n / (n + 2)"),
    ("force_on_me", "their size f, the sum of B / (B + T_me) of each then: f / (f + 1)"),
    ("latest_on_me", "freshness of the latest: 1 - ticks since / 400, at least 0"),
    ("strike_size", "mean share of its home troops that an attack on a player took"),
    ("strike_fullness", "mean of its home troops / cap when it attacked a player, at most 2"),
    ("strike_strength", "mean of T_t / (T_t + T_q), target t's home troops against its own then"),
    ("strike_answers", "share of those attacks whose target was attacking it"),
    ("strike_pressed", "mean of others' attacks on the target / (those + T_t) then"),
    ("spreads", "its attacks on unowned land: n / (n + hundreds of ticks)"),
    ("spread_size", "mean share of its home troops that such an attack took"),
    ("spread_varies", "twice the standard deviation of that share"),
    ("spread_fullness", "mean of its home troops / cap when it attacked unowned land, at most 2"),
)
N_NEIGHBOUR: Final = N_NEIGHBOUR_MEMBERSHIP + len(NEIGHBOUR_FACTS)


def edition_of(observation_version: int) -> Edition:
    """Return the edition whose matches show an observation of this version.

    Raises:
        MatchError: there is none.
    """
    for edition in EDITIONS.values():
        if observation_version in edition.observation_versions:
            return edition
    raise MatchError(
        f"observation_version: expected one of {OBSERVATION_VERSIONS}, found "
        f"{observation_version}; a newer program may know it"
    )


def scalar_names(observation_version: int = OBSERVATION_VERSION) -> list[str]:
    """Return the names of the scalars: own facts, eleven per direction N .. NW, those of 2026."""
    names = [name for name, _ in OWN_SCALARS]
    for direction in ("N", "NE", "E", "SE", "S", "SW", "W", "NW"):
        names += [f"{direction}.{name}" for name, _ in DIRECTION_SCALARS]
    if observation_version >= 3:
        names += [name for name, _ in OWN_SCALARS_2026]
    return names


def neighbour_names(observation_version: int = OBSERVATION_VERSION) -> list[str]:
    """Return the names of a neighbour's facts, in order."""
    later = NEIGHBOUR_FACTS_2026 if observation_version >= 3 else ()
    return [name for name, _ in (*NEIGHBOUR_FACTS, *later)]


def channel_names(observation_version: int = OBSERVATION_VERSION) -> tuple[str, ...]:
    """Return the names of a view's channels, in order."""
    later = CHANNELS_2026 if observation_version >= 3 else ()
    return (*CHANNEL_NAMES, *(name for name, _ in later))


class Versions(TypedDict):
    """The keys of a snapshot's description that say for which matches it is."""

    observation_version: int
    action_version: int
    n_actions: int


@dataclass(frozen=True)
class Views:
    """Sizes of the three views, in cells; multiples of 16 so that the networks can halve them.

    Attributes:
        global_size: cells per side of the whole-map view; a cell is ceil(side / size) tiles.
        local_size: cells per side of the local view, each 2 x 2 tiles.
        tactical_size: tiles per side of the tactical view.
        observation_version: one of OBSERVATION_VERSIONS: what is shown besides the views.
    """

    global_size: int = 32
    local_size: int = 32
    tactical_size: int = 16
    observation_version: int = OBSERVATION_VERSION

    def __post_init__(self) -> None:
        edition_of(self.observation_version)
        for name, size in self.sizes().items():
            if size < 16 or size % 16 or size > 512:
                raise MatchError(f"{name}: expected a multiple of 16 from 16 to 512, found {size}")

    def sizes(self) -> dict[str, int]:
        """Return the cells per side of the three views, by attribute."""
        sizes = asdict(self)
        del sizes["observation_version"]
        return sizes

    def shows(self, other: Views) -> bool:
        """Return whether whoever reads `other` can read these: equal views, no older version."""
        newer = self.observation_version >= other.observation_version
        return newer and self.sizes() == other.sizes() and self.edition is other.edition

    @property
    def edition(self) -> Edition:
        """The edition of the matches that show these."""
        return edition_of(self.observation_version)

    @property
    def n_actions(self) -> int:
        """What whoever sees these chooses from."""
        return self.edition.n_actions

    @property
    def action_version(self) -> int:
        """The version of those actions."""
        return self.edition.action_version

    @property
    def versions(self) -> Versions:
        """What a snapshot that was trained on these says of them."""
        return {
            "observation_version": self.observation_version,
            "action_version": self.action_version,
            "n_actions": self.n_actions,
        }

    def of_edition(self, name: str) -> Views:
        """Return these views as matches of an edition show them: its rules say which version.

        Views of another edition become the newest version of this one.
        """
        versions = EDITIONS[name].observation_versions
        if self.observation_version in versions:
            return self
        return replace(self, observation_version=versions[-1])

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of one seat's observation by key (without the mask)."""
        is_2026 = self.observation_version >= 3
        channels = N_CHANNELS + len(CHANNELS_2026) if is_2026 else N_CHANNELS
        shapes: dict[str, tuple[int, ...]] = {
            "global": (channels, self.global_size, self.global_size),
            "local": (channels, self.local_size, self.local_size),
            "tactical": (channels, self.tactical_size, self.tactical_size),
            "scalars": (N_SCALARS + N_OWN_2026 if is_2026 else N_SCALARS,),
        }
        if self.observation_version >= 2:
            shapes["neighbours"] = (8, N_NEIGHBOUR + N_NEIGHBOUR_2026 if is_2026 else N_NEIGHBOUR)
        if is_2026:
            shapes["landings"] = (8, N_LANDING)
        return shapes

    def to_json(self) -> dict[str, int]:
        """Return a dict of numbers; version 1 is not named, as when there was no other."""
        return asdict(self) if self.observation_version > 1 else self.sizes()

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Views:
        """Rebuild from `to_json`, also of a program that knew version 1 alone."""
        versioned = {"observation_version": 1} | values
        return cls(**{key: int(value) for key, value in versioned.items()})


SMALL_VIEWS: Final = Views(32, 32, 16)
CLASSIC_VIEWS: Final = Views(128, 128, 64)
