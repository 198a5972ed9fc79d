"""What all parts of an Engine share: the board of a match, its tiles, and its list of orders."""

from __future__ import annotations

from arena.errors import MatchError
from arena.territory.engine import rules
from arena.territory.engine.state import N_ORDERS, State
from arena.territory.maps import TerritoryMap


class Board:
    """The arrays of a match and how orders get into them; `Engine` has the attributes' meaning."""

    state: State
    map: TerritoryMap
    edition: rules.Edition
    seed: int
    n_players: int

    def _append_order(
        self, p: int, kind: int, target: int = 0, troops: float = 0.0, tile: int = 0
    ) -> None:
        s = self.state
        at = int(s.clock[N_ORDERS])
        if at >= len(s.orders):
            raise MatchError(f"expected at most {len(s.orders)} orders for one tick, found more")
        s.orders[at] = (p, target, troops, kind, tile)  # columns of orders.py
        s.clock[N_ORDERS] = at + 1

    def _check_has(self, what: str) -> None:
        """Raise MatchError for what came with edition 2026, in a match of 2025."""
        if self.edition.number == 0:
            raise MatchError(
                f"edition {self.edition.name} has no {what}; make the engine with edition 2026"
            )

    def _tile_at(self, x: int, y: int) -> int:
        """Return the framed tile of (x, y); raise MatchError if it is not on the map."""
        if not (0 <= x < self.map.width and 0 <= y < self.map.height):
            raise MatchError(
                f"expected a tile of the {self.map.width} x {self.map.height} tiles of map "
                f"{self.map.name!r}, found ({x}, {y})"
            )
        return (y + 1) * int(self.state.shape[2]) + x + 1

    def _place_of(self, tile: int) -> tuple[int, int]:
        """Return (x, y) of a framed tile."""
        y, x = divmod(tile, int(self.state.shape[2]))
        return x - 1, y - 1
