"""Which actions are the same order, so that imitation asks for no difference that is none.

An order goes to the owner of a direction, not to the direction (arena.territory.engine.actions):
the same intensity to the same owner by another direction is the same order. The five WAITs are one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from arena.territory.engine.actions import N_ACTIONS, WAIT
from arena.territory.engine.rules import N_INTENSITIES

N_DIRECTIONS = WAIT // N_INTENSITIES
NO_LABEL = 255
"""Stands for an order that the learner may not give: its mask is narrower than the game's."""


def order_groups(targets: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return uint8[n, 45]: for each action the lowest action that gives the same order.

    Args:
        targets: int64[n, 8], the owner in each direction; -1 for none, whose orders are illegal.
    """
    same: NDArray[Any] = targets[:, :, None] == targets[:, None, :]
    lowest = same.argmax(axis=2)
    groups = np.full((len(targets), N_ACTIONS), WAIT, np.uint8)
    orders = lowest[:, :, None] * N_INTENSITIES + np.arange(N_INTENSITIES)
    groups[:, :WAIT] = orders.reshape(len(targets), WAIT)
    return groups


def labels_of(
    actions: NDArray[np.int64], groups: NDArray[np.uint8], masks: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Return uint8[n], the group of each action, NO_LABEL where the mask leaves none of it.

    Args:
        actions: int64[n], legal in the game.
        masks: bool[n, 45], what the learner may choose from.
    """
    found: NDArray[np.uint8] = groups[np.arange(len(actions)), actions]
    allowed = ((groups == found[:, None]) & masks).any(axis=1)
    return np.where(allowed, found, NO_LABEL).astype(np.uint8)


def label_log_probs(log_probs: Tensor, groups: Tensor, labels: Tensor) -> Tensor:
    """Return float32[n]: the log-probability that a policy gives the teacher's order.

    Args:
        log_probs: float32[n, 45] under the mask.
        groups: int64[n, 45] of `order_groups`.
        labels: int64[n], groups.
    """
    floor = torch.finfo(log_probs.dtype).min / 2
    chosen = groups == labels[:, None]
    return torch.logsumexp(log_probs.masked_fill(~chosen, floor), dim=1)


def chosen_groups(log_probs: Tensor, groups: Tensor) -> Tensor:
    """Return int64[n]: the most probable order, with the probability of all its actions."""
    return torch.zeros_like(log_probs).scatter_add_(1, groups, log_probs.exp()).argmax(dim=1)
