"""The PPO loss of one minibatch, with the numbers that describe it; pure tensors, no state."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from league.ppo.buffer import Samples

# The order of the vector that `ppo_loss` returns.
TERMS = ("loss", "policy_loss", "value_loss", "entropy", "kl", "clip_share")
KL = TERMS.index("kl")


@dataclass(frozen=True)
class LossSettings:
    """What the loss is made of in one update.

    Attributes:
        clip_range: the ratio is clipped to 1 -+ this.
        clip_range_vf: the same for the value's step; None does not clip it.
        ent_coef: weight of the entropy.
        vf_coef: weight of the value's squared error.
    """

    clip_range: float
    clip_range_vf: float | None
    ent_coef: float
    vf_coef: float


def normalised(advantages: Tensor, centre: Tensor | None = None) -> Tensor:
    """Return float32[n] with mean 0 and deviation 1, as Stable-Baselines3 does; needs n >= 2.

    Args:
        centre: what is subtracted instead of the mean, and the deviation is that from it. A choice
            of the largest has a mean of its own, which would turn the sign of some of them.
    """
    if centre is not None:
        distance = advantages - centre
        scaled: Tensor = distance / (distance.square().mean().sqrt() + 1e-8)
        return scaled
    return (advantages - advantages.mean()) / (advantages.std() + 1e-8)


def ppo_loss(
    log_probs: Tensor,
    values: Tensor,
    batch: Samples,
    advantages: Tensor,
    settings: LossSettings,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the clipped surrogate loss (Schulman et al. 2017), its terms, and the ratios.

    Args:
        log_probs: float32[n, A] of all actions, a large finite negative number where illegal.
        values: float32[n].
        batch: the n transitions.
        advantages: float32[n], normalised or not.
        settings: weights and clips.

    Returns:
        The loss to differentiate; float32[len(TERMS)] without gradient, means over the n
        transitions; float32[n], the ratios of new to old probability, without gradient.
    """
    log_prob = log_probs.gather(1, batch.actions[:, None])[:, 0]
    log_ratio = log_prob - batch.old_log_prob
    ratio = log_ratio.exp()
    clip = settings.clip_range
    clipped = ratio.clamp(1 - clip, 1 + clip)
    policy_loss = -torch.min(advantages * ratio, advantages * clipped).mean()
    if settings.clip_range_vf is not None:
        step = (values - batch.old_values).clamp(-settings.clip_range_vf, settings.clip_range_vf)
        values = batch.old_values + step
    value_loss = F.mse_loss(values, batch.returns)
    # The floor of an illegal action is finite and its probability exactly 0: no NaN, no gradient.
    entropy = -(log_probs.exp() * log_probs).sum(dim=1).mean()
    loss = policy_loss - settings.ent_coef * entropy + settings.vf_coef * value_loss
    with torch.no_grad():
        # http://joschu.net/blog/kl-approx.html, the low-variance estimate that is never negative.
        kl = (ratio - 1 - log_ratio).mean()
        clip_share = ((ratio - 1).abs() > clip).float().mean()
        terms = torch.stack((loss, policy_loss, value_loss, entropy, kl, clip_share))
    return loss, terms.detach(), ratio.detach()
