"""The space of one seat's observation: the only place that states its keys, types and bounds.

Environments, learners and exported models all use it, so that they fit together: Stable-Baselines3
compares the bounds of spaces one by one.
"""

from __future__ import annotations

from typing import Any, Final

import gymnasium
import numpy as np
from numpy.typing import NDArray

from arena.territory.engine.actions import N_ACTIONS
from arena.territory.observation.views import Views, scalar_names

SCALAR_RANGES: Final = {
    "fullness": (0.0, 2.0),  # above 1 when troops came home, or land was lost, this tick
    "growth": (-1.0, 0.5),  # negative while above the cap; at most 0.36 (cap of one tile)
    "log_troops": (0.0, 1.2),  # the cap of a whole 4096 x 4096 map is 43 million
    "contact": (0.0, 2.4),  # log2 of all tiles of such a map is 24
}
"""Ranges of the scalars that are not in 0..1; a direction's scalar by its last word."""


def scalar_bounds() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the lowest and the highest value of each scalar, two float32[F]."""
    ranges = [SCALAR_RANGES.get(name.rpartition(".")[2], (0.0, 1.0)) for name in scalar_names()]
    low, high = np.array(ranges, np.float32).T
    return low, high


def observation_space(views: Views, *, with_mask: bool = True) -> gymnasium.spaces.Dict:
    """Return the space of one seat's observation: three images, the scalars, the action mask.

    Args:
        views: sizes of the images.
        with_mask: False leaves out the mask, for learners, which store it with the action.
    """
    shapes = views.shapes()
    spaces: dict[str, gymnasium.Space[Any]] = {
        key: gymnasium.spaces.Box(0, 255, shapes[key], np.uint8)
        for key in ("global", "local", "tactical")
    }
    spaces["scalars"] = gymnasium.spaces.Box(*scalar_bounds(), dtype=np.float32)
    if with_mask:
        spaces["action_mask"] = gymnasium.spaces.Box(0, 1, (N_ACTIONS,), np.int8)
    return gymnasium.spaces.Dict(spaces)
