"""The space of one seat's observation: the only place that states its keys, types and bounds.

Environments, learners and exported models all use it, so that they fit together: Stable-Baselines3
compares the bounds of spaces one by one. Outside of the league a view of fewer than 36 cells is
shown in a frame of zeros, because the default networks of other libraries cannot take a smaller
image: the three layers of the "Nature" network (8 x 8 by 4, 4 x 4 by 2, 3 x 3) leave nothing of it.
"""

from __future__ import annotations

from typing import Any, Final

import gymnasium
import numpy as np
from numpy.typing import NDArray

from arena.territory.engine.actions import N_ACTIONS
from arena.territory.observation.views import (
    N_CHANNELS,
    N_NEIGHBOUR_MEMBERSHIP,
    NEIGHBOUR_FACTS,
    Views,
    scalar_names,
)

SCALAR_RANGES: Final = {
    "fullness": (0.0, 2.0),  # above 1 when troops came home, or land was lost, this tick
    **dict.fromkeys(("mean_fullness", "strike_fullness", "spread_fullness"), (0.0, 2.0)),
    "growth": (-1.0, 0.5),  # negative while above the cap; at most 0.36 (cap of one tile)
    "log_troops": (0.0, 1.2),  # the cap of a whole 4096 x 4096 map is 43 million
    "contact": (0.0, 2.4),  # log2 of all tiles of such a map is 24
}
"""Ranges of the scalars and of neighbours' facts that are not in 0..1; a direction's scalar by its
last word."""


SMALLEST_SIDE: Final = 36
"""Pixels per side that the default image networks of Stable-Baselines3 and its like need."""


class FramedBox(gymnasium.spaces.Box):
    """An image space whose outermost `margin` cells, on all four sides, are always 0.

    Saved models name this class by its place, so that it may not move.
    """

    def __init__(self, side: int, margin: int) -> None:
        framed = side + 2 * margin
        super().__init__(0, 255, (N_CHANNELS, framed, framed), np.uint8)
        self.margin = margin


def margin_of(side: int) -> int:
    """Return the width of the frame that makes a view of `side` cells large enough."""
    return max(0, (SMALLEST_SIDE - side + 1) // 2)


def framed(views: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return views with their frames.

    Args:
        views: uint8[..., side, side].

    Returns:
        The same array if they need no frame, else a new one.
    """
    margin = margin_of(views.shape[-1])
    if not margin:
        return views
    sides = (views.shape[-2] + 2 * margin, views.shape[-1] + 2 * margin)
    around = np.zeros((*views.shape[:-2], *sides), np.uint8)
    around[..., margin:-margin, margin:-margin] = views
    return around


def scalar_bounds() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the lowest and the highest value of each scalar, two float32[F]."""
    ranges = [SCALAR_RANGES.get(name.rpartition(".")[2], (0.0, 1.0)) for name in scalar_names()]
    low, high = np.array(ranges, np.float32).T
    return low, high


def neighbour_bounds() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the lowest and the highest value of a neighbour's row, two float32[W]."""
    unit = (0.0, 1.0)
    ranges = [unit] * N_NEIGHBOUR_MEMBERSHIP
    ranges += [SCALAR_RANGES.get(name, unit) for name, _ in NEIGHBOUR_FACTS]
    low, high = np.array(ranges, np.float32).T
    return low, high


def observation_space(
    views: Views, *, with_mask: bool = True, with_frames: bool = True
) -> gymnasium.spaces.Dict:
    """Return the space of one seat's observation: three images, scalars, neighbours, action mask.

    Args:
        views: sizes of the images, and the version: neighbours come with version 2.
        with_mask: False leaves out the mask, for learners, which store it with the action.
        with_frames: False shows small views as they are, as learners and agents get them.
    """
    spaces: dict[str, gymnasium.Space[Any]] = {}
    for key, shape in views.shapes().items():
        if key in ("scalars", "neighbours"):
            continue
        margin = margin_of(shape[-1]) if with_frames else 0
        if margin:
            spaces[key] = FramedBox(shape[-1], margin)
        else:
            spaces[key] = gymnasium.spaces.Box(0, 255, shape, np.uint8)
    spaces["scalars"] = gymnasium.spaces.Box(*scalar_bounds(), dtype=np.float32)
    if "neighbours" in views.shapes():
        bounds = (np.tile(bound, (8, 1)) for bound in neighbour_bounds())
        spaces["neighbours"] = gymnasium.spaces.Box(*bounds, dtype=np.float32)
    if with_mask:
        spaces["action_mask"] = gymnasium.spaces.Box(0, 1, (N_ACTIONS,), np.int8)
    return gymnasium.spaces.Dict(spaces)
