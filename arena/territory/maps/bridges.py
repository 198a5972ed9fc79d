"""Owns land bridges: joining separate land masses into one, because boats do not exist.

Promises: land only grows; masses of at least 1 % of all land end in one 4-connected piece, with
little new land (a minimum spanning tree over the narrowest straits); integer arithmetic only.
Smaller islets stay separate, as scenery.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from arena.territory.maps.terrain import BoolGrid, LabelGrid, label_regions

_LEAST_JOINED_SHARE = 0.01  # of all land; smaller islets are scenery

RandomInteger = Callable[[int, int], int]
Tile = tuple[int, int]


def join_land(land: BoolGrid, random_integer: RandomInteger) -> BoolGrid:
    """Join the larger land masses by bridges over the narrowest straits.

    Args:
        land: bool[height, width].
        random_integer: draws from low..high, both included; bends the bridges.

    Returns:
        bool[height, width], a new array.
    """
    land = land.copy()
    labels, sizes = label_regions(land)
    joined = sizes >= max(1, int(_LEAST_JOINED_SHARE * int(sizes.sum())))
    joined[0] = False
    if np.count_nonzero(joined) < 2:
        return land
    half_width = max(1, min(land.shape) // 56)
    for start, end in _narrowest_straits(np.where(joined[labels], labels, 0)):
        _paint_bridge(land, start, end, half_width, random_integer)
    return land


def _narrowest_straits(labels: LabelGrid) -> list[tuple[Tile, Tile]]:
    """Return the ends (row, column) of a minimum spanning tree of straits between land masses.

    Every water tile belongs to its nearest mass; where two such basins touch, the way from one
    coast over the two tiles to the other is a candidate. One distance transform serves all masses.
    """
    from scipy import ndimage

    distance, nearest = ndimage.distance_transform_cdt(
        labels == 0, metric="taxicab", return_indices=True
    )
    basin = labels[nearest[0], nearest[1]]
    pairs: list[NDArray[np.int64]] = []
    width = labels.shape[1]
    index = np.arange(labels.size, dtype=np.int64).reshape(labels.shape)
    for here, there in (
        ((slice(None, -1), slice(None)), (slice(1, None), slice(None))),
        ((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
    ):
        differ = basin[here] != basin[there]
        a, b = basin[here][differ].astype(np.int64), basin[there][differ].astype(np.int64)
        length = (distance[here][differ] + distance[there][differ]).astype(np.int64)
        ends = index[here][differ], index[there][differ]
        pairs.append(np.stack([length, np.minimum(a, b), np.maximum(a, b), *ends], axis=1))
    candidates = np.concatenate(pairs)
    candidates = candidates[np.lexsort(candidates.T[::-1])]
    _, first = np.unique(candidates[:, 1:3], axis=0, return_index=True)
    straits = []
    root = {int(label): int(label) for label in np.unique(candidates[:, 1:3])}
    for row in np.sort(first):  # shortest strait of every pair of masses, shortest first
        _, a, b, here_index, there_index = (int(value) for value in candidates[row])
        if _find(root, a) == _find(root, b):
            continue
        root[_find(root, a)] = _find(root, b)
        ends_of_strait = []
        for tile in (here_index, there_index):
            y, x = divmod(tile, width)
            ends_of_strait.append((int(nearest[0][y, x]), int(nearest[1][y, x])))
        straits.append((ends_of_strait[0], ends_of_strait[1]))
    return straits


def _find(root: dict[int, int], label: int) -> int:
    while root[label] != label:
        label = root[label]
    return label


def _paint_bridge(
    land: BoolGrid, start: Tile, end: Tile, half_width: int, random_integer: RandomInteger
) -> None:
    """Turn a bent line of discs into land, in place; its ends are already land."""
    bend = max(abs(end[0] - start[0]), abs(end[1] - start[1])) // 5
    middle = (
        _clamp((start[0] + end[0]) // 2 + random_integer(-bend, bend), land.shape[0]),
        _clamp((start[1] + end[1]) // 2 + random_integer(-bend, bend), land.shape[1]),
    )
    for first, last in ((start, middle), (middle, end)):
        n_steps = max(abs(last[0] - first[0]), abs(last[1] - first[1]), 1)
        for step in range(n_steps + 1):
            y = first[0] + (last[0] - first[0]) * step // n_steps
            x = first[1] + (last[1] - first[1]) * step // n_steps
            _paint_disc(land, y, x, half_width + random_integer(0, max(half_width // 2, 1)))


def _paint_disc(land: BoolGrid, y: int, x: int, radius: int) -> None:
    top, bottom = max(y - radius, 0), min(y + radius + 1, land.shape[0])
    left, right = max(x - radius, 0), min(x + radius + 1, land.shape[1])
    dy = np.arange(top, bottom)[:, None] - y
    dx = np.arange(left, right)[None, :] - x
    land[top:bottom, left:right] |= dy * dy + dx * dx <= radius * radius + radius


def _clamp(value: int, n: int) -> int:
    return min(max(value, 0), n - 1)
