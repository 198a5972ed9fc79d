"""Owns pictures of maps: PNG in, PNG out, and drawings for a terminal.

Promises: a picture that `map_to_png` wrote is read back as the same land and heights.

How a picture is read, one pixel per tile, in one of three ways; the map says which:

- `brightness`: water is what is transparent (alpha below 128), what is blue (blue above both red
  and green by more than 8), or what is darker than brightness 50. The rest is land, whose height
  is its brightness L = (299 R + 587 G + 114 B) // 1000: the magnitude is (L - 97) // 5, within
  0..30, so L up to 148 is plains, up to 198 highland, above it mountain. The colour (92, 44, 60)
  is magnitude 31, impassable land of OpenFront's maps of 2026, so that such a map survives.
- `mask`: the same, but all land is pure white; it is plains.
- `openfront`: the picture looks like a source of OpenFront's map generator
  (arena.territory.maps.sources).

Shoreline and ocean follow from land and water.
"""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from arena.errors import MapError
from arena.foreign import PARSER_ERRORS, read_foreign, reason_of
from arena.half_blocks import half_blocks
from arena.territory.maps.maps import MAX_TILES, TerritoryMap, check_sides, impassable_warning
from arena.territory.maps.sources import is_source, read_source
from arena.territory.maps.terrain import (
    HIGHLAND_MAGNITUDE,
    IMPASSABLE_MAGNITUDE,
    LAND_BIT,
    MAX_HEIGHT,
    MAX_MAGNITUDE,
    MOUNTAIN_MAGNITUDE,
    ByteGrid,
    encode_terrain,
)

if TYPE_CHECKING:
    from rich.text import Text

Picture = NDArray[np.uint8]
Reading = Literal["brightness", "mask", "openfront"]
READINGS: dict[Reading, str] = {
    "brightness": "by brightness, as pictures of `league maps show --png` hold them",
    "mask": "none: all land is pure white, and so plains",
    "openfront": "from the blue channel, as OpenFront's map generator reads its source pictures",
}
_DARKEST_LAND = 50
_MAX_PICTURE_BYTES = 5 * MAX_TILES  # of the largest map, uncompressed, and some more
_FIRST_BRIGHTNESS = 99  # of magnitude 0; the tint of magnitude m has brightness 99 + 5 m
_BRIGHTNESS_STEP = 5
_IMPASSABLE_COLOUR = (92, 44, 60)


@cache
def palette() -> Picture:
    """Return the colour of every terrain byte, uint8[256, 3].

    Land is green, then brown, then pale grey, brighter with height; water is blue, darker with
    depth. Within each class the hue is fixed and scaled to the brightness that the reader expects.
    """
    colours = np.zeros((256, 3), dtype=np.uint8)
    for byte in range(256):
        magnitude = byte & MAX_MAGNITUDE
        if byte & LAND_BIT:
            colours[byte] = _land_colour(magnitude)
        else:
            depth = min(magnitude, 20)
            colours[byte] = (70 - 2 * depth, 130 - 3 * depth, 200 - 3 * depth)
    colours.flags.writeable = False
    return colours


def _land_colour(magnitude: int) -> tuple[int, int, int]:
    if magnitude == IMPASSABLE_MAGNITUDE:
        return _IMPASSABLE_COLOUR
    if magnitude < HIGHLAND_MAGNITUDE:
        red, blue = 0.72, 0.60
    elif magnitude < MOUNTAIN_MAGNITUDE:
        red, blue = 1.13, 0.70
    else:
        red, blue = 1.00, 0.96
    brightness = _FIRST_BRIGHTNESS + _BRIGHTNESS_STEP * magnitude
    green = brightness / (0.299 * red + 0.587 + 0.114 * blue)
    return min(round(red * green), 255), min(round(green), 255), min(round(blue * green), 255)


def map_to_picture(territory_map: TerritoryMap) -> Picture:
    """Return the colours of a map, uint8[height, width, 3]."""
    return palette()[territory_map.terrain]


def map_to_png(territory_map: TerritoryMap, path: str | Path) -> Path:
    """Write a map as an RGB PNG, one pixel per tile; return the path.

    Raises:
        MapError: the file cannot be written.
    """
    from PIL import Image

    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(map_to_picture(territory_map)).save(path, format="PNG", optimize=True)
    except OSError as error:
        raise MapError(f"picture {path}: cannot be written: {error}") from error
    return path


def map_from_png(path: str | Path, reading: Reading | None = None) -> TerritoryMap:
    """Read a picture as a map, named after the file; the module's docstring says how.

    Args:
        reading: None finds out which it is.

    Raises:
        MapError: the file is not a readable PNG, is too large, or shows no land.
    """
    path = Path(path)
    pixels = _read_pixels(path)
    if reading is None and is_source(pixels):
        reading = "openfront"
    warnings: tuple[str, ...] = ()
    if reading == "openfront":
        terrain, warnings = read_source(pixels)
    else:
        terrain, reading = _by_brightness(pixels, reading)
    warnings += impassable_warning(terrain)
    return TerritoryMap.from_terrain(path.stem, terrain, warnings, f"heights {READINGS[reading]}")


