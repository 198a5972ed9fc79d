"""Owns the reading of OpenFront's source pictures: what its map generator makes of each pixel.

Promises: a source picture gives the bytes of the `map.bin` that the game's own generator of 2026
makes of it (tests/arena/territory/maps/test_sources.py compares them where the pictures are at
hand). The rules, from openfrontio/OpenFrontIO, map-generator/README.md:

- Transparent pixels (alpha below 20) and pixels whose blue is 106 are water; pure black is
  impassable; all else is land of height (blue - 140) / 2, within 0..30, rounded up. Red and green
  say nothing. Colours are multiplied by their opacity first.
- Sides are cut to multiples of four.
- Land masses of fewer than 30 tiles become water; then all water but the largest becomes land of
  height 0 where it has fewer than 200 tiles. The largest water alone is ocean.
- Impassable tiles are land of magnitude 31 without shore; water beside one has magnitude 10.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arena.territory.maps.terrain import (
    IMPASSABLE_MAGNITUDE,
    LAND_BIT,
    MAX_MAGNITUDE,
    OCEAN_BIT,
    SHORELINE_BIT,
    BoolGrid,
    ByteGrid,
    distance_to,
    label_regions,
    touches,
)

Picture = NDArray[np.uint8]

_WATER_BLUE = 106
_WATER_COLOUR = (0, 0, _WATER_BLUE)  # of 65 of the 73 source pictures looked at
_LEAST_ALPHA = 20
_LOWEST_BLUE, _HIGHEST_BLUE = 140, 200
_MIN_ISLAND = 30
_MIN_LAKE = 200
_DEEP = 10  # packed magnitude of water beside impassable land
# 72 of the 73 are recognised so; in the last the sea is one grey. In two, a quarter of the land
# lies outside of the range of heights.
_LEAST_IN_RANGE = 0.75
_LEAST_WATER = 0.01


def is_source(pixels: Picture) -> bool:
    """Return whether a picture looks like a source of OpenFront's generator.

    Its water is the generator's key colour, or is clear (or its grey) around land whose blue
    channel holds heights; a picture without water must hold nothing but heights in steps of two.

    Args:
        pixels: uint8[height, width, 4]: red, green, blue, alpha.
    """
    opaque = pixels[..., 3] >= _LEAST_ALPHA
    blue = pixels[..., 2]
    is_key = opaque & (pixels[..., :3] == _WATER_COLOUR).all(axis=-1)
    if is_key.mean() >= _LEAST_WATER:
        return True
    rest = blue[opaque & (blue != _WATER_BLUE)]
    if rest.size == 0:
        return False
    in_range = (rest >= _LOWEST_BLUE) & (rest <= _HIGHEST_BLUE)
    if rest.size <= (1 - _LEAST_WATER) * blue.size:
        return bool(in_range.mean() >= _LEAST_IN_RANGE)
    return bool(in_range.all() and (rest % 2 == 0).all() and np.unique(rest).size > 2)


def read_source(pixels: Picture) -> tuple[ByteGrid, tuple[str, ...]]:
    """Return the bytes that the generator makes of a picture, and what it changed, in sentences.

    Args:
        pixels: uint8[height, width, 4]: red, green, blue, alpha.
    """
    notes = []
    height, width = (max(side - side % 4, min(side, 4)) for side in pixels.shape[:2])
    if (height, width) != pixels.shape[:2]:
        notes.append(
            f"cut from {pixels.shape[1]} x {pixels.shape[0]} to {width} x {height} tiles, "
            "multiples of four"
        )
    red, green, blue, alpha = np.moveaxis(pixels[:height, :width].astype(np.uint32), -1, 0)
    # As Go's image package does it: 16 bits, times the opacity, of which the upper 8 are used.
    red, green, blue = ((colour * 257 * alpha // 255) >> 8 for colour in (red, green, blue))
    water = (alpha < _LEAST_ALPHA) | (blue == _WATER_BLUE)
    impassable = ~water & (red == 0) & (green == 0) & (blue == 0)
    land = ~water & ~impassable
    heights = (np.clip(blue, _LOWEST_BLUE, _HIGHEST_BLUE) - _LOWEST_BLUE + 1) // 2
    islands, n_islands = _smaller_than(land, _MIN_ISLAND)
    land &= ~islands
    ocean = _largest(~land & ~impassable)
    lakes, n_lakes = _smaller_than(~land & ~impassable & ~ocean, _MIN_LAKE)
    land |= lakes
    heights[lakes] = 0
    if n_islands or n_lakes:
        notes.append(
            f"{n_islands} land masses of fewer than {_MIN_ISLAND} tiles became water, {n_lakes} "
            f"lakes of fewer than {_MIN_LAKE} land, as the game's generator does it"
        )
    return _pack(land, impassable, heights.astype(np.uint8), ocean), tuple(notes)


def _smaller_than(mask: BoolGrid, n_tiles: int) -> tuple[BoolGrid, int]:
    """Return the 4-connected regions of fewer tiles, and how many there are."""
    labels, sizes = label_regions(mask)
    small = sizes < n_tiles
    small[0] = False
    found: BoolGrid = small[labels]
    return found, int(small.sum())


def _largest(water: BoolGrid) -> BoolGrid:
    """Return the largest region; of equal ones that whose first tile is further to the left."""
    labels, sizes = label_regions(water)
    if sizes.size == 1:
        return np.zeros(water.shape, np.bool_)
    candidates = np.flatnonzero(sizes == sizes.max())
    by_column = labels.T.ravel()
    first = min(candidates, key=lambda label: int(np.argmax(by_column == label)))
    found: BoolGrid = labels == first
    return found


def _pack(land: BoolGrid, impassable: BoolGrid, heights: ByteGrid, ocean: BoolGrid) -> ByteGrid:
    water = ~land & ~impassable
    # Without impassable land the nearest land is reached through water alone.
    from_shore = (
        _distance_from_shore(land, water)
        if impassable.any()
        else np.where(water, distance_to(land) - 1, 0)
    )
    depth = np.minimum(from_shore + 1, 2 * MAX_MAGNITUDE) // 2
    depth[water & touches(impassable)] = _DEEP
    terrain = np.where(land, heights | LAND_BIT, depth).astype(np.uint8)
    terrain[(land & touches(water)) | (water & touches(land))] |= SHORELINE_BIT
    terrain[ocean] |= OCEAN_BIT
    terrain[impassable] = LAND_BIT | IMPASSABLE_MAGNITUDE
    return terrain


def _distance_from_shore(land: BoolGrid, water: BoolGrid) -> NDArray[np.int32]:
    """Return steps through water from the nearest tile of water beside land, up to 62.

    Water that no land touches, such as a pool in impassable rock, has distance 0.
    """
    limit = 2 * MAX_MAGNITUDE  # packed depths end there
    distance = np.zeros(water.shape, np.int32)
    front = water & touches(land)
    reached = front.copy()
    for step in range(1, limit + 1):
        front = water & touches(front) & ~reached
        if not front.any():
            return distance
        reached |= front
        distance[front] = step
    labels, sizes = label_regions(water)
    is_reached = np.zeros(sizes.size, np.bool_)
    is_reached[np.unique(labels[reached])] = True
    distance[water & is_reached[labels] & ~reached] = limit
    return distance
