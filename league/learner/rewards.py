"""The learner's reward: potential-based shaping and the final placement, nothing else.

    r_t = gamma * phi(t+1) - phi(t)                  while the seat lives,
    r_T = -phi(T-1) + placement * p + first * w      at its end (death or the match's own end),

p in [-1, 1] linear in the placement, w = 1 for the first place and 0 for any other, phi = land *
g(share of playable land) + strength * g(share of all troops, those in attacks included), g(x) = x /
(x + 1 / seats) - 1 / 2.

g follows what shares are worth: regressions of the final placement value on both shares, over the
seats of 40 matches of ten, gave slopes of 4.8 and 6.1 after 20 decisions of 10 ticks (shares near
0.1), 2.1 and 1.4 after 60 (near 0.2), 1.5 and 0.7 after 80. A straight line would reward the
leader for land that no longer decides anything, and take it back at the end. Even shares are worth
0, so phi is close to the placement value that is still to come.

Shaping by a potential leaves the best policy unchanged (Ng, Harada, Russell 1999): over an episode
its discounted sum is -phi(0), whatever the seat does, so neither dying nor waiting for the end
has an advantage. `with_team_share` does change what is best, and on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arena.reward import placement_reward

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class RewardWeights:
    """Weights of the terms; 0 switches a term off.

    Attributes:
        land: of playable land in the potential.
        strength: of all troops (home and in attacks) in the potential.
        placement: of the final placement.
        first: of the first place, in addition: who is to win takes risks for it that a mean
            placement does not pay.
        death: extra penalty when a seat is eliminated (not potential-based; 0 by default).
        team_share: share of each seat's reward that is the mean over its team, all the learner's
            seats of the match; see `with_team_share`.
    """

    land: float = 1.2
    strength: float = 1.4
    placement: float = 1.0
    first: float = 0.0
    death: float = 0.0
    team_share: float = 0.0


def potential(
    weights: RewardWeights, land: FloatArray, strength: FloatArray, n_seats: int
) -> FloatArray:
    """Return float64[...] of the shares (float64[...] in 0..1); 0 where both shares are even."""
    even = 1.0 / n_seats
    worth: FloatArray = weights.land * (land / (land + even) - 0.5)
    worth += weights.strength * (strength / (strength + even) - 0.5)
    return worth


def step_reward(gamma: float, before: FloatArray, after: FloatArray) -> FloatArray:
    """Return the reward of a decision that did not end the episode."""
    return gamma * after - before


def final_reward(
    weights: RewardWeights,
    before: FloatArray,
    placement: NDArray[np.int64],
    n_seats: int,
    died: NDArray[np.bool_],
) -> FloatArray:
    """Return the reward of the decision that ended the episode: the potential goes to zero."""
    ranked = weights.placement * placement_reward(placement, n_seats)
    won = weights.first * (placement == 1)
    reward: FloatArray = ranked + won - before - weights.death * died
    return reward


def with_team_share(weights: RewardWeights, rewards: FloatArray) -> FloatArray:
    """Mix the reward of each of the learner's seats of a match with the mean of the whole team.

    Half of the seats of a training match share one policy. Rewarded for itself alone, each does
    best by conquering the weakest neighbour, a teammate as often as not, and all together fall
    behind members that leave each other alone: a social dilemma, not a lack of skill. A share of
    the team's reward lets a seat feel what it does to its teammates (the "team spirit" of Berner et
    al. 2019). It also brings their luck into every seat's reward, so it is a share and not the
    whole.

    What teammates earn after a seat's death does not count for it; phi makes that nearly 0 on
    average.

    Args:
        rewards: float64[..., k]; 0 for seats that have ended.
    """
    together = rewards.mean(axis=-1, keepdims=True)
    mixed: FloatArray = (1.0 - weights.team_share) * rewards + weights.team_share * together
    return mixed
