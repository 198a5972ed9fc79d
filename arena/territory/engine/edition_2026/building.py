"""What nations' minds of edition 2026 build: cities above all, and posts when they are pressed.

A nation builds or upgrades at most one structure per call, on its beat and at its thirds. It saves
for more than it can buy here: each level that it owns makes the next one dearer to its eyes, so
that it builds a city at 125,000 gold, then at 500,000, 1.5 and 4 million. Other structures follow
its cities in fixed shares. Sites of cities and factories are worth more where they join railways,
most of all an ally's (reach.py).

Left out: start gold of 3 million and more has no rules of its own, and a large lake is good for
ports whether others live on it or not.
"""

from __future__ import annotations

import math

import numpy as np

from arena.territory.engine import rules
from arena.territory.engine.compiled import compiled, int64
from arena.territory.engine.edition_2026.cities import n_owned, price_of
from arena.territory.engine.edition_2026.places import find_place
from arena.territory.engine.edition_2026.reach import find_clusters_of_rails, worth_of_rails
from arena.territory.engine.edition_2026.sending import EASY, MEDIUM, incoming, one_in
from arena.territory.engine.edition_2026.waterways import has_wide_water, taxicab
from arena.territory.engine.numerics import draw
from arena.territory.engine.orders import BUILD, UPGRADE, add_order
from arena.territory.engine.posts import distance_squared
from arena.territory.engine.state import (
    DELETED_AT,
    DIFFICULTY,
    FORBIDDEN,
    GOLD,
    IS_FINISHED,
    MIND,
    N_LAND,
    N_STRUCTURES,
    N_TRADERS,
    NATION_MIND,
    NO_NUKES,
    NO_STRUCTURES,
    PLACED,
    SAVED_AT,
    SHORE,
    STRUCTURE,
    STRUCTURE_OWNER,
    STRUCTURE_TILE,
    TERRAIN_BITS,
    TICK,
    State,
)

_CITY, _POST, _PORT = int64(rules.CITY), int64(rules.DEFENSE_POST), int64(rules.PORT)
_FACTORY, _SILO, _SAM = int64(rules.FACTORY), int64(rules.SILO), int64(rules.SAM)
_ORDER = (_PORT, _FACTORY, _SAM, _SILO)  # looked at before a city
_TRIES = 25  # places that are compared
_TRIES_FOR_A_TILE = 100
_DENSE = 1.0 / 1_500.0  # structures per tile, above which it upgrades
_CROWDED = 1.0 / 7_500.0  # nations per tile of land, above which it begins with trade
_SAVED = 30_000_000  # gold: the most that it saves for
_PHASE = 150  # ticks in which it builds and then does not, once it has saved that much
_FAR_FROM_BORDER, _FAR_FROM_OTHERS = 30, 60  # tiles, beyond which a site is no better
_FAR_FROM_FACTORIES = 110  # for a factory
_ANY = int64(1 << 30)
_ASKS_FOR_RAILS = np.array([0, 60, 75, 100], np.int64)  # % of sites, by difficulty
_PRESSED = 0.35  # incoming troops / home troops
_FRONT = 45  # tiles from the front that count as near it
_MOST_SILOS = 3


@compiled(internal=True)
def _port_shore(s: State, p: int, is_any_good: bool) -> int:
    """Return a random shore tile of p for a port, on ocean or a large lake, -1 for none.

    Args:
        is_any_good: take the first instead, without a draw.
    """
    n = int64(0)
    found = int64(-1)
    tile = int64(s.border_head[p])
    while tile >= 0:
        if s.flags[tile] & SHORE and has_wide_water(s, tile):
            if is_any_good:
                return tile
            n += 1
            if draw(s.streams, p, n) == 0:
                found = tile
        tile = int64(s.border_next[tile])
    return found


@compiled(internal=True)
def _to_border(after: np.ndarray, head: int, stride: int, tile: int, most: int) -> int:
    """Return the distance (Manhattan) from a tile to a border, at most `most`.

    Args:
        after, head: State.border_next, State.border_head of the player.
    """
    least = int64(most)
    at = head
    while at >= 0 and least > 0:
        least = min(least, taxicab(stride, at, tile))
        at = int64(after[at])
    return least


