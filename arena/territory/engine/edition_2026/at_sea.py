"""What an engine of edition 2026 lets one order and read of boats (boats.py has their rules)."""

from __future__ import annotations

from typing import NamedTuple

from arena.territory.engine import orders
from arena.territory.engine.board import Board
from arena.territory.engine.state import (
    BOAT_LANDING,
    BOAT_OWNER,
    BOAT_STEP,
    BOAT_STEPS,
    BOAT_TARGET,
    BOAT_TILE,
    BOAT_TURNS_AT,
    BOAT_WAY,
    State,
)


class BoatAtSea(NamedTuple):
    """A boat: whose it is, where it is, and where it shall land.

    Attributes:
        owner: player id.
        x, y: its tile.
        landing: (x, y) of the tile where it shall land.
        target: the player whom its attack will be on, 0 for neutral land.
        troops: on board.
        is_ordered_back: whether it has turned, or will within two ticks.
    """

    owner: int
    x: int
    y: int
    landing: tuple[int, int]
    target: int
    troops: float
    is_ordered_back: bool


def ways_ahead(state: State) -> bytes:
    """Return the steps that the boats at sea have before them, in order of creation."""
    return b"".join(
        state.boat_ways[boat[BOAT_WAY], boat[BOAT_STEP] : boat[BOAT_STEPS]].tobytes()
        for boat in state.boats
        if boat[BOAT_OWNER]
    )


class BoatOrders(Board):
    """The part of `Engine` that is about boats."""

    def boat(self, p: int, x: int, y: int, troops: float) -> None:
        """Send a boat to the tile (x, y); its troops leave at the end of the next tick.

        Raises:
            MatchError: the edition has no boats, or (x, y) is not on the map.
        """
        self._check_has("boats")
        self._append_order(p, orders.BOAT, troops=troops, tile=self._tile_at(x, y))

    def retreat_boats(self, p: int) -> None:
        """Order all boats of p back; they turn two ticks after the next.

        Raises:
            MatchError: the edition has no boats.
        """
        self._check_has("boats")
        self._append_order(p, orders.BOAT_RETREAT)

    def boats_at_sea(self) -> list[BoatAtSea]:
        """Return the boats at sea in order of creation; none in edition 2025."""
        return [
            BoatAtSea(
                int(boat[BOAT_OWNER]),
                *self._place_of(int(boat[BOAT_TILE])),
                self._place_of(int(boat[BOAT_LANDING])),
                int(boat[BOAT_TARGET]),
                float(troops),
                int(boat[BOAT_TURNS_AT]) != -1,
            )
            for boat, troops in zip(self.state.boats, self.state.boat_troops, strict=True)
            if boat[BOAT_OWNER]
        ]
