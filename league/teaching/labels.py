"""What imitation asks for: the teacher's order, by whichever action it is given.

Which actions are the same order says agents.same_orders.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

NO_LABEL = 255
"""Stands for an order that the learner may not give: its mask is narrower than the game's."""


def labels_of(
    actions: NDArray[np.int64], groups: NDArray[np.uint8], masks: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Return uint8[n], the group of each action, NO_LABEL where the mask leaves none of it.

    Args:
        actions: int64[n], legal in the game.
        masks: bool[n, actions], what the learner may choose from.
    """
    found: NDArray[np.uint8] = groups[np.arange(len(actions)), actions]
    allowed = ((groups == found[:, None]) & masks).any(axis=1)
    return np.where(allowed, found, NO_LABEL).astype(np.uint8)


def label_log_probs(log_probs: Tensor, groups: Tensor, labels: Tensor) -> Tensor:
    """Return float32[n]: the log-probability that a policy gives the teacher's order.

    Args:
        log_probs: float32[n, actions] under the mask.
        groups: int64[n, actions] of `order_groups`.
        labels: int64[n], groups.
    """
    floor = torch.finfo(log_probs.dtype).min / 2
    chosen = groups == labels[:, None]
    return torch.logsumexp(log_probs.masked_fill(~chosen, floor), dim=1)


def chosen_groups(log_probs: Tensor, groups: Tensor) -> Tensor:
    """Return int64[n]: the most probable order, with the probability of all its actions."""
    return torch.zeros_like(log_probs).scatter_add_(1, groups, log_probs.exp()).argmax(dim=1)