@compiled(internal=True)
def _to_own(s: State, p: int, kind: int, tile: int, most: int) -> int:
    """Return how far (at most `most`) the nearest structure of p of a kind is, 0 if it has none."""
    structures, n, stride = s.structures, s.clock[N_STRUCTURES], s.shape[2]
    least = int64(-1)
    for i in range(n):
        row = structures[i]
        if row[STRUCTURE] == kind and row[STRUCTURE_OWNER] == p:
            far = taxicab(stride, row[STRUCTURE_TILE], tile)
            least = far if least < 0 else min(least, far)
    return min(least, most) if least >= 0 else int64(0)


@compiled(internal=True)
def _random_tile(s: State, p: int) -> int:
    """Return a random tile of p in the box of its border, -1 if a hundred tries found none."""
    stride = s.shape[2]
    owner, streams, after = s.owner, s.streams, s.border_next
    x0, x1, y0, y1 = stride, int64(0), s.shape[3], int64(0)
    tile = int64(s.border_head[p])
    while tile >= 0:
        y = tile // stride
        x = tile - y * stride
        x0, x1, y0, y1 = min(x0, x), max(x1, x), min(y0, y), max(y1, y)
        tile = int64(after[tile])
    if x1 <= x0 or y1 <= y0:
        return int64(s.border_head[p])
    for _ in range(_TRIES_FOR_A_TILE):
        x = x0 + draw(streams, p, int64(x1 - x0))
        y = y0 + draw(streams, p, int64(y1 - y0))
        tile = int64(y * stride + x)
        if owner[tile] == p:
            return tile
    return int64(-1)


@compiled(internal=True)
def _worth(s: State, p: int, kind: int, tile: int, asks_for_rails: bool) -> int:
    """Return how good a site is; heights are taken by terrain: 5, 15 or 25.

    Args:
        asks_for_rails: whether the railways in reach count, which `find_clusters_of_rails` found.
    """
    if kind == _PORT:
        return _to_own(s, p, kind, tile, _ANY)
    worth = 5 + 10 * int64(s.flags[tile] & TERRAIN_BITS)
    worth += _to_border(
        s.border_next, int64(s.border_head[p]), s.shape[2], tile, int64(_FAR_FROM_BORDER)
    )
    far = int64(_FAR_FROM_FACTORIES if kind == _FACTORY else _FAR_FROM_OTHERS)
    worth += _to_own(s, p, kind, tile, far)
    if kind == _CITY:
        worth += _to_own(s, p, _FACTORY, tile, int64(_FAR_FROM_OTHERS))
    elif kind == _FACTORY:
        worth += _to_own(s, p, _CITY, tile, int64(_FAR_FROM_OTHERS))
    if asks_for_rails:
        worth += worth_of_rails(s, p, tile)
    return int64(worth)


@compiled(internal=True)
def _best_site(s: State, p: int, kind: int) -> int:
    """Return the best of 25 random tiles on which p may build, -1 for none."""
    best = int64(-1)
    most = int64(-1)
    asks = False
    if (kind == _CITY or kind == _FACTORY) and s.clock[N_TRADERS] > 0:
        asks = draw(s.streams, p, int64(100)) < _ASKS_FOR_RAILS[s.bot_clock[p, DIFFICULTY]]
        asks = asks and find_clusters_of_rails(s, p)
    for _ in range(_TRIES):
        tile = _port_shore(s, p, False) if kind == _PORT else _random_tile(s, p)
        if tile < 0:
            if kind == _PORT:
                return tile
            continue
        worth = _worth(s, p, kind, tile, asks)
        if worth > most and find_place(s, p, kind, tile) >= 0:
            best = tile
            most = worth
    return best


