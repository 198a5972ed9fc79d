"""Owns what a map is: its tiles, its identity, and what follows from them.

Promises: a map is what its bytes say, and cannot be changed. Two maps with the same `sha256` are
the same map, whatever their names.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from arena.errors import MapError
from arena.territory.maps.terrain import (
    IMPASSABLE_MAGNITUDE,
    LAND_BIT,
    MAGNITUDE_MASK,
    BoolGrid,
    ByteGrid,
    largest_region,
)

MAX_NAME = 200  # characters; a manifest may hold megabytes
_JOINERS = "\u200c\u200d"  # not printable by Python's rule, but scripts and emoji need them
MAX_TILES = 4096 * 4096  # bounds memory; the largest published maps have half of it
MAX_SIDE = 16_384  # published maps of 2026 are rivers of 6000 x 400 tiles
_LAND_AND_HEIGHT = np.uint8(LAND_BIT | MAGNITUDE_MASK)
_Array = TypeVar("_Array", bound=NDArray[Any])


def plain_name(name: str) -> str:
    r"""Return a map's name fit for a screen and a file: escapes such as `\x1b`, at most 200 long.

    A manifest, a PNG's file name and a folder's name may hold anything.
    """
    shown = "".join(
        letter
        if letter.isprintable() or letter in _JOINERS
        else letter.encode("unicode_escape").decode()
        for letter in name[:MAX_NAME]
    )
    return shown[:MAX_NAME]


@dataclass(frozen=True, eq=False)
class TerritoryMap:
    """The land that a match is played on.

    Attributes:
        name: for people; it has no effect on the game. See `plain_name`.
        width, height: in tiles, 1..16,384, and no more than 4096 * 4096 tiles in all.
        terrain: uint8[height, width], the raw bytes of `map.bin`, read-only.
        sha256: hex digest of b"territory-map-1", width and height as little-endian uint32, and
            the terrain bytes.
        warnings: sentences about a manifest that disagreed with the bytes, or about what a
            picture or its reading left out.
        reading: how the heights were found, such as "by brightness"; empty for a map without
            a file.
    """

    name: str
    width: int
    height: int
    terrain: ByteGrid
    sha256: str
    warnings: tuple[str, ...] = ()
    reading: str = ""

    @classmethod
    def from_terrain(
        cls, name: str, terrain: ByteGrid, warnings: tuple[str, ...] = (), reading: str = ""
    ) -> TerritoryMap:
        """Make a map from terrain bytes, uint8[height, width], which are copied.

        Raises:
            MapError: the array has another shape or type, the sides are out of range, or no tile is
                land.
        """
        if terrain.ndim != 2 or terrain.dtype != np.uint8:
            raise MapError(
                f"map {name!r}: expected terrain as uint8[height, width], found "
                f"{terrain.dtype}{list(terrain.shape)}"
            )
        name = plain_name(name)
        height, width = terrain.shape
        check_sides(f"map {name!r}", width, height, 1)
        terrain = np.array(terrain, dtype=np.uint8, order="C")
        terrain.flags.writeable = False
        if not (terrain & LAND_BIT).any():
            raise MapError(
                f"map {name!r}: expected at least one land tile (bit 7 set), found none in "
                f"{width} x {height} tiles; choose another map"
            )
        digest = hashlib.sha256(b"territory-map-1")
        digest.update(np.array([width, height], dtype="<u4").tobytes())
        digest.update(terrain.data)
        return cls(name, width, height, terrain, digest.hexdigest(), warnings, reading)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle only the bytes: caches are left out, and the copy is read-only again."""
        arguments = (self.name, self.terrain, self.warnings, self.reading)
        return (TerritoryMap.from_terrain, arguments)

    @cached_property
    def land(self) -> BoolGrid:
        """bool[height, width]: tiles that are land, playable or not."""
        return _read_only((self.terrain & LAND_BIT) != 0)

    @cached_property
    def magnitude(self) -> ByteGrid:
        """uint8[height, width], 0..31: height on land, distance from land on water."""
        return _read_only(self.terrain & np.uint8(MAGNITUDE_MASK))

    @cached_property
    def playable(self) -> BoolGrid:
        """bool[height, width]: the largest 4-connected land component, where the game is played."""
        return _read_only(largest_region(self.land))

    @cached_property
    def passable(self) -> TerritoryMap:
        """The map with impassable land (magnitude 31) as water; itself if it has none."""
        if count_impassable(self.terrain) == 0:
            return self
        terrain = self.terrain.copy()
        terrain[terrain & _LAND_AND_HEIGHT == LAND_BIT | IMPASSABLE_MAGNITUDE] = 0
        return TerritoryMap.from_terrain(self.name, terrain, self.warnings, self.reading)

    @cached_property
    def n_land(self) -> int:
        """Number of land tiles."""
        return int(np.count_nonzero(self.land))

    @cached_property
    def n_playable(self) -> int:
        """Number of playable tiles."""
        return int(np.count_nonzero(self.playable))


def count_impassable(terrain: ByteGrid) -> int:
    """Return the number of land tiles that the game of 2026 does not let anybody enter."""
    return int(np.count_nonzero(terrain & _LAND_AND_HEIGHT == LAND_BIT | IMPASSABLE_MAGNITUDE))


def impassable_warning(terrain: ByteGrid) -> tuple[str, ...]:
    """Return a sentence about impassable land; nothing if there is none."""
    n = count_impassable(terrain)
    if n == 0:
        return ()
    n_land = int(np.count_nonzero(terrain & LAND_BIT))
    return (
        f"{n:,} of {n_land:,} land tiles have magnitude {IMPASSABLE_MAGNITUDE}, which OpenFront's "
        "maps of 2026 use for impassable land; here they are mountain, and count as land",
    )


def check_sides(where: str, width: int, height: int, least: int, most: int = MAX_SIDE) -> None:
    """Raise MapError unless both sides are `least`..`most` tiles and the map is not too large.

    Args:
        where: begins the message.
    """
    if not (least <= width <= most and least <= height <= most):
        raise MapError(
            f"{where}: expected sides of {least} to {most} tiles, found {width} x {height}"
        )
    if width * height > MAX_TILES:
        raise MapError(
            f"{where}: expected at most {MAX_TILES:,} tiles, found {width} x {height}, which are "
            f"{width * height:,}"
        )


def _read_only(array: _Array) -> _Array:
    array.flags.writeable = False
    return array
