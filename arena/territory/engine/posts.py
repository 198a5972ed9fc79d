"""Defence posts of edition 2026: which tiles they cover.

A finished post makes land of its owner within 30 tiles five times as costly in troops and three
times as slow to take; one counts. The flag COVERED says that some post is near, so that attacks
elsewhere look nothing up.
"""

from __future__ import annotations

import numpy as np

from arena.territory.engine import rules
from arena.territory.engine.compiled import compiled
from arena.territory.engine.state import (
    IS_FINISHED,
    STRUCTURE,
    STRUCTURE_OWNER,
    STRUCTURE_TILE,
)

_POST = rules.DEFENSE_POST
_RADIUS = rules.POST_RADIUS
_RADIUS_SQUARED = _RADIUS * _RADIUS


@compiled(inline=True, internal=True)
def distance_squared(stride: int, a: int, b: int) -> int:
    """Return the squared Euclidean distance of two framed tiles."""
    ay = a // stride
    by = b // stride
    dy = ay - by
    dx = (a - ay * stride) - (b - by * stride)
    return int(dx * dx + dy * dy)


@compiled(internal=True)
def is_covered(structures: np.ndarray, n: int, stride: int, owner: int, tile: int) -> bool:
    """Return whether a finished post of `owner` covers a tile; `structures` has n rows in use."""
    for i in range(n):
        if (
            structures[i, STRUCTURE] == _POST
            and structures[i, STRUCTURE_OWNER] == owner
            and structures[i, IS_FINISHED]
            and distance_squared(stride, structures[i, STRUCTURE_TILE], tile) <= _RADIUS_SQUARED
        ):
            return True
    return False
