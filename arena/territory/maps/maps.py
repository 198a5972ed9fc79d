"""Owns maps: what a map is, how it is named, loaded, checked and saved.

Promises: a loaded map is what its bytes say. `manifest.json` only says how wide the rows are;
where it disagrees with the bytes about anything else, the bytes win and the map carries a
warning. Whatever is wrong with a file is one sentence in a `MapError`. Two maps with the same
`sha256` are the same game board, whatever they are called.

A map is named by a reference: a folder that holds `map.bin` and `manifest.json`, a PNG file, or
`generated:PRESET:WIDTHxHEIGHT:SEED`, where in lists SEED may be a range such as `0-63`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from arena.errors import MapError
from arena.territory.maps.terrain import (
    LAND_BIT,
    MAGNITUDE_MASK,
    BoolGrid,
    ByteGrid,
    largest_region,
)

if TYPE_CHECKING:
    from rich.text import Text

MAX_SIDE = 4096  # tiles; the largest published maps are below it, and it bounds memory
MIN_GENERATED_SIDE = 16  # tiles; below it not even two start discs fit
MAX_SEED = 2**63 - 1  # fits a signed 64-bit database column
MAX_EXPANDED = 10_000  # references from one list; more is a typing error, not a wish
PRESETS = ("plains", "continents", "islands", "highlands", "lakes", "ring")
_Array = TypeVar("_Array", bound=NDArray[Any])
_MAX_MANIFEST_BYTES = 16 * 2**20
_GENERATED_PREFIX = "generated:"
_GENERATED = re.compile(
    r"generated:(?P<preset>[a-z_]+):(?P<width>[0-9]{1,9})x(?P<height>[0-9]{1,9})"
    r":(?P<first>[0-9]{1,19})(-(?P<last>[0-9]{1,19}))?",
    re.ASCII,
)


@dataclass(frozen=True, eq=False)
class TerritoryMap:
    """A game board.

    Attributes:
        name: for people; it has no effect on the game.
        width, height: in tiles, 1..4096.
        terrain: uint8[height, width], the raw bytes of `map.bin`, read-only.
        sha256: hex digest of b"territory-map-1", width and height as little-endian uint32, and
            the terrain bytes.
        warnings: sentences about a manifest that disagreed with the bytes.
    """

    name: str
    width: int
    height: int
    terrain: ByteGrid
    sha256: str
    warnings: tuple[str, ...] = ()

    @classmethod
    def from_terrain(
        cls, name: str, terrain: ByteGrid, warnings: tuple[str, ...] = ()
    ) -> TerritoryMap:
        """Make a map of terrain bytes, uint8[height, width], which are copied.

        Raises:
            MapError: the array is no such array, a side is outside 1..4096, or no tile is land.
        """
        if terrain.ndim != 2 or terrain.dtype != np.uint8:
            raise MapError(
                f"map {name!r}: expected terrain as uint8[height, width], found "
                f"{terrain.dtype}{list(terrain.shape)}"
            )
        height, width = terrain.shape
        _check_sides(f"map {name!r}", width, height, 1)
        terrain = np.array(terrain, dtype=np.uint8, order="C")
        terrain.flags.writeable = False
        if not (terrain & LAND_BIT).any():
            raise MapError(
                f"map {name!r}: expected at least one land tile (bit 7 set), found none in "
                f"{width} x {height} tiles; nobody could stand on it, choose another map"
            )
        digest = hashlib.sha256(b"territory-map-1")
        digest.update(np.array([width, height], dtype="<u4").tobytes())
        digest.update(terrain.data)
        return cls(name, width, height, terrain, digest.hexdigest(), warnings)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the bytes alone: caches stay behind and the copy is read-only again."""
        return (TerritoryMap.from_terrain, (self.name, self.terrain, self.warnings))

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
        """bool[height, width]: the largest 4-connected land component, where the game is."""
        return _read_only(largest_region(self.land))

    @cached_property
    def n_land(self) -> int:
        """Number of land tiles."""
        return int(np.count_nonzero(self.land))

    @cached_property
    def n_playable(self) -> int:
        """Number of playable tiles."""
        return int(np.count_nonzero(self.playable))


@dataclass(frozen=True)
class GeneratedReference:
    """A parsed `generated:` reference; `first_seed` to `last_seed` is a range, both included."""

    preset: str
    width: int
    height: int
    first_seed: int
    last_seed: int

    @property
    def n_maps(self) -> int:
        """Number of maps that the reference stands for."""
        return self.last_seed - self.first_seed + 1

    def text(self, seed: int) -> str:
        """Return the reference of one of these maps."""
        return f"{_GENERATED_PREFIX}{self.preset}:{self.width}x{self.height}:{seed}"


