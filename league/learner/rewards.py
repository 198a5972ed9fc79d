"""What a learner is paid: potential-based shaping and the final placement, nothing else.

    r_t = gamma * phi(t+1) - phi(t)            while the seat lives,
    r_T = -phi(T-1) + placement * p            at its end (death or the match's own end),

with phi = land * (share of playable land) + strength * (share of all troops, attacks included) and
p in [-1, 1] linear in the placement.  Shaping by a potential leaves the best policy unchanged (Ng,
Harada, Russell 1999): over an episode its discounted sum is -phi(0), whatever the seat does, so
dying never pays and waiting for the clock never pays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class RewardWeights:
    """Weights of the terms; 0 switches a term off.

    Attributes:
        land: of the share of playable land in the potential.
        strength: of the share of all troops (home and in attacks) in the potential.
        placement: of the final placement.
        death: extra penalty when a seat is eliminated (not potential-based; 0 by default).
    """

    land: float = 2.0
    strength: float = 1.0
    placement: float = 1.0
    death: float = 0.0


def potential(weights: RewardWeights, land: FloatArray, strength: FloatArray) -> FloatArray:
    """float64[n] of the shares, both float64[n] in 0..1."""
    return weights.land * land + weights.strength * strength


def placement_value(placement: NDArray[np.int64], n_seats: int) -> FloatArray:
    """float64[n] in [-1, 1]: 1 for the first place, -1 for the last."""
    return 1.0 - 2.0 * (placement - 1) / (n_seats - 1)


def step_reward(gamma: float, before: FloatArray, after: FloatArray) -> FloatArray:
    """Reward of a decision that did not end the episode."""
    return gamma * after - before


def final_reward(
    weights: RewardWeights,
    before: FloatArray,
    placement: NDArray[np.int64],
    n_seats: int,
    died: NDArray[np.bool_],
) -> FloatArray:
    """Reward of the decision that ended the episode: the potential goes to zero."""
    return weights.placement * placement_value(placement, n_seats) - before - weights.death * died
