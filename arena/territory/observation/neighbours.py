"""A seat's neighbours: one row per owner that it could attack, of what it is and what it did.

The directions whose target is the same owner share one row, that of the first of them; the other
rows are zero. Columns are described in views.py (NEIGHBOUR_FACTS).
"""

from __future__ import annotations

import math

import numpy as np

from arena.territory.engine.compiled import compiled
from arena.territory.engine.formulas import troop_cap
from arena.territory.engine.state import State
from arena.territory.observation.buffers import Scratch
from arena.territory.observation.facts import attack_on, attacks_of_others, in_troop_parts, share_of
from arena.territory.observation.views import N_NEIGHBOUR_MEMBERSHIP

_FIRST = N_NEIGHBOUR_MEMBERSHIP


@compiled(internal=True)
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
            _write_present(s, w, p, q, targets, out[d])
            out[d, _FIRST + 3] = mask[d * 5 + 4]


@compiled(internal=True)
def _write_present(
    s: State, w: Scratch, p: int, q: int, targets: np.ndarray, row: np.ndarray
) -> None:
    """Write what the board shows now of p's neighbour q, all but whether it may be attacked."""
    mine = float(s.troops[p])
    contact = 0
    for d in range(8):
        if targets[d] == q:
            contact += s.direction_contact[d]
    outgoing = attack_on(s.slot_of, s.attack_troops, p, q)
    row[_FIRST] = 1.0
    row[_FIRST + 1] = 1.0 if q == 0 else 0.0
    row[_FIRST + 2] = 1.0 if q > 0 else 0.0
    row[_FIRST + 4] = math.log2(1.0 + contact) / 10.0
    row[_FIRST + 9] = share_of(outgoing, mine)
    others = attacks_of_others(w, q, outgoing)
    if q == 0:
        row[_FIRST + 10] = share_of(others, mine)
        return
    theirs = float(s.troops[q])
    incoming = attack_on(s.slot_of, s.attack_troops, q, p)
    row[_FIRST + 5] = share_of(theirs, mine)
    row[_FIRST + 6] = share_of(float(s.tiles[q]), float(s.tiles[p]))
    row[_FIRST + 7] = share_of(theirs / s.tiles[q], mine / max(s.tiles[p], 1))
    row[_FIRST + 8] = share_of(incoming, mine)
    row[_FIRST + 10] = share_of(others, theirs)
    cap = troop_cap(s.tiles[q], s.cap_divisor[q], s.cap_factor[q])
    row[_FIRST + 11] = min(theirs / cap, 2.0)
    row[_FIRST + 12] = share_of(w.out_troops[q] - in_troop_parts(incoming), theirs)
