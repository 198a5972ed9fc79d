"""The reward of a placement, shared by the environments and the learners."""

from __future__ import annotations

from typing import overload

import numpy as np
from numpy.typing import NDArray


@overload
def placement_reward(placement: int, n_seats: int) -> float: ...


@overload
def placement_reward(placement: NDArray[np.int64], n_seats: int) -> NDArray[np.float64]: ...


def placement_reward(
    placement: int | NDArray[np.int64], n_seats: int
) -> float | NDArray[np.float64]:
    """Return 1 - 2 (placement - 1) / (n_seats - 1): 1 for the first, -1 for the last place.

    The rewards are evenly spaced, so those of a match without ties add up to 0.

    Args:
        placement: 1 or more, a number or int64[...].
        n_seats: seats of the match, at least 2.
    """
    return 1.0 - 2.0 * (placement - 1) / (n_seats - 1)
