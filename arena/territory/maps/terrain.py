"""Owns the meaning of a terrain byte and what follows from land and water alone.

Promises: pure functions of arrays with integer results, the same on every platform. The bits are
those of OpenFront's `map.bin`: 7 land, 6 shoreline, 5 ocean, 0-4 magnitude. On land the magnitude
is the height (below 10 plains, below 20 highland, else mountain); on water it grows with the
distance from land.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LAND_BIT = 0x80
SHORELINE_BIT = 0x40
OCEAN_BIT = 0x20
MAGNITUDE_MASK = 0x1F
MAX_MAGNITUDE = 31
IMPASSABLE_MAGNITUDE = 31  # of land, in OpenFront's maps of 2026; heights end at 30
MAX_HEIGHT = 30
HIGHLAND_MAGNITUDE = 10  # first magnitude of highland
MOUNTAIN_MAGNITUDE = 20  # first magnitude of mountain

BoolGrid = NDArray[np.bool_]
ByteGrid = NDArray[np.uint8]
LabelGrid = NDArray[np.int32]


def label_regions(mask: BoolGrid) -> tuple[LabelGrid, NDArray[np.int64]]:
    """Number the 4-connected regions of a mask.

    Args:
        mask: bool[height, width].

    Returns:
        labels int32[height, width], 0 outside the mask and 1..n in row-major order of first
        tiles, and sizes int64[n + 1] in tiles, with sizes[0] = 0.
    """
    from scipy import ndimage

    labels = np.zeros(mask.shape, dtype=np.int32)
    n_regions = int(ndimage.label(mask, output=labels))
    sizes = np.bincount(labels.ravel(), minlength=n_regions + 1).astype(np.int64)
    sizes[0] = 0
    return labels, sizes


def largest_region(mask: BoolGrid) -> BoolGrid:
    """Return the largest 4-connected region of a mask, bool[height, width].

    Of regions of equal size the one whose first tile comes first in row-major order is taken, so
    that every platform plays on the same land. An empty mask gives an empty region.
    """
    labels, sizes = label_regions(mask)
    if sizes.size == 1:
        return np.zeros(mask.shape, dtype=np.bool_)
    region: BoolGrid = labels == int(np.argmax(sizes))
    return region


def touches(mask: BoolGrid) -> BoolGrid:
    """Return the tiles that have a 4-neighbour in the mask, bool[height, width]; no wrap."""
    near = np.zeros(mask.shape, dtype=np.bool_)
    near[1:] |= mask[:-1]
    near[:-1] |= mask[1:]
    near[:, 1:] |= mask[:, :-1]
    near[:, :-1] |= mask[:, 1:]
    return near


def distance_to(mask: BoolGrid) -> NDArray[np.int32]:
    """Return the taxicab distance in tiles to the nearest tile of the mask.

    Args:
        mask: bool[height, width].

    Returns:
        int32[height, width]: 0 inside the mask; width + height where the mask is empty.
    """
    from scipy import ndimage

    if not mask.any():
        return np.full(mask.shape, sum(mask.shape), dtype=np.int32)
    distance: NDArray[np.int32] = ndimage.distance_transform_cdt(~mask, metric="taxicab")
    return distance.astype(np.int32, copy=False)


def ocean_of(water: BoolGrid) -> BoolGrid:
    """Return the water that counts as ocean, bool[height, width].

    The largest body of water is ocean, as in OpenFront's map builder, and so is every body that
    touches the edge of the map, since it may continue outside.
    """
    labels, sizes = label_regions(water)
    if sizes.size == 1:
        return np.zeros(water.shape, dtype=np.bool_)
    is_ocean = np.zeros(sizes.size, dtype=np.bool_)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        is_ocean[edge] = True
    is_ocean[int(np.argmax(sizes))] = True
    is_ocean[0] = False
    ocean: BoolGrid = is_ocean[labels]
    return ocean


def encode_terrain(land: BoolGrid, height: ByteGrid) -> ByteGrid:
    """Build the bytes of a map from land and height.

    Args:
        land: bool[rows, columns].
        height: uint8[rows, columns], 0..31, read on land only.

    Returns:
        uint8[rows, columns]. Shoreline is land next to water and water next to land. A water
        tile at taxicab distance d from land has magnitude min(d // 2, 31), as in the published
        OpenFront maps.
    """
    water = ~land
    depth = np.minimum(distance_to(land) // 2, MAX_MAGNITUDE).astype(np.uint8)
    terrain = np.where(land, (height & MAGNITUDE_MASK) | LAND_BIT, depth).astype(np.uint8)
    shoreline = (land & touches(water)) | (water & touches(land))
    terrain[shoreline] |= SHORELINE_BIT
    terrain[ocean_of(water)] |= OCEAN_BIT
    return terrain
