"""A second task of the critic: whether the row will be there at its episode's end.

One layer beside the value reads what the value reads, and learns the probability of survival by
cross-entropy. Its gradient shapes the layers that policy and value share; play does not ask it, and
a snapshot does not hold it. The target of a transition is what became of its row: 1 or 0 where the
episode ended in the rollout, else what the layer says of the observation after it.
"""

from __future__ import annotations

from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from league.ppo.row_mean import RowMean

NAME = "survival_net"  # of the layer in the policy


class SurvivalTask:
    """The layer, which becomes a part of the policy and of its optimizer, and its loss.

    It starts at zero weights, a probability of one half, so that it draws no random number.

    Args:
        policy: an SB3 policy; `value_net` is a linear layer.
    """

    def __init__(self, policy: nn.Module) -> None:
        value_net = cast(nn.Linear, policy.get_submodule("value_net"))
        with torch.no_grad():
            self._net = nn.Linear(value_net.in_features, 1, device="meta")
            self._net.to_empty(device=value_net.weight.device)
            self._net.weight.zero_()
            self._net.bias.zero_()
        policy.add_module(NAME, self._net)
        optimizer = cast(torch.optim.Optimizer, policy.optimizer)
        optimizer.add_param_group({"params": list(self._net.parameters())})
        self._latent: Tensor | None = None
        value_net.register_forward_pre_hook(self._see)
        self._mean = RowMean()

    def _see(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        """Remember what the value is computed from."""
        self._latent = inputs[0]

    def _logits(self) -> Tensor:
        assert self._latent is not None
        logits: Tensor = self._net(self._latent.float())[:, 0]  # learner.precision
        return logits

    def chances(self) -> Tensor:
        """Return float32[n], the probabilities of survival of the rows of the last evaluation."""
        return torch.sigmoid(self._logits())

    def loss(self, fates: Tensor) -> Tensor:
        """Return the mean cross-entropy of the rows of the last evaluation.

        Args:
            fates: float32[n], targets in 0..1.
        """
        found = F.binary_cross_entropy_with_logits(self._logits(), fates)
        self._mean.add(found, len(fates))
        return found

    def take_mean(self) -> float | None:
        """Return the mean loss since the last call, in nats, or None if there was none."""
        return self._mean.take()
