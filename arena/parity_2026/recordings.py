"""Recorded scenarios of the 2026 edition: what a file says, and how much of it can be played."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arena.errors import ArenaError
from arena.territory.maps import TerritoryMap, load_map

PLAYED_ORDERS = (
    *("attack", "retreat", "build", "upgrade", "boat", "boat_retreat"),
    *("alliance_request", "alliance_break", "alliance", "alliance_broken"),
)
SEEN = ("conquered", "landing")  # what follows from the others and is only told
PLAYED_CHANGES = {"t", "player", "troops", "gold", "traitor", "unit", "tile", "level", "ally"}
UNITS = {
    "city": "city",
    "defense_post": "defense_post",
    "port": "port",
    "factory": "factory",
    "missile_silo": "silo",
    "sam_launcher": "sam",
}
"""The structures of rules.STRUCTURES by their recorded names, in small letters joined by _."""


@dataclass
class Recording:
    """A recorded scenario.

    Attributes:
        ends_before: the first tick with something that is not played, or None.
        orders: what is ordered just before each tick (theirs).
    """

    record: dict[str, Any]
    territory: TerritoryMap
    ends_before: int | None
    orders: dict[int, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def ids(self) -> dict[str, int]:
        """The player of each recorded name, from 1."""
        return {player["id"]: p for p, player in enumerate(self.record["players"], start=1)}

    @property
    def ticks(self) -> list[int]:
        """The recorded ticks (theirs), up to what is not played."""
        record = self.record
        ticks = record.get("ticks") or list(range(record["ticks_first"], record["ticks_last"] + 1))
        return [tick for tick in ticks if self.ends_before is None or tick < self.ends_before]

    @property
    def has_attacks(self) -> bool:
        """Whether anything that needs luck is ordered."""
        return any(each["kind"] == "attack" for given in self.orders.values() for each in given)

    def has(self, name: str) -> bool:
        """Return whether a column was recorded."""
        return name in self.record or name in self.record.get("constant", {})

    def column(self, name: str) -> NDArray[np.float64]:
        """Return a recorded column, float64[players, ticks]; constant ones are filled in."""
        n = len(self.ticks)
        if name in self.record:
            return np.asarray([row[:n] for row in self.record[name]], np.float64)
        constant = np.asarray(self.record["constant"][name], np.float64)
        return np.repeat(constant[:, None], n, axis=1)


def read(record: dict[str, Any], maps: Path) -> Recording:
    """Read a scenario.

    Raises:
        ArenaError: nothing of it can be played.
        MapError: its map is missing or damaged.
    """
    scenario = record["scenario"]
    has_minds = any(player.get("mind") for player in record["players"])
    given = [e for e in record.get("events", ()) if has_minds] or scenario.get("orders") or []
    missing = [order["t"] for order in given if not _is_played(order)]
    missing += [change["t"] for change in scenario.get("set", ()) if change.keys() - PLAYED_CHANGES]
    ends = None if has_minds and not record.get("events") else min(missing, default=None)
    recording = Recording(record, _map_of(scenario["map"], maps), ends)
    for order in given:
        recording.orders.setdefault(order["t"], []).append(order)
    if len(recording.ticks) < 20 and not has_minds:
        raise ArenaError(
            f"it has orders from tick {recording.ends_before} on that are not played: nothing is "
            "left to compare"
        )
    return recording


def unit_of(name: str) -> str | None:
    """Return the structure of a recorded name, None for units that are not structures."""
    return UNITS.get(name.lower().replace(" ", "_"))


def _is_played(order: dict[str, Any]) -> bool:
    if order["kind"] in ("build", "upgrade"):
        return unit_of(order["unit"]) is not None
    return order["kind"] in (*PLAYED_ORDERS, *SEEN)


def _map_of(described: dict[str, Any], maps: Path) -> TerritoryMap:
    if "file" in described:
        return load_map(maps / described["file"])
    shape = (int(described["height"]), int(described["width"]))
    terrain = np.full(shape, int(described["uniform_byte"]), np.uint8)
    for x0, y0, x1, y1, byte in described.get("rects", ()):
        terrain[y0:y1, x0:x1] = byte
    if described.get("shore", True):
        terrain |= np.where(_on_a_shore(terrain), np.uint8(64), np.uint8(0))
    return TerritoryMap.from_terrain("recorded", terrain)


def _on_a_shore(terrain: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which tiles have a 4-neighbour of the other kind, land or water."""
    land = (terrain & 128) != 0
    shore: NDArray[np.bool_] = np.zeros(land.shape, np.bool_)
    for axis in (0, 1):
        differs = np.diff(land, axis=axis)
        before = [slice(None), slice(None)]
        after = [slice(None), slice(None)]
        before[axis], after[axis] = slice(None, -1), slice(1, None)
        shore[tuple(before)] |= differs
        shore[tuple(after)] |= differs
    return shore
