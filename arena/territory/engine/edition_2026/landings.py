"""Where a boat of the actions goes: the best landing in each of the eight directions.

Looking from every cell of its coast straight across the water, a player sees one coast in each
direction at most (coasts.py). Of those that it sees in a direction and may land on, it prefers
land that it cannot attack from its own: of a player whom it does not touch, or neutral land of a
land mass on which it has no coast. Of several it takes the one with the shortest crossing, of equal
ones neutral land, then that of the player with the fewest home troops, then the northernmost tile.
The troops are a fixed share of the home troops, a fifth, as the original's nations send them.

What lies across is known from the map, so eight directions cost one walk along the border. Nothing
is remembered between two questions, and the order in which the border came to be does not matter:
the answer depends on the board alone.
"""

from __future__ import annotations

import numpy as np

from arena.territory.engine import rules
from arena.territory.engine.compiled import compiled, int64
from arena.territory.engine.edition_2026.boats import count_boats, may_land_on
from arena.territory.engine.edition_2026.waterways import cell_of
from arena.territory.engine.land import border_contact, next_stamp
from arena.territory.engine.state import (
    BOATS_EACH,
    COAST,
    COAST_ACROSS,
    COAST_CROSSING,
    COAST_MASS,
    COAST_TILE,
    SHORE,
    State,
)

_SHARE = rules.BOAT_SHARE
NOT_OVERSEAS = 1 << 20  # tiles that a landing counts as further away when it is no new coast
_NOWHERE = 1 << 30


@compiled(inline=True, internal=True)
def boat_troops(s: State, p: int) -> int:
    """Return the troops that a boat of the actions takes."""
    return int64(s.troops[p] // _SHARE)


@compiled(internal=True)
def find_landings(s: State, p: int, landings: np.ndarray) -> None:
    """Find the best landing of player p in each direction.

    Args:
        landings: int64[8], filled with framed tiles to send a boat to, -1 for none: nothing to land
            on, three boats at sea, or less than one troop to send. The first 8 of s.cluster_order
            then hold the tiles across, and NOT_OVERSEAS more where it is no new coast.
    """
    landings[:] = -1
    if s.tiles[p] == 0 or boat_troops(s, p) < 1 or count_boats(s, p) >= BOATS_EACH:
        return
    stamp = next_stamp(s)
    n_cells = s.water.shape[1]
    n = 0
    tile = int64(s.border_head[p])
    while tile >= 0:
        if s.flags[tile] & SHORE:
            cell = cell_of(s, tile)
            row = s.water[COAST, cell]
            if row >= 0 and s.mark[cell] != stamp:
                s.mark[cell] = stamp
                s.mark[n_cells + s.coasts[row, COAST_MASS]] = stamp
                s.scratch[n] = row
                n += 1
        tile = int64(s.border_next[tile])
    distances = s.cluster_order  # scratch; 8 are used
    distances[:8] = _NOWHERE
    for i in range(n):
        row = s.scratch[i]
        for d in range(8):
            across = s.coasts[row, COAST_ACROSS + d]
            if across < 0 or s.coasts[row, COAST_CROSSING + d] > distances[d]:
                continue
            tile = int64(s.coasts[across, COAST_TILE])
            q = int64(s.owner[tile])
            if not may_land_on(s, p, q):
                continue
            distance = s.coasts[row, COAST_CROSSING + d]
            if not _is_overseas(s, p, q, across, stamp):
                distance += NOT_OVERSEAS
            if distance < distances[d] or (
                distance == distances[d] and _is_before(s, tile, landings[d])
            ):
                distances[d] = distance
                landings[d] = tile


@compiled(internal=True)
def _is_overseas(s: State, p: int, q: int, coast: int, stamp: int) -> bool:
    """Return whether p cannot attack the owner q of a coast by land; `stamp` marks p's masses."""
    if q == 0:
        return bool(s.mark[s.water.shape[1] + s.coasts[coast, COAST_MASS]] != stamp)
    return border_contact(s.contact, p, q) == 0


@compiled(internal=True)
def _is_before(s: State, tile: int, other: int) -> bool:
    """Return whether a landing is preferred to another one that is as far."""
    p, q = s.owner[tile], s.owner[other]
    strength = s.troops[p] if p != 0 else int64(-1)
    other_strength = s.troops[q] if q != 0 else int64(-1)
    return bool(strength < other_strength or (strength == other_strength and tile < other))


@compiled(internal=True)
def best_landing(s: State, p: int, direction: int) -> int:
    """Return the framed tile of p's best landing in a direction 0..7, -1 for none."""
    find_landings(s, p, s.landings)
    return int64(s.landings[direction])


@compiled()
def landings_of_all(s: State, landings: np.ndarray) -> None:
    """Find the best landings of every player.

    Args:
        landings: int64[P + 1, 8], filled as by `find_landings`; row 0 is nobody's.
    """
    landings[0] = -1
    for p in range(1, s.tiles.shape[0]):
        find_landings(s, p, landings[p])


@compiled(internal=True)
def write_boat_mask(s: State, p: int, landings: np.ndarray, mask: np.ndarray) -> None:
    """Write in which directions p may send a boat, int8[8], 1 for legal.

    Args:
        landings: int64[8] from `find_landings`.
    """
    for d in range(8):
        mask[d] = 1 if landings[d] >= 0 else 0
