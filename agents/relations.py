"""The relation mask: of the eight directions only those that matter stay legal for attacks.

A direction stays if it leads to the weakest rival (fewest home troops), to the strongest attacker
on this seat (most troops in an attack on it), or to neutral land, each where the contact is
longest. In edition 2026 boats go to neutral land, and elsewhere only from a seat that can attack
nobody over land: a boat takes a fifth of the home troops, and a learner that may send one at any
decision sent them in one of six. It is knowledge made by hand, on the side of the policy: the
network keeps its actions, and a learner with the mask never tries the orders of restless attacking
(docs/learning.md). A snapshot that was trained with it says so in its description and plays with it
everywhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agents.orders import WAIT
from arena.agent import ATTACK_ON_ME, CONTACT, LANDING, TARGET, TARGET_TROOPS, IntArray
from arena.territory.engine.actions import BOAT, BUILD
from arena.territory.engine.rules import N_DIRECTIONS

BoolArray = NDArray[np.bool_]


def relation_mask(mask: BoolArray, directions: IntArray) -> BoolArray:
    """Return the actions that stay legal, a new array.

    Directions that are equal in all that is compared stay together, so that the result does not
    depend on the order of directions: it turns with the board.

    Args:
        mask: bool[n, actions], the legal ones; a direction counts if one of its intensities is.
        directions: int64[n, 8, 7] or [n, 8, 17], the facts of a SeatBatch.

    Returns:
        bool[n, actions]; every action but attacks and boats is left as it is.
    """
    n = len(mask)
    orders = mask[:, :WAIT].reshape(n, N_DIRECTIONS, -1)
    legal = orders.any(axis=2)
    target, contact = directions[:, :, TARGET], directions[:, :, CONTACT]
    rivals = legal & (target > 0)
    troops, attack = directions[:, :, TARGET_TROOPS], directions[:, :, ATTACK_ON_ME]
    stays = _longest(_largest(-troops, rivals), contact)
    stays |= _longest(_largest(attack, rivals & (attack > 0)), contact)
    stays |= _longest(legal & (target == 0), contact)
    kept = mask.copy()
    kept[:, :WAIT] = (orders & stays[:, :, None]).reshape(n, WAIT)
    if mask.shape[1] > BUILD:
        settles = directions[:, :, LANDING] == 0
        penned = np.logical_not(np.any(legal, axis=1))
        kept[:, BOAT : BOAT + N_DIRECTIONS] &= settles | penned[:, None]
    return kept


def _largest(score: IntArray, among: BoolArray) -> BoolArray:
    """Return which of bool[n, 8] have the largest score, int64[n, 8], of their row."""
    held = np.where(among, score, np.iinfo(np.int64).min)
    found: BoolArray = among & (held == held.max(axis=1, keepdims=True))
    return found


def _longest(among: BoolArray, contact: IntArray) -> BoolArray:
    return _largest(contact, among)
