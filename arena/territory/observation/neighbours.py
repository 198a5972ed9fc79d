"""A seat's neighbours: one row per owner that it could attack, of what it is and what it did.

The directions whose target is the same owner share one row, that of the first of them; the other
rows are zero. Columns are described in views.py (NEIGHBOUR_FACTS).
"""

from __future__ import annotations

import math

import numpy as np

from arena.territory.engine import rules
from arena.territory.engine.compiled import compiled, int64
from arena.territory.engine.formulas import share_of
from arena.territory.engine.memory import fullness_of
from arena.territory.engine.state import (
    ATTACKS_ON,
    FIRST_ORDER,
    FORCE_ON,
    FULLNESS_SUM,
    LAST_ORDER,
    LATEST_ON,
    LOOK_TICKS,
    LOOKS,
    N_PAST,
    NEIGHBOURS_SINCE,
    SPREAD_FULLNESS,
    SPREAD_SHARE,
    SPREAD_SQUARES,
    SPREADS,
    STRIKE_ANSWERS,
    STRIKE_FULLNESS,
    STRIKE_PRESSED,
    STRIKE_SHARE,
    STRIKE_STRENGTH,
    STRIKES,
    TICK,
    State,
)
from arena.territory.observation.buffers import Scratch
from arena.territory.observation.facts import attack_on, attacks_of_others, in_troop_parts
from arena.territory.observation.views import N_NEIGHBOUR_MEMBERSHIP

_FIRST = N_NEIGHBOUR_MEMBERSHIP
_USED, _IS_NEUTRAL, _IS_RIVAL, _IS_LEGAL, _CONTACT = range(5)
_STRENGTH, _LAND, _DENSITY, _INCOMING, _OUTGOING, _OTHERS = range(5, 11)
_FULLNESS, _OUT_ON_LAND, _OUT_ON_OTHERS = range(11, 14)
_GROWTH_100, _GROWTH_400, _GAIN_100, _MEAN_FULLNESS, _NEIGHBOUR_TIME, _PAUSE = range(14, 20)
_RATE_OF_STRIKES, _ON_ME, _ATTACKS_ON_ME, _FORCE_ON_ME, _LATEST_ON_ME = range(20, 25)
_STRIKE_SIZE, _STRIKE_FULLNESS, _STRIKE_STRENGTH, _ANSWERS, _PRESSED = range(25, 30)
_RATE_OF_SPREADS, _SPREAD_SIZE, _SPREAD_VARIES, _SPREAD_FULLNESS = range(30, 34)
_IMMUNITY = rules.IMMUNITY_TICKS
_HUNDRED_TICKS, _LONG = int64(100), int64(400)
_HUNDRED = 100.0  # ticks


@compiled(inline=True, internal=True)
def write_neighbours(
    s: State, w: Scratch, p: int, targets: np.ndarray, mask: np.ndarray, out: np.ndarray
) -> None:
    """Write p's neighbours.

    Args:
        targets: int64[8] from `find_targets`, whose contacts are in s.direction_contact.
        mask: int8[45], p's legal actions.
        out: float32[8, W], overwritten.
    """
    out[:] = 0.0
    for d in range(8):
        q = targets[d]
        if q < 0:
            continue
        first = d
        for e in range(d):
            if targets[e] == q:
                first = e
                break
        out[first, d] = 1.0
        if first == d:
            row = out[d, _FIRST:]
            _write_present(s, w, p, q, targets, row)
            row[_IS_LEGAL] = mask[d * 5 + 4]
            if q > 0:
                _write_growth(s.past, s.clock[TICK], q, s.tiles[q], s.troops[q], row)
                _write_habits(s.habits[q], s.dealings[q, p], s.clock[TICK], row)


@compiled(inline=True, internal=True)
def _write_present(
    s: State, w: Scratch, p: int, q: int, targets: np.ndarray, row: np.ndarray
) -> None:
    """Write what the board shows now of p's neighbour q, all but whether it may be attacked."""
    mine = float(s.troops[p])
    contact = 0
    for d in range(8):
        if targets[d] == q:
            contact += s.direction_contact[d]
    outgoing = attack_on(s.slot_of, s.attack_next, s.attack_troops, p, q)
    row[_USED] = 1.0
    row[_IS_NEUTRAL] = 1.0 if q == 0 else 0.0
    row[_IS_RIVAL] = 1.0 if q > 0 else 0.0
    row[_CONTACT] = math.log2(1.0 + contact) / 10.0
    row[_OUTGOING] = share_of(outgoing, mine)
    others = attacks_of_others(w, q, outgoing)
    if q == 0:
        row[_OTHERS] = share_of(others, mine)
        return
    theirs = float(s.troops[q])
    incoming = attack_on(s.slot_of, s.attack_next, s.attack_troops, q, p)
    on_land = attack_on(s.slot_of, s.attack_next, s.attack_troops, q, 0)
    row[_STRENGTH] = share_of(theirs, mine)
    row[_LAND] = share_of(float(s.tiles[q]), float(s.tiles[p]))
    row[_DENSITY] = share_of(theirs / s.tiles[q], mine / max(s.tiles[p], 1))
    row[_INCOMING] = share_of(incoming, mine)
    row[_OTHERS] = share_of(others, theirs)
    row[_FULLNESS] = fullness_of(s, q)
    row[_OUT_ON_LAND] = share_of(on_land, theirs)
    on_others = w.out_troops[q] - in_troop_parts(incoming) - in_troop_parts(on_land)
    row[_OUT_ON_OTHERS] = share_of(on_others, theirs)


