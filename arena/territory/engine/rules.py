"""Every constant of the game, with unit and source, and the rules of one match.

The numbers are facts about OpenFront.io's land game (its public TypeScript engine), checked against
curves recorded from that engine (`league parity`). There are two editions, November 2025 and July
2026; `Edition` has the constants in which they differ. Time is in ticks of 0.1 s; troops and tiles
are counts.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from arena.errors import MatchError
from arena.territory.engine.terms import DIFFICULTIES as DIFFICULTIES
from arena.territory.engine.terms import check_terms, crowd_terms, crowd_text, parse_crowd

RULES_VERSION: Final = 1
"""Changes whenever a recorded match could end differently."""

# --- seats and owners -----------------------------------------------------------------------------
MAX_SEATS: Final = 250
"""Players of a match, its crowd included: owners are bytes, of which 253 to 255 are taken."""
NEUTRAL: Final = 0  # owner id of unowned land; players are 1..n in spawn order
WATER: Final = 255
OFF_MAP: Final = 254

HUMAN, BOT, NATION = 0, 1, 2
KINDS: Final = ("human", "bot", "nation")

START_TROOPS: Final = {"human": 25_000, "bot": 10_000}
BOT_CAP_DIVISOR: Final = 3.0
CITY_CAP: Final = 250_000.0  # a finished city's level adds this to the cap, before factors


@dataclass(frozen=True)
class Edition:
    """The constants in which the editions of the game differ; nations' are by difficulty.

    Attributes:
        number: what compiled code tells the editions by, State.clock[EDITION].
        nation_start: home troops of a nation when the match begins.
        nation_cap: factor on the cap of its home troops.
        nation_growth: factor on its growth; `bot_growth` is that of bots.
        immunity_ticks: orders before this tick are refused on those who are immune.
        wins_by_all_land: whether a winner's share is of all land, not of the largest land mass.
        has_impassable_land: whether land of magnitude 31 belongs to nobody ever.
        n_actions: what a seat chooses from at a decision (actions.py).
        action_version: version of those actions, as snapshots name it.
        observation_versions: what a seat may be shown (observation/views.py), the newest last.
        version: changes whenever a recorded match of this edition could end differently; 2025 has
            RULES_VERSION alone.
    """

    name: str
    number: int
    nation_start: dict[str, int]
    nation_cap: dict[str, float]
    nation_growth: dict[str, float]
    bot_growth: float
    immunity_ticks: int
    wins_by_all_land: bool
    has_impassable_land: bool
    n_actions: int
    action_version: int
    observation_versions: tuple[int, ...]
    version: int = 1


def _by_difficulty(*values: Any) -> dict[str, Any]:
    return dict(zip(DIFFICULTIES, values, strict=True))


EDITIONS: Final = {
    "2025": Edition(
        name="2025",
        number=0,
        nation_start=_by_difficulty(2_500, 5_000, 20_000, 50_000),
        nation_cap=_by_difficulty(0.5, 1.0, 1.5, 2.0),
        nation_growth=_by_difficulty(0.9, 1.0, 1.1, 1.2),
        bot_growth=0.6,
        immunity_ticks=49,
        wins_by_all_land=False,
        has_impassable_land=False,
        n_actions=45,
        action_version=1,
        observation_versions=(1, 2),
    ),
    "2026": Edition(
        name="2026",
        number=1,
        nation_start=_by_difficulty(12_500, 18_750, 25_000, 31_250),
        nation_cap=_by_difficulty(0.5, 0.75, 1.0, 1.25),
        nation_growth=_by_difficulty(0.9, 0.95, 1.0, 1.05),
        bot_growth=0.5,
        immunity_ticks=50,
        wins_by_all_land=True,
        has_impassable_land=True,
        n_actions=71,
        action_version=2,
        observation_versions=(3,),
        version=2,
    ),
}

# --- terrain --------------------------------------------------------------------------------------
PLAINS, HIGHLAND, MOUNTAIN = 0, 1, 2
HIGHLAND_FROM: Final = 10  # magnitude
MOUNTAIN_FROM: Final = 20

# --- clocks ---------------------------------------------------------------------------------------
IMMUNITY_TICKS: Final = 49  # of edition 2025; the observation's scalar counts by it
RETREAT_TICKS: Final = 21  # from the order to the return of the troops
RETREAT_LOSS: Final = 0.25  # share of the troops lost on retreat from a player
CLUSTER_PERIOD: Final = 20  # ticks between two enclave checks of a player
WIN_CHECK_PERIOD: Final = 10
WIN_SHARE: Final = 0.8  # of playable land, strictly more
SMALL_PLAYER_TILES: Final = 100  # below this a player who is attacked falls apart
SMALL_PLAYER_PASSES: Final = 10
ENEMY_MEMORY_TICKS: Final = 100  # a bot forgets its enemy after this
BOAT_REACH: Final = 50  # tiles from where a boat is sent to its landing, edition 2026
BOAT_SHARE: Final = 5  # a boat of the actions takes the home troops divided by this
REFERENCE_TICK_OFFSET: Final = 101  # the original's tick t is our t - 101; bots keep its timing

# --- edition 2026: gold and structures ------------------------------------------------------------
GOLD_PER_TICK: Final = 100  # a bot gets half of it
CONQUERED_SHARE: Final = 2  # a human's conqueror gets one part in so many of its gold, rounded down
TRAITOR_TICKS: Final = 300
# kinds of structures, numbered from 1; the tables below are by kind, 0 is none
STRUCTURES: Final = ("city", "defense_post", "port", "factory", "silo", "sam")
CITY, DEFENSE_POST, PORT, FACTORY, SILO, SAM = 1, 2, 3, 4, 5, 6
FIRST_PRICE: Final = (0, 125_000, 50_000, 125_000, 125_000, 1_000_000, 1_500_000)  # by kind
PRICE_LIMIT: Final = (0, 1_000_000, 250_000, 1_000_000, 1_000_000, 1_000_000, 3_000_000)
BUILDING_TICKS: Final = (0, 20, 50, 50, 20, 100, 300)
STRUCTURE_SPACING: Final = 15  # tiles (Euclid) between any two structures, and how far one is moved
PORT_REACH: Final = 20  # tiles (Manhattan) from the place asked for to a port's shore tile
POST_RADIUS: Final = 30  # tiles (Euclid) around a defence post that it covers
DELETION_TICKS: Final = 300  # from the mark to the end of a structure, and between two marks

# --- spawn ----------------------------------------------------------------------------------------
SPAWN_RADIUS_SQUARED: Final = 16.0  # of (x - sx + 0.5, y - sy + 0.5): 52 tiles on open land
FULL_DISC_TILES: Final = 52

# --- actions --------------------------------------------------------------------------------------
N_DIRECTIONS: Final = 8  # N NE E SE S SW W NW
INTENSITIES: Final = (0.15, 0.30, 0.45, 0.60, 0.75)  # of home troops
N_INTENSITIES: Final = 5
WAIT_DIRECTION: Final = 8
N_ACTIONS: Final = 45  # of edition 2025; `Edition.n_actions` has each edition's


@dataclass(frozen=True)
class MatchRules:
    """What a league may choose about its matches; everything else is a constant above.

    Attributes:
        max_ticks: length limit, ticks (placements count as at any other end).
        ticks_per_decision: ticks between two decisions of every seat.
        n_seats: number of seats, 2..250.
        edition: "2025" or "2026", see EDITIONS.
        crowd: players beyond the seats, whom the engine plays and nobody rates (terms.py), such as
            "tribes=100,nations-medium=29"; "" is none.
    """

    max_ticks: int = 1_500
    ticks_per_decision: int = 10
    n_seats: int = 10
    edition: str = "2025"
    crowd: str = ""

    def __post_init__(self) -> None:
        if self.edition not in EDITIONS:
            raise MatchError(f"expected an edition of {', '.join(EDITIONS)}, found {self.edition}")
        if not 2 <= self.n_seats <= MAX_SEATS:
            raise MatchError(f"expected 2 to {MAX_SEATS} seats, found {self.n_seats}")
        object.__setattr__(self, "crowd", crowd_text(parse_crowd(self.crowd)))
        if self.n_players > MAX_SEATS:
            raise MatchError(
                f"expected at most {MAX_SEATS} players, found {self.n_seats} seats and a crowd of "
                f"{len(self.crowd_terms)}"
            )
        for terms in set(self.crowd_terms):
            check_terms(terms, self.edition)
        if self.max_ticks < 1 or self.ticks_per_decision < 1:
            raise MatchError(
                f"expected max_ticks and ticks_per_decision of at least 1, found {self.max_ticks} "
                f"and {self.ticks_per_decision}"
            )

    @property
    def crowd_terms(self) -> tuple[str, ...]:
        """The terms of each player of the crowd."""
        return crowd_terms(self.crowd)

    @property
    def n_players(self) -> int:
        """The seats and the crowd."""
        return self.n_seats + len(self.crowd_terms)

    @property
    def n_actions(self) -> int:
        """What a seat chooses from at a decision."""
        return EDITIONS[self.edition].n_actions

    def sha256(self) -> str:
        """Return the identity of the rules, from version and settings; ratings never mix rules."""
        values = {"version": RULES_VERSION, **self.to_json()}
        if self.edition != "2025":
            values["edition_version"] = EDITIONS[self.edition].version
        text = json.dumps(values, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return the fields; edition 2025 and an empty crowd are not named, as before they were."""
        values = asdict(self)
        if self.edition == "2025":
            del values["edition"]
        if not self.crowd:
            del values["crowd"]
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> MatchRules:
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise MatchError(f"unknown rules of a match: {', '.join(sorted(unknown))}")
        numbers = {k: int(v) for k, v in values.items() if k not in ("edition", "crowd")}
        edition, crowd = str(values.get("edition", "2025")), str(values.get("crowd", ""))
        return cls(**numbers, edition=edition, crowd=crowd)