def _by_brightness(picture: Picture, reading: Reading | None) -> tuple[ByteGrid, Reading]:
    """Return the terrain of a picture of brightnesses or a mask, and which of both it is."""
    pixels = picture.astype(np.int32)
    red, green, blue, alpha = (pixels[..., channel] for channel in range(4))
    brightness = (299 * red + 587 * green + 114 * blue) // 1000
    is_blue = (blue > red + 8) & (blue > green + 8)
    land = (alpha >= 128) & ~is_blue & (brightness >= _DARKEST_LAND)
    steps = (brightness - _FIRST_BRIGHTNESS + 2) // _BRIGHTNESS_STEP
    heights = np.clip(steps, 0, MAX_HEIGHT).astype(np.uint8)
    heights[(picture[..., :3] == _IMPASSABLE_COLOUR).all(axis=-1)] = IMPASSABLE_MAGNITUDE
    if reading is None:
        is_mask = land.any() and (brightness[land] == 255).all()
        reading = "mask" if is_mask else "brightness"
    if reading == "mask":
        heights[:] = 0
    return encode_terrain(land, heights), reading


def _read_pixels(path: Path) -> Picture:
    """Return the pixels of a PNG, uint8[height, width, 4] as red, green, blue, alpha."""
    from PIL import Image

    damage: tuple[type[BaseException], ...] = (*PARSER_ERRORS, Image.DecompressionBombError)
    try:
        raw = read_foreign(path, _MAX_PICTURE_BYTES)
        with Image.open(io.BytesIO(raw), formats=["PNG"]) as image:
            check_sides(f"picture {path} (one pixel per tile)", *image.size, 1)
            if image.mode.startswith("I"):  # 16 bits of grey, which convert() would clip to white
                grey = (np.asarray(image, dtype=np.int64) // 256).astype(np.uint8)
                return np.stack([grey, grey, grey, np.full_like(grey, 255)], axis=-1)
            return np.asarray(image.convert("RGBA"), dtype=np.uint8)
    except damage as error:
        raise MapError(
            f"picture {path}: expected a PNG, but it cannot be read: {reason_of(error)}"
        ) from error


def draw_map(
    territory_map: TerritoryMap, columns: int, rows: int, *, in_colour: bool = True
) -> Text:
    """Draw a map for a terminal: `draw_picture`, or `draw_letters` where there are no colours."""
    if in_colour:
        return draw_picture(map_to_picture(territory_map), columns, rows)
    return draw_letters(territory_map, columns, rows)


def draw_letters(territory_map: TerritoryMap, columns: int, rows: int) -> Text:
    """Draw a map without colours: `~` water, `.` plains, `n` highland, `^` mountain.

    A character stands for a block of tiles, twice as high as wide: water where that is the larger
    part, else the mean height of its land. Arguments as in `draw_picture`.
    """
    from rich.text import Text

    _check_room(columns, rows)
    land = territory_map.land
    layers = (land, np.where(land, territory_map.magnitude, 0), np.ones_like(land))
    n_land, heights, n_tiles = _block_sums(np.stack(layers, axis=-1), columns, rows, 2)
    mean = heights // np.maximum(n_land, 1)
    letters = np.full(mean.shape, ".")
    letters[mean >= HIGHLAND_MAGNITUDE] = "n"
    letters[mean >= MOUNTAIN_MAGNITUDE] = "^"
    letters[2 * n_land < n_tiles] = "~"
    return Text("\n".join("".join(line) for line in letters), no_wrap=True, end="")


def draw_picture(picture: Picture, columns: int, rows: int) -> Text:
    """Draw a picture with half-block characters, two pixels above one another in each.

    Args:
        picture: uint8[height, width, 3].
        columns, rows: the space in characters, at least 1 each; the picture keeps its proportions
            and is never enlarged.

    Returns:
        A Rich text without a final line break.

    Raises:
        MapError: there is no space.
    """
    _check_room(columns, rows)
    return half_blocks(shrink(picture, columns, 2 * rows))


def _check_room(columns: int, rows: int) -> None:
    if columns < 1 or rows < 1:
        raise MapError(f"drawing: expected at least 1 x 1 characters, found {columns} x {rows}")


def shrink(picture: Picture, max_width: int, max_height: int) -> Picture:
    """Average a picture, uint8[height, width, 3], over blocks so that it fits, as it is if it does.

    Proportions are kept.
    """
    if picture.shape[0] <= max_height and picture.shape[1] <= max_width:
        return picture
    ones = np.ones((*picture.shape[:2], 1), np.uint8)
    *sums, areas = _block_sums(np.concatenate([picture, ones], axis=-1), max_width, max_height, 1)
    means: Picture = np.stack([total // areas for total in sums], axis=-1).astype(np.uint8)
    return means


def _block_sums(
    layers: NDArray[Any], max_width: int, max_height: int, aspect: int
) -> list[NDArray[np.int64]]:
    """Sum layers, [height, width, n], over blocks so that they fit; one int64[..] per layer.

    Blocks are `aspect` times as high as wide; the picture is never enlarged.
    """
    height, width = layers.shape[:2]
    scale = max(width / max_width, height / (max_height * aspect), 1.0)
    n_columns = min(max(int(width / scale), 1), max_width)
    n_rows = min(max(int(height / scale / aspect), 1), max_height)
    y = np.arange(n_rows) * height // n_rows
    x = np.arange(n_columns) * width // n_columns
    sums = np.add.reduceat(np.add.reduceat(layers, y, axis=0, dtype=np.int64), x, axis=1)
    return [sums[..., layer] for layer in range(sums.shape[-1])]