@compiled(inline=True, internal=True)
def _mean(total: float, n: float) -> float:
    """Return total / n, 0 of nothing."""
    return total / n if n > 0.0 else 0.0


@compiled(inline=True, internal=True)
def _growth(now: int, then: int) -> float:
    """Return now / (now + then), 1/2 when both are 0."""
    return now / (now + then) if now + then > 0 else 0.5


@compiled(inline=True, internal=True)
def _look_before(tick: int, ticks: int) -> int:
    """Return the row of State.past of the newest look at least `ticks` ago, or of the first."""
    return max(tick - ticks, 0) // LOOK_TICKS % N_PAST


@compiled(internal=True)
def _write_growth(
    past: np.ndarray, tick: int, q: int, tiles: int, troops: int, row: np.ndarray
) -> None:
    """Write how q's tiles and home troops have changed; `past` is State.past."""
    if tick > 0:
        before = past[_look_before(tick, _HUNDRED_TICKS), q]
        row[_GROWTH_100] = _growth(tiles, before[0])
        row[_GAIN_100] = _growth(troops, before[1])
        row[_GROWTH_400] = _growth(tiles, past[_look_before(tick, _LONG), q, 0])
    else:  # nobody has looked yet
        row[_GROWTH_100] = row[_GROWTH_400] = row[_GAIN_100] = 0.5


@compiled(internal=True)
def _write_habits(habits: np.ndarray, dealings: np.ndarray, tick: int, row: np.ndarray) -> None:
    """Write how a neighbour acted and what it did to the observer.

    Args:
        habits: its row of State.habits.
        dealings: its dealings with the observer, a row of State.dealings.
    """
    looks = habits[LOOKS]
    row[_MEAN_FULLNESS] = habits[FULLNESS_SUM] / looks if looks > 0.0 else row[_FULLNESS]
    strikes, spreads = habits[STRIKES], habits[SPREADS]
    row[_PAUSE] = 1.0
    if strikes + spreads > 1.0:
        span = habits[LAST_ORDER] - habits[FIRST_ORDER]
        row[_PAUSE] = min(span / (strikes + spreads - 1.0) / _HUNDRED, 1.0)

    row[_RATE_OF_STRIKES] = share_of(strikes, max(tick - _IMMUNITY, 0) / _HUNDRED)
    row[_STRIKE_SIZE] = _mean(habits[STRIKE_SHARE], strikes)
    row[_STRIKE_FULLNESS] = _mean(habits[STRIKE_FULLNESS], strikes)
    row[_STRIKE_STRENGTH] = _mean(habits[STRIKE_STRENGTH], strikes)
    row[_ANSWERS] = _mean(habits[STRIKE_ANSWERS], strikes)
    row[_PRESSED] = _mean(habits[STRIKE_PRESSED], strikes)

    size = _mean(habits[SPREAD_SHARE], spreads)
    variance = _mean(habits[SPREAD_SQUARES], spreads) - size * size
    row[_RATE_OF_SPREADS] = share_of(spreads, tick / _HUNDRED)
    row[_SPREAD_SIZE] = size
    row[_SPREAD_VARIES] = 2.0 * math.sqrt(max(variance, 0.0))
    row[_SPREAD_FULLNESS] = _mean(habits[SPREAD_FULLNESS], spreads)

    since = dealings[NEIGHBOURS_SINCE]
    row[_NEIGHBOUR_TIME] = min((tick - since) / _LONG, 1.0) if since >= 0.0 else 0.0
    row[_ON_ME] = _mean(dealings[ATTACKS_ON], strikes)
    row[_ATTACKS_ON_ME] = share_of(dealings[ATTACKS_ON], 2.0)
    row[_FORCE_ON_ME] = share_of(dealings[FORCE_ON], 1.0)
    if dealings[LATEST_ON] >= 0.0:
        row[_LATEST_ON_ME] = max(1.0 - (tick - dealings[LATEST_ON]) / _LONG, 0.0)
