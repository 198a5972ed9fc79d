"""The mean of a policy's weights over its newest decisions, which its snapshots hold.

The steps of a rate that does not fall to zero carry the weights about a good point, not into it;
their mean is nearer (Polyak and Juditsky 1992, "Acceleration of Stochastic Approximation by
Averaging"). Training goes on from the weights themselves: the mean is played by nobody but the
snapshots.

Promises: the mean is over the newest quarter of what it has seen, `window` decisions at most, so
that an early snapshot is not held back by untrained weights; a checkpoint keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from msattn.actor_critic import policy_weights

if TYPE_CHECKING:
    from league.ppo.algorithm import LeaguePPO

_NEWEST = 0.25  # of the decisions seen


class AveragedWeights:
    """An exponential moving average of a policy's weights.

    Args:
        window: decisions that the average reaches back, in the mean; None averages nothing.

    Attributes:
        weights: the average under ActorCritic's names; empty without a window or an update.
        n_seen: decisions of the updates that went into it.
    """

    def __init__(self, window: int | None) -> None:
        self.window = window
        self.weights: dict[str, Tensor] = {}
        self.n_seen = 0

    def add(self, policy: nn.Module, n_decisions: int) -> None:
        """Take the weights after an update.

        Args:
            policy: an SB3 policy, the same each time.
            n_decisions: that the update learned from.
        """
        if self.window is None:
            return
        weights = policy_weights(policy.state_dict())
        self.n_seen += n_decisions
        share = n_decisions / max(min(self.window, self.n_seen * _NEWEST), 1.0)
        if not self.weights or share >= 1.0:
            self.weights = {name: tensor.detach().clone() for name, tensor in weights.items()}
            return
        with torch.no_grad():
            for name, tensor in weights.items():
                averaged = self.weights[name]
                if tensor.is_floating_point():
                    averaged.lerp_(tensor, share)
                else:  # a count
                    averaged.copy_(tensor)

    def restore(self, weights: Mapping[str, Tensor], n_seen: int) -> None:
        """Go on from a checkpoint's average, where there is one and a window."""
        if self.window is None:
            weights = {}
        self.weights = dict(weights)
        self.n_seen = n_seen if weights else 0


def snapshot_weights(ppo: LeaguePPO) -> dict[str, Tensor]:
    """Return what a snapshot of now holds, under ActorCritic's names; not copied."""
    return ppo.averaged.weights or policy_weights(ppo.policy.state_dict())
