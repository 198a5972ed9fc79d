"""Every constant of the game, with unit and source, and the rules of one match.

The numbers are facts about OpenFront.io's land game (its public TypeScript engine, November 2025),
checked against curves recorded from that engine (`league parity`). Time is in ticks of 0.1 s;
troops and tiles are counts.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from arena.errors import MatchError

RULES_VERSION: Final = 1
"""Changes whenever a recorded match could end differently."""

# --- seats and owners -----------------------------------------------------------------------------
MAX_SEATS: Final = 64
NEUTRAL: Final = 0  # owner id of unowned land; players are 1..n in spawn order
WATER: Final = 255
OFF_MAP: Final = 254

HUMAN, BOT, NATION = 0, 1, 2
KINDS: Final = ("human", "bot", "nation")

START_TROOPS: Final = {"human": 25_000, "bot": 10_000}
NATION_START_TROOPS: Final = {"easy": 2_500, "medium": 5_000, "hard": 20_000, "impossible": 50_000}
NATION_CAP_FACTOR: Final = {"easy": 0.5, "medium": 1.0, "hard": 1.5, "impossible": 2.0}
NATION_GROWTH_FACTOR: Final = {"easy": 0.9, "medium": 1.0, "hard": 1.1, "impossible": 1.2}
BOT_CAP_DIVISOR: Final = 3.0
BOT_GROWTH_FACTOR: Final = 0.6

# --- terrain --------------------------------------------------------------------------------------
PLAINS, HIGHLAND, MOUNTAIN = 0, 1, 2
HIGHLAND_FROM: Final = 10  # magnitude
MOUNTAIN_FROM: Final = 20

# --- clocks ---------------------------------------------------------------------------------------
IMMUNITY_TICKS: Final = 49  # attacks on players initialised before this tick are refused
RETREAT_TICKS: Final = 21  # from the order to the return of the troops
RETREAT_LOSS: Final = 0.25  # share of the troops lost on retreat from a player
CLUSTER_PERIOD: Final = 20  # ticks between two enclave checks of a player
WIN_CHECK_PERIOD: Final = 10
WIN_SHARE: Final = 0.8  # of playable land, strictly more
SMALL_PLAYER_TILES: Final = 100  # below this a player who is attacked falls apart
SMALL_PLAYER_PASSES: Final = 10
ENEMY_MEMORY_TICKS: Final = 100  # a bot forgets its enemy after this
REFERENCE_TICK_OFFSET: Final = 101  # the original's tick t is our t - 101; bots keep its timing

# --- spawn ----------------------------------------------------------------------------------------
SPAWN_RADIUS_SQUARED: Final = 16.0  # of (x - sx + 0.5, y - sy + 0.5): 52 tiles on open land
FULL_DISC_TILES: Final = 52

# --- actions --------------------------------------------------------------------------------------
N_DIRECTIONS: Final = 8  # N NE E SE S SW W NW
INTENSITIES: Final = (0.15, 0.30, 0.45, 0.60, 0.75)  # of home troops
N_INTENSITIES: Final = 5
WAIT_DIRECTION: Final = 8
N_ACTIONS: Final = 45


@dataclass(frozen=True)
class MatchRules:
    """What a league may choose about its matches; everything else is a constant above.

    Attributes:
        max_ticks: length limit, ticks (placements count as at any other end).
        ticks_per_decision: ticks between two decisions of every seat.
        n_seats: number of seats, 2..64.
    """

    max_ticks: int = 1_500
    ticks_per_decision: int = 10
    n_seats: int = 10

    def __post_init__(self) -> None:
        if not 2 <= self.n_seats <= MAX_SEATS:
            raise MatchError(f"expected 2 to {MAX_SEATS} seats, found {self.n_seats}")
        if self.max_ticks < 1 or self.ticks_per_decision < 1:
            raise MatchError(
                f"expected max_ticks and ticks_per_decision of at least 1, found {self.max_ticks} "
                f"and {self.ticks_per_decision}"
            )

    def sha256(self) -> str:
        """Return the identity of the rules, from version and settings; ratings never mix rules."""
        text = json.dumps({"version": RULES_VERSION, **asdict(self)}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def to_json(self) -> dict[str, int]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> MatchRules:
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise MatchError(f"unknown rules of a match: {', '.join(sorted(unknown))}")
        return cls(**{key: int(value) for key, value in values.items()})
