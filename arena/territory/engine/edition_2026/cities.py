"""Cities and other structures: prices, building, upgrades, capture and loss.

- An order to build waits one tick; then its price is paid and the structure stands, unfinished, on
  the nearest fitting tile (places.py). 21 ticks later a city is finished: the first growth that
  counts it is that of the tick after.
- An upgrade works at the end of the tick of its order, for the price of a new one.
- In its owner's turn a structure on another player's land goes to that player, with its level and
  whether it is finished or not; a defence post there, and anything on land of nobody, is gone.
- A tribe marks whatever it gets for deletion, one structure per 300 ticks.

Cities have an effect, on the cap (caps.py), defence posts (posts.py), and ports and factories, by
trade (trade.py). Silos and launchers are built, priced, captured and lost by the same rules and do
nothing.

Rows of State.structures are without gaps: removing one moves the later ones up, which is rare.
"""

from __future__ import annotations

import numpy as np

from arena.territory.engine import rules
from arena.territory.engine.compiled import compiled, int64
from arena.territory.engine.edition_2026.places import find_place
from arena.territory.engine.edition_2026.rails import open_station
from arena.territory.engine.edition_2026.trade import begin_trader, end_trade, end_trader
from arena.territory.engine.posts import distance_squared
from arena.territory.engine.state import (
    BUILT,
    CITIES_MADE,
    CITY_LEVELS,
    CITY_LEVELS_OWNED,
    COVERED,
    DELETED_AT,
    DELETES_FROM,
    FINISHED_AT,
    FORBIDDEN,
    GOLD,
    IS_FINISHED,
    LOST_LAND,
    MAX_STRUCTURES,
    N_SITES,
    N_STRUCTURE,
    N_STRUCTURES,
    N_TRADERS,
    NEXT_WORK,
    NO_STRUCTURES,
    OTHERS_MADE,
    OTHERS_OWNED,
    SITE_KIND,
    SITE_OWNER,
    SITE_TILE,
    STRUCTURE,
    STRUCTURE_LEVEL,
    STRUCTURE_OWNER,
    STRUCTURE_TILE,
    TICK,
    State,
)

_CITY, _POST = int64(rules.CITY), int64(rules.DEFENSE_POST)
_PORT, _FACTORY, _SAM = rules.PORT, rules.FACTORY, rules.SAM
_FIRST_PRICE = rules.FIRST_PRICE
_PRICE_LIMIT = rules.PRICE_LIMIT
_BUILDING_TICKS = rules.BUILDING_TICKS
_RADIUS = rules.POST_RADIUS
_DELETION_TICKS = rules.DELETION_TICKS
_NEVER = int64(2**62)
_PLUS, _MINUS, _ONE = int64(1), int64(-1), int64(1)


# --- prices ---------------------------------------------------------------------------------------


@compiled(inline=True, internal=True)
def _owned_column(kind: int) -> int:
    return CITY_LEVELS_OWNED if kind == _CITY else OTHERS_OWNED + kind - _POST


@compiled(inline=True, internal=True)
def _made_column(kind: int) -> int:
    return CITIES_MADE if kind == _CITY else OTHERS_MADE + kind - _POST


@compiled(inline=True, internal=True)
def n_owned(ledger: np.ndarray, p: int, kind: int) -> int:
    """Return the levels of p's structures of a kind; unfinished ones count 1."""
    return int(ledger[p, _owned_column(kind)])


@compiled(inline=True, internal=True)
def _n_priced(ledger: np.ndarray, p: int, kind: int) -> int:
    return min(ledger[p, _owned_column(kind)], ledger[p, _made_column(kind)])


@compiled(inline=True, internal=True)
def _price_after(kind: int, n: int) -> int:
    if kind == _POST or kind == _SAM:
        return min(_PRICE_LIMIT[kind], _FIRST_PRICE[kind] * (n + 1))
    return min(_PRICE_LIMIT[kind], _FIRST_PRICE[kind] << min(n, 8))


@compiled(inline=True)
def price_of(ledger: np.ndarray, p: int, kind: int) -> int:
    """Return what p pays for its next structure of a kind, or for an upgrade of one.

    It grows with what p owns or with what it ever made, whichever is less: captured ones don't
    raise it, lost ones lower it. Ports and factories share one price.

    Args:
        ledger: of State.
        kind: 1..6 (rules.py).
    """
    n = _n_priced(ledger, p, kind)
    if kind == _PORT:
        n += _n_priced(ledger, p, _FACTORY)
    elif kind == _FACTORY:
        n += _n_priced(ledger, p, _PORT)
    return _price_after(kind, n)


