"""The land that matches are played on: maps, how they are named, made, read and drawn.

This is the room's front door, as the documents name it; the files behind it import each other.
"""

from arena.territory.maps.folders import save_map
from arena.territory.maps.maps import TerritoryMap
from arena.territory.maps.pictures import draw_map, map_from_png, map_to_png
from arena.territory.maps.references import (
    PRESETS,
    GeneratedReference,
    expand_references,
    generate_map,
    load_map,
    parse_reference,
)

__all__ = (
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
