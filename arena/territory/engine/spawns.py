"""Where the players start: seeded, far apart, each with a full disc of land.

The disc of a spawn (sx, sy) is every land tile with (x - sx + 0.5)^2 + (y - sy + 0.5)^2 <= 16, even
across water: 52 tiles on open land.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from arena.errors import MatchError
from arena.territory.engine import rules
from arena.territory.engine.compiled import compiled
from arena.territory.engine.land import take_tiles
from arena.territory.engine.numerics import draw, stream_seed
from arena.territory.engine.state import State

if TYPE_CHECKING:  # maps do not enter machine code, see compiled.py
    from arena.territory.maps import TerritoryMap

_RADIUS_SQUARED = rules.SPAWN_RADIUS_SQUARED
_N_DRAWS = 64
_N_REDRAWS = 64  # tries to keep one spawn clear of the earlier ones of its draw
_TWO_DISCS_SQUARED = 64  # spawns further apart than two radii (8 tiles) share no tile
_SPAWN_STREAM = 1


def spawn_disc(s: State, p: int, x: int, y: int) -> int:
    """Give player p the unowned land tiles of the disc of (x, y); return their number."""
    width, height, stride, _ = (int(side) for side in s.shape)
    ys, xs = (np.arange(max(0, at - 5), min(end, at + 6)) for at, end in ((y, height), (x, width)))
    inside = (ys[:, None] - y + 0.5) ** 2 + (xs - x + 0.5) ** 2 <= _RADIUS_SQUARED
    tiles = ((ys[:, None] + 1) * stride + xs + 1)[inside]
    tiles = tiles[s.owner[tiles] == rules.NEUTRAL]
    take_tiles(s, tiles, np.full(len(tiles), p, np.int64))
    return len(tiles)


@compiled(allocates=True)
def _draw_spawns(candidates: np.ndarray, width: int, n: int, seed: int, n_draws: int) -> np.ndarray:
    """Return the best of `n_draws` draws of n candidates by smallest distance, int64[n, 2]."""
    streams = np.empty(1, np.uint64)
    streams[0] = stream_seed(seed, 0, _SPAWN_STREAM)
    best = np.zeros((n, 2), np.int64)
    trial = np.zeros((n, 2), np.int64)
    best_distance = -1
    for _ in range(n_draws):
        for i in range(n):
            for _ in range(_N_REDRAWS):
                tile = candidates[draw(streams, 0, candidates.shape[0])]
                trial[i, 0] = tile % width
                trial[i, 1] = tile // width
                is_clear = True
                for j in range(i):
                    dx = trial[i, 0] - trial[j, 0]
                    dy = trial[i, 1] - trial[j, 1]
                    if dx * dx + dy * dy <= _TWO_DISCS_SQUARED:
                        is_clear = False
                        break
                if is_clear:
                    break
        smallest = np.int64(1) << 60
        for i in range(n):
            for j in range(i):
                dx = trial[i, 0] - trial[j, 0]
                dy = trial[i, 1] - trial[j, 1]
                smallest = min(smallest, dx * dx + dy * dy)
        if smallest > best_distance:
            best_distance = smallest
            for i in range(n):  # an array assignment compiles its error message too, for seconds
                best[i, 0] = trial[i, 0]
                best[i, 1] = trial[i, 1]
    return best


def _full_disc_tiles(territory: TerritoryMap) -> NDArray[np.bool_]:
    """Return bool[h, w]: playable tiles whose whole disc is land on the map."""
    height, width = territory.land.shape
    offsets = [
        (dx, dy)
        for dy in range(-5, 6)
        for dx in range(-5, 6)
        if (dx + 0.5) ** 2 + (dy + 0.5) ** 2 <= _RADIUS_SQUARED
    ]
    padded = np.zeros((height + 10, width + 10), np.bool_)
    padded[5:-5, 5:-5] = territory.land
    full = territory.playable.copy()
    for dx, dy in offsets:
        full &= padded[5 + dy : 5 + dy + height, 5 + dx : 5 + dx + width]
    return full


@lru_cache(maxsize=64)
def _candidates(territory: TerritoryMap, n: int) -> NDArray[np.int32]:
    """Return int32[m] of y * width + x: tiles with a full disc, or all playable if too few."""
    full = _full_disc_tiles(territory)
    if int(full.sum()) < n:
        full = territory.playable
    return np.flatnonzero(full).astype(np.int32)


def choose_spawns(territory: TerritoryMap, n: int, seed: int) -> NDArray[np.int64]:
    """Choose the start positions of n players.

    Of the candidates (playable tiles with a full disc; all playable tiles if those are too few),
    the best of 64 seeded draws by smallest mutual distance.

    Returns:
        int64[n, 2] of (x, y); distinct.

    Raises:
        MatchError: the map has fewer playable tiles than players.
    """
    candidates = _candidates(territory, n)
    if len(candidates) < n:
        raise MatchError(
            f"map {territory.name!r} has {len(candidates)} playable land tiles, too few for "
            f"{n} seats; choose a larger map or fewer seats"
        )
    spawns: NDArray[np.int64] = _draw_spawns(candidates, territory.width, n, seed, _N_DRAWS)
    if len({(int(x), int(y)) for x, y in spawns}) < n:
        # Only on tiny maps: all 64 draws had repetitions. Take a seeded shuffle instead.
        order = np.random.Generator(np.random.PCG64(seed)).permutation(len(candidates))[:n]
        tiles = candidates[order].astype(np.int64)
        spawns = np.stack([tiles % territory.width, tiles // territory.width], axis=1)
    return spawns
