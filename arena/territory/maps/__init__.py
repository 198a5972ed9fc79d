"""Maps, the land that matches are played on: how they are named, made, read and drawn.

These are the documented imports; the modules of this package import each other directly.
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
