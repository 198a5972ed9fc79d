"""Owns maps in folders: `map.bin` and `manifest.json`, as OpenFront publishes them.

Promises: a loaded map is what its bytes say. `manifest.json` only says how wide the rows are;
where it disagrees with the bytes about anything else, the bytes win and the map carries a
warning. Whatever is wrong with a file is one sentence in a `MapError`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from arena.errors import MapError
from arena.foreign import MAX_TEXT_BYTES, parse_json, read_foreign, reason_of
from arena.territory.maps.maps import (
    MAX_SIDE,
    MAX_TILES,
    TerritoryMap,
    check_sides,
    count_impassable,
    impassable_warning,
)
from arena.territory.maps.terrain import LAND_BIT


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


def load_folder(folder: Path) -> TerritoryMap:
    """Read the map in a folder.

    Raises:
        MapError: a file is missing or damaged.
        OSError: a file cannot be read.
    """
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
    check_sides(str(folder / "manifest.json"), width, height, 1)
    bytes_path = folder / "map.bin"
    n_bytes = bytes_path.stat().st_size
    if n_bytes != width * height:
        raise MapError(
            f"{bytes_path}: expected {width * height} bytes for the {width} x {height} tiles of "
            f"manifest.json, found {n_bytes}; the file is truncated or the manifest of another map"
        )
    terrain = np.frombuffer(read_foreign(bytes_path, MAX_TILES), dtype=np.uint8)
    if terrain.size != width * height:
        raise MapError(f"{bytes_path}: changed while it was read; try again")
    terrain = terrain.reshape(height, width)
    n_land = int(np.count_nonzero(terrain & LAND_BIT))
    claimed = sizes.get("num_land_tiles")
    if claimed == n_land - count_impassable(terrain):  # the game does not count those
        claimed = n_land
    name, warnings = _compare_manifest(folder, manifest, claimed, n_land)
    warnings += impassable_warning(terrain)
    return TerritoryMap.from_terrain(name, terrain, warnings, "from the bytes of map.bin")


def _compare_manifest(
    folder: Path, manifest: dict[str, Any], claimed_land: object, n_land: int
) -> tuple[str, tuple[str, ...]]:
    """Return the map's name and a warning for each key that is wrong."""
    warnings = []
    name = manifest.get("name")
    if not isinstance(name, str) or not name.strip():
        name = folder.resolve().name
        warnings.append(
            f"{folder / 'manifest.json'}: has no name; the folder's name is used: {name}"
        )
    if claimed_land != n_land or isinstance(claimed_land, bool):
        warnings.append(
            f"{folder / 'manifest.json'}: says num_land_tiles is {_kind(claimed_land)}, but "
            f"map.bin has {n_land} land tiles; map.bin is used"
        )
    return name, tuple(warnings)


def _read_manifest(path: Path) -> dict[str, Any]:
    raw = read_foreign(path, MAX_TEXT_BYTES)
    try:
        manifest = parse_json(raw)
    except ValueError as error:
        raise MapError(
            f"{path}: expected JSON in UTF-8, but it cannot be read: {reason_of(error)}"
        ) from error
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
    """Return a short name of a JSON value for a message."""
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