# --- the list -------------------------------------------------------------------------------------


@compiled(internal=True)
def _count(ledger: np.ndarray, row: np.ndarray, sign: int) -> None:
    """Add or subtract a structure in its owner's ledger."""
    p = row[STRUCTURE_OWNER]
    kind = row[STRUCTURE]
    levels = sign * (row[STRUCTURE_LEVEL] if row[IS_FINISHED] else 1)
    ledger[p, _owned_column(kind)] += levels
    if kind == _CITY and row[IS_FINISHED]:
        ledger[p, CITY_LEVELS] += levels


@compiled(internal=True)
def _plan(s: State) -> None:
    """Find the next tick in which a structure is finished or deleted."""
    s.clock[NEXT_WORK] = _NEVER
    for i in range(s.clock[N_STRUCTURES]):
        if s.structures[i, IS_FINISHED] == 0:
            s.clock[NEXT_WORK] = min(s.clock[NEXT_WORK], s.structures[i, FINISHED_AT])
        if s.structures[i, DELETED_AT] != 0:
            s.clock[NEXT_WORK] = min(s.clock[NEXT_WORK], s.structures[i, DELETED_AT])


@compiled(internal=True)
def _paint_cover(s: State, tile: int, is_on: bool) -> None:
    """Set or clear COVERED around the place of a post."""
    stride = s.shape[2]
    height = s.shape[3] // stride
    y = tile // stride
    x = tile - y * stride
    for v in range(max(1, y - _RADIUS), min(height - 1, y + _RADIUS + 1)):
        for u in range(max(1, x - _RADIUS), min(stride - 1, x + _RADIUS + 1)):
            if (u - x) * (u - x) + (v - y) * (v - y) <= _RADIUS * _RADIUS:
                at = v * stride + u
                if is_on:
                    s.flags[at] |= np.uint8(COVERED)
                else:
                    s.flags[at] &= np.uint8(255 - COVERED)


@compiled(internal=True)
def _finish(s: State, i: int) -> None:
    row = s.structures[i]
    _count(s.ledger, row, _MINUS)
    row[IS_FINISHED] = 1
    _count(s.ledger, row, _PLUS)
    if row[STRUCTURE] == _POST:
        _paint_cover(s, row[STRUCTURE_TILE], True)
    elif s.clock[N_TRADERS] > 0:
        open_station(s, i)


@compiled(internal=True)
def _remove(s: State, i: int) -> None:
    """End structure i; the later rows move up."""
    stride = s.shape[2]
    row = s.structures[i]
    tile = row[STRUCTURE_TILE]
    was_post = row[STRUCTURE] == _POST and row[IS_FINISHED] != 0
    _count(s.ledger, row, _MINUS)
    if s.clock[N_TRADERS] > 0:
        end_trader(s, i)
    s.flags[tile] &= np.uint8(255 - BUILT)
    s.clock[N_STRUCTURES] -= 1
    for j in range(i, s.clock[N_STRUCTURES]):
        for column in range(N_STRUCTURE):
            s.structures[j, column] = s.structures[j + 1, column]
    s.structures[s.clock[N_STRUCTURES], STRUCTURE] = 0
    if was_post:
        _paint_cover(s, tile, False)
        reach = 4 * _RADIUS * _RADIUS
        for j in range(s.clock[N_STRUCTURES]):
            other = s.structures[j]
            if (
                other[STRUCTURE] == _POST
                and other[IS_FINISHED]
                and distance_squared(stride, other[STRUCTURE_TILE], tile) <= reach
            ):
                _paint_cover(s, other[STRUCTURE_TILE], True)


