"""How far a policy has moved: its divergence from what it said of some observations before."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from league.ppo.algorithm import LeaguePPO

N_ROWS = 256


@dataclass(frozen=True, eq=False)
class Reference:
    """Some observations, and what a policy said of them.

    Attributes:
        observations: per key [n, ...] on the device.
        masks: bool[n, A].
        log_probs: float32[n, A].
    """

    observations: dict[str, Tensor]
    masks: Tensor
    log_probs: Tensor

    @classmethod
    def of(cls, ppo: LeaguePPO) -> Reference | None:
        """Ask the current policy about rows of its last rollout; None before the first one."""
        buffer = ppo.rollout_buffer
        if not hasattr(buffer, "pos") or buffer.size() == 0:
            return None
        step = max(1, buffer.size() // N_ROWS)
        rows = torch.arange(0, buffer.size(), step, device=buffer.device)
        observations = {key: tensor[rows] for key, tensor in buffer.observations.items()}
        masks = buffer.action_masks[rows]
        with torch.inference_mode():
            log_probs, _ = ppo.evaluate(observations, masks)
        return cls(observations, masks, log_probs)

    def kl(self, ppo: LeaguePPO) -> float:
        """Return the mean KL(then || now) in nats."""
        before = self.log_probs
        with torch.inference_mode():
            now, _ = ppo.evaluate(self.observations, self.masks)
            gap = torch.where(self.masks, before.exp() * (before - now), torch.zeros_like(before))
            return float(gap.sum(dim=1).mean())