def parse_reference(text: str) -> GeneratedReference | Path:
    """Tell a generated map from a path, without touching any file.

    Raises:
        MapError: the text is empty, or starts with `generated:` and does not go on as it should.
    """
    if not text.strip() or "\0" in text:
        raise MapError(
            f"map reference: expected a folder, a PNG file or {_GENERATED_PREFIX}"
            f"PRESET:WIDTHxHEIGHT:SEED, found {text!r}"
        )
    if not text.startswith(_GENERATED_PREFIX):
        return Path(text)
    match = _GENERATED.fullmatch(text)
    if match is None:
        raise MapError(
            f"map reference: expected generated:PRESET:WIDTHxHEIGHT:SEED, for example "
            f"generated:continents:128x128:7 or ...:0-63, found {text!r}"
        )
    first = int(match["first"])
    last = first if match["last"] is None else int(match["last"])
    if last < first:
        raise MapError(f"map reference {text!r}: expected a seed range that rises, as in 0-63")
    reference = GeneratedReference(
        match["preset"], int(match["width"]), int(match["height"]), first, last
    )
    _check_generated(f"map reference {text!r}", reference)
    return reference


def expand_references(references: Iterable[str]) -> list[str]:
    """Write seed ranges out, one reference per map, in the given order.

    Raises:
        MapError: a reference cannot be parsed, or the list grows beyond 10,000 maps.
    """
    expanded: list[str] = []
    for text in references:
        parsed = parse_reference(text)
        n_more = 1 if isinstance(parsed, Path) else parsed.n_maps
        if len(expanded) + n_more > MAX_EXPANDED:
            raise MapError(
                f"map references: expected at most {MAX_EXPANDED} maps in one list, but with "
                f"{text!r} there are {len(expanded) + n_more}; shorten the seed range"
            )
        if isinstance(parsed, Path):
            expanded.append(text)
        else:
            seeds = range(parsed.first_seed, parsed.last_seed + 1)
            expanded.extend(parsed.text(seed) for seed in seeds)
    return expanded


def load_map(reference: str | Path, *, base: Path | None = None) -> TerritoryMap:
    """Load or generate the map that a reference names.

    Args:
        reference: see the top of this module; a string with a seed range is refused.
        base: the folder that relative paths start from; None is the current one.

    Raises:
        MapError: in one sentence, whatever is wrong with the reference or the files.
    """
    parsed = parse_reference(reference) if isinstance(reference, str) else reference
    if isinstance(parsed, GeneratedReference):
        if parsed.n_maps != 1:
            raise MapError(
                f"map reference {str(reference)!r}: expected one map, found a range of "
                f"{parsed.n_maps} seeds; ranges stand in lists of maps only"
            )
        return generate_map(parsed.preset, parsed.width, parsed.height, parsed.first_seed)
    path = parsed if base is None else base / parsed
    try:
        if path.is_dir():
            return _load_folder(path)
        if path.is_file() and path.suffix.lower() == ".png":
            return map_from_png(path)
        found = "another kind of file" if path.exists() else "nothing"
    except OSError as error:
        raise MapError(f"map {path}: cannot be read: {error.strerror or error}") from error
    raise MapError(
        f"map {path}: expected a folder with map.bin and manifest.json, or a PNG file, found "
        f"{found} there; check the path, or use generated:continents:128x128:7"
    )


def generate_map(preset: str, width: int, height: int, seed: int) -> TerritoryMap:
    """Generate a map; the same arguments give the same bytes on every platform.

    Args:
        preset: one of `PRESETS`.
        width, height: in tiles, 16..4096.
        seed: 0..2^63-1, the only source of chance.

    Returns:
        A map named by its reference, of which at least 35 % of all tiles are playable.

    Raises:
        MapError: an argument is outside its range.
    """
    reference = GeneratedReference(preset, width, height, seed, seed)
    _check_generated("generated map", reference)
    from arena.territory.maps.generator import generate_terrain

    terrain = generate_terrain(preset, width, height, seed)
    return TerritoryMap.from_terrain(reference.text(seed), terrain)


def save_map(territory_map: TerritoryMap, folder: str | Path) -> Path:
    """Write `map.bin` and `manifest.json` into a folder, made if missing; return the folder.

    Raises:
        MapError: the folder cannot be written.
    """
    folder = Path(folder)
    manifest = {
        "name": territory_map.name,
        "map": {
            "width": territory_map.width,
            "height": territory_map.height,
            "num_land_tiles": territory_map.n_land,
        },
        "nations": [],
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "map.bin").write_bytes(territory_map.terrain.tobytes())
        text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
        (folder / "manifest.json").write_text(text, encoding="utf-8")
    except OSError as error:
        raise MapError(f"map folder {folder}: cannot be written: {error}") from error
    return folder


