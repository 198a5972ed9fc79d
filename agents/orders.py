"""What scripted agents share: reading a batch's facts, and choosing an order from scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arena.agent import ALLIED, ASKS_ME, CAP, CONTACT, TARGET, TROOPS, IntArray, SeatBatch
from arena.territory.engine import rules
from arena.territory.engine.actions import ALLY as ALLY
from arena.territory.engine.actions import BUILD as BUILD
from arena.territory.engine.actions import UPGRADE as UPGRADE
from arena.territory.engine.actions import WAIT as WAIT

INTENSITIES = np.array(rules.INTENSITIES)  # shares of the home troops

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def direction_is_legal(batch: SeatBatch) -> BoolArray:
    """Return bool[n, 8]: directions with at least one legal intensity."""
    legal = batch.action_mask[:, :40].reshape(-1, 8, 5).any(axis=2)
    return np.asarray(legal, np.bool_)


def choose(
    batch: SeatBatch, score: FloatArray, share: FloatArray, wanted: BoolArray
) -> tuple[IntArray, BoolArray]:
    """Choose the wanted legal direction with the best score, at the intensity nearest to `share`.

    Args:
        score: float64[n, 8], higher is better; ties go to the larger contact.
        share: float64[n], wanted share of home troops; below half the smallest step means no order.
        wanted: bool[n, 8].

    Returns:
        (int64[n] actions, WAIT where there is nothing to do; bool[n] whether there was).
    """
    possible = wanted & direction_is_legal(batch) & (share >= 0.075)[:, None]
    ranked = np.where(possible, score + 1e-9 * contact(batch), -np.inf)
    direction = ranked.argmax(axis=1)
    found = np.asarray(possible.any(axis=1), np.bool_)
    intensity = np.abs(share[:, None] - INTENSITIES).argmin(axis=1)
    action = direction * 5 + intensity
    legal = batch.action_mask[np.arange(len(batch)), action]
    found = found & legal
    return np.where(found, action, WAIT).astype(np.int64), found


def city_order(batch: SeatBatch) -> IntArray:
    """Return int64[n]: what is done for cities as soon as it can be paid, WAIT for nothing.

    A new city where there is a place, since one lost city is then less; else a level more of the
    safest one. Both cost the same, and raise the cap by the same. Nothing in edition 2025.
    """
    mask = batch.action_mask
    if mask.shape[1] <= BUILD:
        return np.full(len(batch), WAIT, np.int64)
    more = np.where(mask[:, UPGRADE], UPGRADE, WAIT)
    return np.where(mask[:, BUILD], BUILD, more).astype(np.int64)


def acceptance(batch: SeatBatch) -> IntArray:
    """Return int64[n]: the order that accepts a request, WAIT if no neighbour waits for an answer.

    A request for an alliance, or to extend one that ends soon. Nothing in edition 2025.
    """
    mask = batch.action_mask
    if mask.shape[1] <= ALLY:
        return np.full(len(batch), WAIT, np.int64)
    asked = mask[:, ALLY : ALLY + rules.N_DIRECTIONS] & (batch.directions[:, :, ASKS_ME] > 0)
    return np.where(asked.any(axis=1), ALLY + asked.argmax(axis=1), WAIT).astype(np.int64)


def fullness(batch: SeatBatch) -> FloatArray:
    """Return float64[n]: home troops as a share of the cap."""
    full: FloatArray = batch.own[:, TROOPS] / np.maximum(batch.own[:, CAP], 1)
    return full


def contact(batch: SeatBatch) -> FloatArray:
    """Return float64[n, 8]: contact with each direction's target, in tiles."""
    return batch.directions[:, :, CONTACT].astype(np.float64)


def neutral(batch: SeatBatch) -> BoolArray:
    """Return bool[n, 8]: directions whose target is unowned land."""
    found: BoolArray = batch.directions[:, :, TARGET] == 0
    return found


def rivals(batch: SeatBatch) -> BoolArray:
    """Return bool[n, 8]: directions whose target is another player."""
    found: BoolArray = batch.directions[:, :, TARGET] > 0
    return found


def allies(batch: SeatBatch) -> BoolArray:
    """Return bool[n, 8]: directions whose target is an ally; none in edition 2025."""
    if batch.directions.shape[2] <= ALLIED:
        return np.zeros(batch.directions.shape[:2], np.bool_)
    found: BoolArray = rivals(batch) & (batch.directions[:, :, ALLIED] > 0)
    return found


def constant(batch: SeatBatch, share: float) -> FloatArray:
    """Return float64[n], `share` in each row."""
    return np.full(len(batch), share)
