"""Which actions are the same order: what goes to an owner, by whichever of its directions.

An attack goes to the owner of a direction, not to the direction (arena.territory.engine.actions),
and so do the orders of an alliance: the same one to the same owner by another direction is the same
order. The five WAITs are one. Every other action is an order of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arena.territory.engine.actions import ALLY, BREAK, BUILD, WAIT
from arena.territory.engine.rules import N_DIRECTIONS, N_INTENSITIES


def order_groups(targets: NDArray[np.int64], n_actions: int) -> NDArray[np.uint8]:
    """Return uint8[n, actions]: for each action the lowest action that gives the same order.

    Args:
        targets: int64[n, 8], the owner in each direction; -1 for none, whose orders are illegal.
        n_actions: of the match's edition.
    """
    same: NDArray[Any] = targets[:, :, None] == targets[:, None, :]
    lowest = same.argmax(axis=2)
    groups = np.full((len(targets), n_actions), WAIT, np.uint8)
    orders = lowest[:, :, None] * N_INTENSITIES + np.arange(N_INTENSITIES)
    groups[:, :WAIT] = orders.reshape(len(targets), WAIT)
    if n_actions > BUILD:
        groups[:, BUILD:] = np.arange(BUILD, n_actions)
        for first in (ALLY, BREAK):
            groups[:, first : first + N_DIRECTIONS] = first + lowest
    return groups