@compiled(internal=True)
def add_structure(s: State, p: int, kind: int, tile: int) -> bool:
    """Begin a structure of p on a tile and take its price, or what p has of it.

    Return False when all rows are in use (never seen: 4,096).
    """
    i = s.clock[N_STRUCTURES]
    if i >= MAX_STRUCTURES:
        return False
    s.ledger[p, GOLD] -= min(s.ledger[p, GOLD], price_of(s.ledger, p, kind))
    s.ledger[p, _made_column(kind)] += 1
    row = s.structures[i]
    row[STRUCTURE] = kind
    row[STRUCTURE_OWNER] = p
    row[STRUCTURE_TILE] = tile
    row[STRUCTURE_LEVEL] = 1
    row[FINISHED_AT] = s.clock[TICK] + _BUILDING_TICKS[kind] + 1
    row[IS_FINISHED] = 0
    row[DELETED_AT] = 0
    s.clock[N_STRUCTURES] = i + 1
    s.flags[tile] |= np.uint8(BUILT)
    _count(s.ledger, row, _PLUS)
    begin_trader(s, i)
    _plan(s)
    return True


@compiled()
def put_structure(s: State, p: int, kind: int, tile: int, level: int) -> bool:
    """Put a finished structure on a tile, as reference scenarios do."""
    if not add_structure(s, p, kind, tile):
        return False
    row = s.structures[s.clock[N_STRUCTURES] - 1]
    row[FINISHED_AT] = s.clock[TICK] - 1
    row[STRUCTURE_LEVEL] = level
    _finish(s, s.clock[N_STRUCTURES] - _ONE)
    _plan(s)
    return True


@compiled()
def mirror_structures(s: State, rows: np.ndarray) -> None:
    """Replace all structures by those that another program has on its board.

    How long an unfinished one still takes is not known: it is due when one that is begun now is.
    The other program's trade is not known either: those that stand now do not trade in ours.

    Args:
        rows: int64[n, 5]: kind (from 1), owner, framed tile, level, whether it is finished; those
            beyond MAX_STRUCTURES are left out.
    """
    for i in range(s.clock[N_STRUCTURES]):
        s.flags[s.structures[i, STRUCTURE_TILE]] &= np.uint8(255 - BUILT)
        if s.structures[i, STRUCTURE] == _POST:
            _paint_cover(s, s.structures[i, STRUCTURE_TILE], False)
    for p in range(s.tiles.shape[0]):
        s.ledger[p, CITY_LEVELS] = 0
        s.ledger[p, CITY_LEVELS_OWNED] = 0
        for column in range(OTHERS_OWNED, OTHERS_MADE):
            s.ledger[p, column] = 0
    n = min(rows.shape[0], MAX_STRUCTURES)
    s.clock[N_STRUCTURES] = n
    end_trade(s)
    for i in range(n):
        row = s.structures[i]
        for column in range(N_STRUCTURE):
            row[column] = 0
        kind = rows[i, 0]
        row[STRUCTURE] = kind
        row[STRUCTURE_OWNER] = rows[i, 1]
        row[STRUCTURE_TILE] = rows[i, 2]
        row[STRUCTURE_LEVEL] = rows[i, 3]
        row[IS_FINISHED] = 1 if rows[i, 4] != 0 else 0
        row[FINISHED_AT] = s.clock[TICK] - 1
        if rows[i, 4] == 0:
            row[FINISHED_AT] += _BUILDING_TICKS[kind] + 1
        s.flags[rows[i, 2]] |= np.uint8(BUILT)
        s.clock[N_TRADERS] += 1 if kind == _PORT or kind == _FACTORY else 0
        _count(s.ledger, row, _PLUS)
        if kind == _POST and rows[i, 4] != 0:
            _paint_cover(s, rows[i, 2], True)
    for i in range(n, s.structures.shape[0]):
        if s.structures[i, STRUCTURE] == 0:
            break
        s.structures[i, STRUCTURE] = 0
    others = OTHERS_MADE - OTHERS_OWNED  # prices go by what was made, too, which is not known
    for p in range(s.tiles.shape[0]):
        for column in range(OTHERS_OWNED, OTHERS_MADE):
            made = s.ledger[p, column + others]
            s.ledger[p, column + others] = max(made, s.ledger[p, column])
    _plan(s)


# --- orders ---------------------------------------------------------------------------------------


@compiled(internal=True)
def ask_for_site(s: State, p: int, kind: int, tile: int) -> None:
    """Carry out an order to build: it is looked at in the next tick."""
    i = s.clock[N_SITES]
    if i < s.sites.shape[0] and not s.clock[FORBIDDEN] & NO_STRUCTURES:
        s.sites[i, SITE_OWNER] = p
        s.sites[i, SITE_KIND] = kind
        s.sites[i, SITE_TILE] = tile
        s.clock[N_SITES] = i + 1


