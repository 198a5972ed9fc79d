"""The space of one seat's observation: the only place that states its keys, types and bounds.

Environments, learners and exported models all use it, so that they fit together: Stable-Baselines3
compares the bounds of spaces one by one. Outside of the league a view of fewer than 36 cells is
shown in a frame of zeros, because the default networks of other libraries cannot take a smaller
image: the three layers of the "Nature" network (8 x 8 by 4, 4 x 4 by 2, 3 x 3) leave nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import gymnasium
import numpy as np
from numpy.typing import NDArray

from arena.territory.observation.keys import VIEW_NAMES
from arena.territory.observation.views import (
    N_CHANNELS,
    N_NEIGHBOUR_MEMBERSHIP,
    OBSERVATION_VERSION,
    Views,
    neighbour_names,
    scalar_names,
)
from arena.territory.observation.views_2026 import LANDING_FACTS

SCALAR_RANGES: Final = {
    "fullness": (0.0, 2.0),  # above 1 when troops came home, or land was lost, this tick
    **dict.fromkeys(("mean_fullness", "strike_fullness", "spread_fullness"), (0.0, 2.0)),
    "growth": (-1.0, 0.5),  # negative while above the cap; at most 0.36 (cap of one tile)
    "log_troops": (0.0, 1.2),  # the cap of a whole 4096 x 4096 map is 43 million
    "contact": (0.0, 2.4),  # log2 of all tiles of such a map is 24
    **dict.fromkeys(("gold", "price", "crossing"), (0.0, 1.4)),  # 13 digits; 8,192 tiles
}
"""Ranges of the scalars and of neighbours' facts that are not in 0..1; a direction's scalar by its
last word."""


SMALLEST_SIDE: Final = 36
"""Pixels per side that the default image networks of Stable-Baselines3 and its like need."""


class FramedBox(gymnasium.spaces.Box):
    """An image space whose outermost `margin` cells, on all four sides, are always 0.

    Saved models name this class by its place, so that it may not move.
    """

    def __init__(self, side: int, margin: int, n_channels: int = N_CHANNELS) -> None:
        framed = side + 2 * margin
        super().__init__(0, 255, (n_channels, framed, framed), np.uint8)
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


Bounds = tuple[NDArray[np.float32], NDArray[np.float32]]


def _bounds(names: Iterable[str], n_before: int = 0) -> Bounds:
    """Return the lowest and the highest value of these, after `n_before` shares."""
    unit = (0.0, 1.0)
    ranges = [SCALAR_RANGES.get(name.rpartition(".")[2], unit) for name in names]
    low, high = np.array([unit] * n_before + ranges, np.float32).T
    return low, high


def scalar_bounds(observation_version: int = OBSERVATION_VERSION) -> Bounds:
    """Return the lowest and the highest value of each scalar, two float32[F]."""
    return _bounds(scalar_names(observation_version))


def neighbour_bounds(observation_version: int = OBSERVATION_VERSION) -> Bounds:
    """Return the lowest and the highest value of a neighbour's row, two float32[W]."""
    return _bounds(neighbour_names(observation_version), N_NEIGHBOUR_MEMBERSHIP)


def landing_bounds() -> Bounds:
    """Return the lowest and the highest value of a landing's row, two float32[L]."""
    return _bounds(name for name, _ in LANDING_FACTS)


def _box_of_rows(bounds: Bounds) -> gymnasium.spaces.Box:
    low, high = (np.tile(bound, (8, 1)) for bound in bounds)
    return gymnasium.spaces.Box(low, high, dtype=np.float32)


def observation_space(
    views: Views, *, with_mask: bool = True, with_frames: bool = True
) -> gymnasium.spaces.Dict:
    """Return the space of one seat's observation: three images, scalars, neighbours, action mask.

    Args:
        views: sizes of the images, and the version: neighbours come with version 2, landings and
            the actions of edition 2026 with version 3.
        with_mask: False leaves out the mask, for learners, which store it with the action.
        with_frames: False shows small views as they are, as learners and agents get them.
    """
    spaces: dict[str, gymnasium.Space[Any]] = {}
    version, shapes = views.observation_version, views.shapes()
    for key in VIEW_NAMES:
        shape = shapes[key]
        margin = margin_of(shape[-1]) if with_frames else 0
        if margin:
            spaces[key] = FramedBox(shape[-1], margin, shape[0])
        else:
            spaces[key] = gymnasium.spaces.Box(0, 255, shape, np.uint8)
    spaces["scalars"] = gymnasium.spaces.Box(*scalar_bounds(version), dtype=np.float32)
    if "neighbours" in shapes:
        spaces["neighbours"] = _box_of_rows(neighbour_bounds(version))
    if "landings" in shapes:
        spaces["landings"] = _box_of_rows(landing_bounds())
    if with_mask:
        spaces["action_mask"] = gymnasium.spaces.Box(0, 1, (views.n_actions,), np.int8)
    return gymnasium.spaces.Dict(spaces)