@compiled(internal=True)
def _site_to_upgrade(s: State, p: int, kind: int) -> int:
    """Return the tile of a random finished structure of p of a kind, -1 for none.

    Without missiles to fear all are as good as each other, as the original's score says too.
    """
    n = int64(0)
    found = int64(-1)
    for i in range(s.clock[N_STRUCTURES]):
        row = s.structures[i]
        if row[STRUCTURE] != kind or row[STRUCTURE_OWNER] != p or row[IS_FINISHED] == 0:
            continue
        if row[DELETED_AT] == 0 and s.owner[row[STRUCTURE_TILE]] == p:
            n += 1
            if draw(s.streams, p, n) == 0:
                found = row[STRUCTURE_TILE]
    return found


@compiled(internal=True)
def _count_structures(structures: np.ndarray, n: int, p: int) -> int:
    found = int64(0)
    for i in range(n):
        if structures[i, STRUCTURE_OWNER] == p:
            found += 1
    return found


@compiled(internal=True)
def _want(s: State, p: int, kind: int) -> bool:
    """Build or upgrade a structure of a kind if p has the gold that it asks of itself."""
    gold = s.ledger[p, GOLD]
    price = price_of(s.ledger, p, kind)
    asked = price
    goal = price_of(s.ledger, p, _SAM) if s.clock[FORBIDDEN] & NO_NUKES else _SAVED
    if gold < goal:
        dearer = 0.3 if kind == _SAM else 1.0
        asked = int64(math.ceil(price * (1.0 + dearer * n_owned(s.ledger, p, kind))))
    if gold < asked:
        return False
    if _count_structures(s.structures, s.clock[N_STRUCTURES], p) > _DENSE * s.tiles[p]:
        tile = _site_to_upgrade(s, p, kind)
        if tile >= 0:
            return add_order(s, p, UPGRADE, 0, 0.0, tile)
        if n_owned(s.ledger, p, kind) > 0:
            return False
    tile = _best_site(s, p, kind)
    return tile >= 0 and add_order(s, p, BUILD, kind, 0.0, tile)


@compiled(internal=True)
def _falls_short(ledger: np.ndarray, p: int, kind: int, difficulty: int, is_coastal: bool) -> bool:
    """Return whether p has less of a kind than the share of its cities' levels."""
    owned = n_owned(ledger, p, kind)
    if kind == _SAM:
        share = 0.15 + 0.05 * difficulty
    elif kind == _SILO:
        share = 0.4 if owned == 0 else 0.2
        if owned >= _MOST_SILOS:
            return False
    else:
        share = 0.75
        if kind == _FACTORY and is_coastal:
            share *= 0.33
    return owned < math.floor(n_owned(ledger, p, _CITY) * share)


@compiled(internal=True)
def _is_crowded(s: State) -> bool:
    n = 0
    for q in range(1, s.tiles.shape[0]):
        if s.bot_clock[q, MIND] == NATION_MIND:
            n += 1
    return n > _CROWDED * s.clock[N_LAND]


@compiled(internal=True)
def _build_by_shares(s: State, p: int) -> bool:
    is_coastal = _port_shore(s, p, True) >= 0
    trades_first = n_owned(s.ledger, p, _CITY) == 0 and _is_crowded(s)
    if trades_first and _want(s, p, _PORT if is_coastal else _FACTORY):
        return True
    for kind in _ORDER:
        if kind == _PORT and not is_coastal:
            continue
        if (kind == _SAM or kind == _SILO) and s.clock[FORBIDDEN] & NO_NUKES:
            continue
        if _falls_short(s.ledger, p, kind, s.bot_clock[p, DIFFICULTY], is_coastal) and _want(
            s, p, kind
        ):
            return True
    return _want(s, p, _CITY)


@compiled(internal=True)
def _list_front(s: State, p: int) -> int:
    """Write the border tiles of p that touch its attackers to s.cluster_order; return their number.

    Places for structures are looked for in s.scratch and s.clusters, which are left alone.
    """
    n = int64(0)
    stride, n_owners = s.shape[2], s.tiles.shape[0]
    owner, slot_of, front, after = s.owner, s.slot_of, s.cluster_order, s.border_next
    tile = int64(s.border_head[p])
    while tile >= 0:
        for step in (-stride, stride, -1, 1):
            q = int64(owner[tile + step])
            if q != p and q != 0 and q < n_owners and slot_of[q, p] >= 0:
                front[n] = tile
                n += 1
                break
        tile = int64(after[tile])
    return n


