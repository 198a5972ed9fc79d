"""What holds PPO near another policy: that of a teacher's lesson, or its own best so far."""

from __future__ import annotations

import torch
from torch import Tensor

from league.ppo.row_mean import RowMean
from msattn.actor_critic import ActorCritic, masked_log_softmax


class NearPolicy:
    """An extra term of the loss: the divergence KL(reference || now), in nats, times a weight.

    The direction is that of kickstarting (Schmitt et al. 2018): what the reference did must
    stay possible, what it never did is not forbidden by it.

    Args:
        reference: the policy to stay near; frozen here.

    Attributes:
        weight: of the term; 0 costs a forward pass and changes nothing.
    """

    def __init__(self, reference: ActorCritic) -> None:
        self._reference = reference.eval().requires_grad_(False)
        self.weight = 0.0
        self._mean = RowMean()

    def __call__(self, observations: dict[str, Tensor], masks: Tensor, log_probs: Tensor) -> Tensor:
        """Return the weighted mean over the rows; see `league.ppo.update.ExtraLoss`."""
        with torch.no_grad():
            before = masked_log_softmax(self._reference(observations)[0], masks)
        gap = torch.where(masks, before.exp() * (before - log_probs), torch.zeros_like(before))
        divergence = gap.sum(dim=1).mean()
        self._mean.add(divergence, len(masks))
        return self.weight * divergence

    def take_mean(self) -> float | None:
        """Return the mean divergence since the last call, or None if none was computed."""
        return self._mean.take()