def map_from_png(path: str | Path) -> TerritoryMap:
    """Read a picture as a map; `arena.territory.maps.pictures` says how colours are read."""
    from arena.territory.maps.pictures import map_from_png as read

    return read(Path(path))


def map_to_png(territory_map: TerritoryMap, path: str | Path) -> Path:
    """Write a map as a picture of one pixel per tile that `map_from_png` reads back."""
    from arena.territory.maps.pictures import map_to_png as write

    return write(territory_map, Path(path))


def draw_map(
    territory_map: TerritoryMap, columns: int, rows: int, *, in_colour: bool = True
) -> Text:
    """Draw a map for a terminal, within columns x rows characters; without colours, in letters."""
    from arena.territory.maps.pictures import draw_letters
    from arena.territory.maps.pictures import draw_map as draw

    return (draw if in_colour else draw_letters)(territory_map, columns, rows)


def _read_only(array: _Array) -> _Array:
    array.flags.writeable = False
    return array


def _check_sides(where: str, width: int, height: int, least: int) -> None:
    if not (least <= width <= MAX_SIDE and least <= height <= MAX_SIDE):
        raise MapError(
            f"{where}: expected sides of {least} to {MAX_SIDE} tiles, found {width} x {height}"
        )


def _check_generated(where: str, reference: GeneratedReference) -> None:
    if reference.preset not in PRESETS:
        raise MapError(
            f"{where}: expected one of the presets {', '.join(PRESETS)}, found {reference.preset!r}"
        )
    _check_sides(where, reference.width, reference.height, MIN_GENERATED_SIDE)
    for seed in (reference.first_seed, reference.last_seed):
        if not 0 <= seed <= MAX_SEED:
            raise MapError(f"{where}: expected a seed of 0 to {MAX_SEED}, found {seed}")


def _load_folder(folder: Path) -> TerritoryMap:
    for name in ("manifest.json", "map.bin"):
        if not (folder / name).is_file():
            raise MapError(
                f"map folder {folder}: expected the files map.bin and manifest.json, but "
                f"{name} is missing"
            )
    manifest = _read_manifest(folder / "manifest.json")
    sizes = manifest.get("map")
    if not isinstance(sizes, dict):
        raise MapError(
            f"{folder / 'manifest.json'}: expected an object under the key 'map' with width and "
            f"height, found {_kind(sizes)}"
        )
    width, height = (_side(folder / "manifest.json", sizes, key) for key in ("width", "height"))
    bytes_path = folder / "map.bin"
    n_bytes = bytes_path.stat().st_size
    if n_bytes != width * height:
        raise MapError(
            f"{bytes_path}: expected {width * height} bytes for the {width} x {height} tiles of "
            f"manifest.json, found {n_bytes}; the file was cut or the manifest is of another map"
        )
    terrain = np.frombuffer(bytes_path.read_bytes(), dtype=np.uint8)
    if terrain.size != width * height:
        raise MapError(f"{bytes_path}: changed while it was read; try again")
    terrain = terrain.reshape(height, width)
    n_land = int(np.count_nonzero(terrain & LAND_BIT))
    name, warnings = _compare_manifest(folder, manifest, sizes.get("num_land_tiles"), n_land)
    return TerritoryMap.from_terrain(name, terrain, warnings)


def _compare_manifest(
    folder: Path, manifest: dict[str, Any], claimed_land: object, n_land: int
) -> tuple[str, tuple[str, ...]]:
    """Return the map's name and a warning for each key that is not what it should be."""
    warnings = []
    name = manifest.get("name")
    if not isinstance(name, str) or not name.strip():
        name = folder.resolve().name
        warnings.append(f"{folder / 'manifest.json'}: has no name, the folder's is used: {name}")
    if claimed_land != n_land or isinstance(claimed_land, bool):
        warnings.append(
            f"{folder / 'manifest.json'}: says num_land_tiles is {_kind(claimed_land)}, but "
            f"map.bin has {n_land} land tiles; the bytes are trusted"
        )
    return name, tuple(warnings)


def _read_manifest(path: Path) -> dict[str, Any]:
    if path.stat().st_size > _MAX_MANIFEST_BYTES:
        raise MapError(f"{path}: expected at most {_MAX_MANIFEST_BYTES} bytes of JSON, found more")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise MapError(f"{path}: expected JSON in UTF-8, but it cannot be read: {error}") from error
    if not isinstance(manifest, dict):
        raise MapError(f"{path}: expected a JSON object, found {_kind(manifest)}")
    return manifest


def _side(path: Path, sizes: dict[str, Any], key: str) -> int:
    value = sizes.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_SIDE:
        raise MapError(
            f"{path}: expected map.{key} to be a whole number of 1 to {MAX_SIDE}, found "
            f"{_kind(value)}"
        )
    return value


def _kind(value: object) -> str:
    """Name a JSON value within a sentence, shortened."""
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