@compiled(internal=True)
def upgrade(s: State, p: int, tile: int) -> None:
    """Raise p's structure on a tile by one level.

    Refused: no finished one of p's own there, a defence post, one marked for deletion, gold short
    of the price, p out of the game, structures switched off.
    """
    if s.clock[FORBIDDEN] & NO_STRUCTURES:
        return
    for i in range(s.clock[N_STRUCTURES]):
        row = s.structures[i]
        if row[STRUCTURE_TILE] != tile:
            continue
        kind = row[STRUCTURE]
        price = price_of(s.ledger, p, kind)
        if (
            row[STRUCTURE_OWNER] != p
            or kind == _POST
            or row[IS_FINISHED] == 0
            or row[DELETED_AT] != 0
            or s.tiles[p] == 0
            or s.ledger[p, GOLD] < price
        ):
            return
        s.ledger[p, GOLD] -= price
        s.ledger[p, _made_column(kind)] += 1
        _count(s.ledger, row, _MINUS)
        row[STRUCTURE_LEVEL] += 1
        _count(s.ledger, row, _PLUS)
        return


@compiled(internal=True)
def work_on_sites(s: State) -> None:
    """Finish and delete what is due in this tick, then begin what was ordered in the last one."""
    tick = s.clock[TICK]
    if s.clock[N_STRUCTURES] > 0 and tick >= s.clock[NEXT_WORK]:
        i = int64(0)
        while i < s.clock[N_STRUCTURES]:
            row = s.structures[i]
            if row[DELETED_AT] != 0 and tick >= row[DELETED_AT]:
                _remove(s, i)
                continue
            if row[IS_FINISHED] == 0 and tick >= row[FINISHED_AT]:
                _finish(s, i)
            i += 1
        _plan(s)
    for i in range(s.clock[N_SITES]):
        p = s.sites[i, SITE_OWNER]
        kind = s.sites[i, SITE_KIND]
        if s.tiles[p] > 0 and s.ledger[p, GOLD] >= price_of(s.ledger, p, kind):
            tile = find_place(s, p, kind, s.sites[i, SITE_TILE])
            if tile >= 0:
                add_structure(s, p, kind, tile)
    s.clock[N_SITES] = 0


# --- a player's turn ------------------------------------------------------------------------------


@compiled(internal=True)
def hand_over(s: State, p: int) -> None:
    """Hand p's structures on lost land to whoever holds the land now."""
    s.ledger[p, LOST_LAND] = 0
    i = int64(0)
    while i < s.clock[N_STRUCTURES]:
        row = s.structures[i]
        q = int64(s.owner[row[STRUCTURE_TILE]])
        if row[STRUCTURE_OWNER] != p or q == p:
            i += 1
        elif q == 0 or row[STRUCTURE] == _POST:
            _remove(s, i)
        else:
            _count(s.ledger, row, _MINUS)
            row[STRUCTURE_OWNER] = q
            row[DELETED_AT] = 0
            _count(s.ledger, row, _PLUS)
            i += 1
    _plan(s)


@compiled(internal=True)
def end_player(s: State, p: int) -> None:
    """Take what a player without land has left: structures go with the land, gold is gone."""
    hand_over(s, p)
    s.ledger[p, GOLD] = 0
    i = int64(0)
    while i < s.clock[N_STRUCTURES]:
        if s.structures[i, STRUCTURE_OWNER] == p:
            _remove(s, i)
        else:
            i += 1


@compiled(internal=True)
def mark_for_deletion(s: State, p: int) -> None:
    """Mark p's first structure that is not marked yet; it is gone 301 ticks later."""
    tick = s.clock[TICK]
    if tick < s.ledger[p, DELETES_FROM]:
        return
    for i in range(s.clock[N_STRUCTURES]):
        row = s.structures[i]
        if row[STRUCTURE_OWNER] == p and row[DELETED_AT] == 0 and s.owner[row[STRUCTURE_TILE]] == p:
            row[DELETED_AT] = tick + _DELETION_TICKS + 1
            s.ledger[p, DELETES_FROM] = tick + _DELETION_TICKS
            s.clock[NEXT_WORK] = min(s.clock[NEXT_WORK], row[DELETED_AT])
            return