@compiled(internal=True)
def _posts_at_front(s: State, p: int, n: int) -> int:
    """Return how many posts of p are within 45 tiles of the n tiles of its front."""
    found = int64(0)
    for i in range(s.clock[N_STRUCTURES]):
        row = s.structures[i]
        if row[STRUCTURE] != _POST or row[STRUCTURE_OWNER] != p:
            continue
        for k in range(n):
            far = distance_squared(s.shape[2], row[STRUCTURE_TILE], s.cluster_order[k])
            if far <= _FRONT * _FRONT:
                found += 1
                break
    return found


@compiled(internal=True)
def _site_behind_front(s: State, p: int, n: int, in_depth: bool) -> int:
    """Return a random tile near the front on which a post may stand, -1 for none.

    Args:
        n: tiles of the front.
        in_depth: whether it must be 23 to 45 tiles behind the border.
    """
    stride = s.shape[2]
    for _ in range(6 * _TRIES if in_depth else 4 * _TRIES):
        anchor = int64(s.cluster_order[draw(s.streams, p, n)])
        y = anchor // stride + draw(s.streams, p, int64(2 * _FRONT + 1)) - _FRONT
        x = anchor % stride + draw(s.streams, p, int64(2 * _FRONT + 1)) - _FRONT
        if x < 1 or x > s.shape[0] or y < 1 or y > s.shape[1]:
            continue
        tile = int64(y * stride + x)
        if s.owner[tile] != p:
            continue
        if in_depth:
            depth = _to_border(
                s.border_next, int64(s.border_head[p]), s.shape[2], tile, int64(_FRONT + 1)
            )
            if depth < 23 or depth > _FRONT:
                continue
        if find_place(s, p, _POST, tile) >= 0:
            return tile
    return int64(-1)


@compiled(internal=True)
def _build_post(s: State, p: int, pressure: float) -> bool:
    """Build a post behind the front, unless there are enough or gold is short."""
    difficulty = s.bot_clock[p, DIFFICULTY]
    if difficulty == MEDIUM and not one_in(s.streams, p, 2):
        return False
    allowed = 1 if difficulty == MEDIUM else int64(math.ceil(pressure / 0.4))
    n = _list_front(s, p)
    if n == 0 or _posts_at_front(s, p, n) >= allowed:
        return False
    if s.ledger[p, GOLD] < price_of(s.ledger, p, _POST):
        return False
    tile = _site_behind_front(s, p, n, True)
    if tile < 0:
        tile = _site_behind_front(s, p, n, False)
    return tile >= 0 and add_order(s, p, BUILD, _POST, 0.0, tile)


@compiled(internal=True)
def _rests(s: State, p: int) -> bool:
    """Return whether p has saved all it wants and leaves the gold alone for now."""
    if s.clock[FORBIDDEN] & NO_NUKES:
        return False
    mind = s.bot_clock[p]
    if mind[SAVED_AT] < 0:
        if s.ledger[p, GOLD] < _SAVED:
            return False
        mind[SAVED_AT] = s.clock[TICK]
    return bool((s.clock[TICK] - mind[SAVED_AT]) % (2 * _PHASE) >= _PHASE)


@compiled(internal=True)
def build(s: State, p: int) -> None:
    """Let the nation p order one structure or upgrade, if it wants and can."""
    if s.clock[FORBIDDEN] & NO_STRUCTURES or s.border_head[p] < 0:
        return
    mind = s.bot_clock[p]
    if mind[PLACED] > 0 and mind[DIFFICULTY] != EASY and s.troops[p] > 0:
        pressure = incoming(s, p) / s.troops[p]
        if pressure >= _PRESSED:
            _build_post(s, p, pressure)
            return
    if not _rests(s, p) and _build_by_shares(s, p):
        mind[PLACED] += 1
