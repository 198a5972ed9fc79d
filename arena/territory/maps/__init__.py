"""The land that matches are played on: maps, how they are named, made, read and drawn.

This is the room's front door, as the documents name it; the files behind it import each other.
"""

from arena.territory.maps.maps import (
    MAX_EXPANDED,
    MAX_SEED,
    MAX_SIDE,
    MIN_GENERATED_SIDE,
    PRESETS,
    GeneratedReference,
    TerritoryMap,
    draw_map,
    expand_references,
    generate_map,
    load_map,
    map_from_png,
    map_to_png,
    parse_reference,
    save_map,
)

__all__ = (
    "MAX_EXPANDED",
    "MAX_SEED",
    "MAX_SIDE",
    "MIN_GENERATED_SIDE",
    "PRESETS",
    "GeneratedReference",
    "TerritoryMap",
    "draw_map",
    "expand_references",
    "generate_map",
    "load_map",
    "map_from_png",
    "map_to_png",
    "parse_reference",
    "save_map",
)
