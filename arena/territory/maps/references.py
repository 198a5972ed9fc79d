"""Owns map references: how one is parsed, and how its map is loaded or generated.

A reference names a folder that holds `map.bin` and `manifest.json`, a PNG file, or
`generated:PRESET:WIDTHxHEIGHT:SEED`, where in lists SEED may be a range such as `0-63`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from arena.errors import MapError
from arena.territory.maps.folders import load_folder
from arena.territory.maps.generator import PRESET_TABLE, generate_terrain
from arena.territory.maps.maps import TerritoryMap, check_sides
from arena.territory.maps.pictures import map_from_png

MIN_GENERATED_SIDE = 16  # tiles; below it not even two start discs fit
MAX_GENERATED_SIDE = 4096
MAX_SEED = 2**63 - 1  # fits a signed 64-bit database column
MAX_EXPANDED = 10_000  # references from one list; more is a typing error
PRESETS = tuple(PRESET_TABLE)
_GENERATED_PREFIX = "generated:"
_GENERATED = re.compile(
    r"generated:(?P<preset>[a-z_]+):(?P<width>[0-9]{1,9})x(?P<height>[0-9]{1,9})"
    r":(?P<first>[0-9]{1,19})(-(?P<last>[0-9]{1,19}))?",
    re.ASCII,
)


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
        MapError: the text is empty, or starts with `generated:` and has another form.
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
    """Expand seed ranges into one reference per map, in the given order.

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
    """Load or generate the map of a reference.

    Args:
        reference: see the top of this module; a string with a seed range is refused.
        base: the folder that relative paths start from; None is the current one.

    Raises:
        MapError: something is wrong with the reference or the files; the message is one sentence.
    """
    parsed = parse_reference(reference) if isinstance(reference, str) else reference
    if isinstance(parsed, GeneratedReference):
        if parsed.n_maps != 1:
            raise MapError(
                f"map reference {str(reference)!r}: expected one map, found a range of "
                f"{parsed.n_maps} seeds; ranges are allowed only in lists of maps"
            )
        return generate_map(parsed.preset, parsed.width, parsed.height, parsed.first_seed)
    path = parsed if base is None else base / parsed
    try:
        if path.is_dir():
            return load_folder(path)
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
    terrain = generate_terrain(preset, width, height, seed)
    return TerritoryMap.from_terrain(reference.text(seed), terrain, reading="generated heights")


def _check_generated(where: str, reference: GeneratedReference) -> None:
    if reference.preset not in PRESETS:
        raise MapError(
            f"{where}: expected one of the presets {', '.join(PRESETS)}, found {reference.preset!r}"
        )
    check_sides(where, reference.width, reference.height, MIN_GENERATED_SIDE, MAX_GENERATED_SIDE)
    for seed in (reference.first_seed, reference.last_seed):
        if not 0 <= seed <= MAX_SEED:
            raise MapError(f"{where}: expected a seed of 0 to {MAX_SEED}, found {seed}")
