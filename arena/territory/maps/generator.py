"""Owns generated maps: how a preset, a size and a seed become terrain bytes.

Promises: the same arguments give the same bytes on every platform and numpy version, and at
least 35 % of all tiles are in one 4-connected piece of land, because boats do not exist. For the
first promise the only random source is `PCG64.random_raw`, whose stream numpy guarantees, and
fields are computed in float32 with + - * / one operation at a time: no libm function, no matrix
product, no floating-point sum over an array, since these differ in the last bit between machines.
Thresholds come from sorting, which is exact.

How a map is made: each tile gets a score (blobs, rings, noise), and the best share becomes land;
specks and puddles are removed; land masses are joined by bridges; a second field, lower near the
coast, becomes the height, with fixed shares of its classes.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arena.errors import MapError
from arena.territory.maps.bridges import join_land
from arena.territory.maps.terrain import (
    HIGHLAND_MAGNITUDE,
    MOUNTAIN_MAGNITUDE,
    BoolGrid,
    ByteGrid,
    distance_to,
    encode_terrain,
    label_regions,
    largest_region,
)

MIN_PLAYABLE_SHARE = 0.35  # of all tiles; with less, ten seats have no room on a small map
_MAX_ATTEMPTS = 16  # each has a larger share of land, so the last ones are nearly all land
_FINEST_CELL = 3.0  # tiles; finer noise is single-tile dust
_STRIP = 32  # rows of noise in one step

Field = NDArray[np.float32]


class _Stream:
    """Uniform numbers in [0, 1) with 24 random bits, exact in float32."""

    def __init__(self, *key: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(key))

    def grid(self, rows: int, columns: int) -> Field:
        raw = np.asarray(self._bits.random_raw(rows * columns), dtype=np.uint64)
        uniform = (raw >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)
        return uniform.reshape(rows, columns)

    def number(self, low: float = 0.0, high: float = 1.0) -> float:
        return low + (high - low) * float(self.grid(1, 1)[0, 0])

    def integer(self, low: int, high: int) -> int:
        """Return a whole number of low..high, both included."""
        return low + int(self.number() * (high - low + 1))


@dataclass(frozen=True)
class _Frame:
    """The size of a map, and fields over it; `side` is the shorter side in tiles."""

    width: int
    height: int
    side: int

    def across(self) -> tuple[Field, Field]:
        """Return x float32[1, width] and y float32[height, 1], each -1..1 over the map."""
        x = (np.arange(self.width, dtype=np.float32) + 0.5) * np.float32(2 / self.width) - 1
        y = (np.arange(self.height, dtype=np.float32) + 0.5) * np.float32(2 / self.height) - 1
        return x.astype(np.float32)[None, :], y.astype(np.float32)[:, None]

    def edge(self, share: float) -> Field:
        """Return 0 at the map edge rising smoothly to 1 at `share` of the shorter side inside."""
        x = np.arange(self.width, dtype=np.float32)
        y = np.arange(self.height, dtype=np.float32)
        reach = np.float32(max(share * self.side, 1.0))
        near_x = np.minimum(np.minimum(x, self.width - 1 - x) / reach, np.float32(1))
        near_y = np.minimum(np.minimum(y, self.height - 1 - y) / reach, np.float32(1))
        return _smooth(near_x)[None, :] * _smooth(near_y)[:, None]  # a product rounds the corners


@dataclass(frozen=True)
class _Preset:
    """The recipe of a preset.

    Attributes:
        land: the field whose highest tiles become land.
        height: the field whose highest land tiles become mountains.
        land_share: of all tiles, before specks are removed and bridges added.
        highland_share, mountain_share: of land tiles.
        coast: 0..1, how much the height sinks towards water.
    """

    land: Callable[[_Frame, _Stream], Field]
    height: Callable[[_Frame, _Stream], Field]
    land_share: float
    highland_share: float
    mountain_share: float
    coast: float


def generate_terrain(preset: str, width: int, height: int, seed: int) -> ByteGrid:
    """Generate the bytes of a map.

    Args:
        preset: a key of `PRESET_TABLE`.
        width, height: in tiles, 16..4096.
        seed: not negative.

    Returns:
        uint8[height, width] with at least 35 % of all tiles in one 4-connected piece of land.

    Raises:
        MapError: no attempt gave enough land; with the shipped presets this does not happen.
    """
    plan = PRESET_TABLE[preset]
    frame = _Frame(width, height, min(width, height))
    for attempt in range(_MAX_ATTEMPTS):
        stream = _Stream(zlib.crc32(preset.encode()), width, height, seed, attempt)
        share = min(plan.land_share + 0.03 * attempt, 1.0)
        land = _highest(plan.land(frame, stream), share)
        land = _without_dust(land, frame)
        land = join_land(land, stream.integer)
        if np.count_nonzero(largest_region(land)) >= MIN_PLAYABLE_SHARE * width * height:
            heights = _heights(plan, frame, stream, land)
            return encode_terrain(land, heights)
    raise MapError(
        f"generated map {preset} {width} x {height} seed {seed}: expected at least "
        f"{MIN_PLAYABLE_SHARE:.0%} playable land after {_MAX_ATTEMPTS} attempts, found less; "
        f"choose another seed"
    )


def _smooth(t: Field) -> Field:
    """Return the smoothstep 3t^2 - 2t^3 of values in 0..1."""
    smoothed: Field = t * t * (np.float32(3) - np.float32(2) * t)
    return smoothed


def _noise(frame: _Frame, stream: _Stream, features: float, gain: float = 0.5) -> Field:
    """Sum octaves of gradient noise, each with cells half as wide as the one before.

    Args:
        frame: the map.
        stream: consumes two numbers per lattice point and two per octave.
        features: cells of the first octave along the shorter side.
        gain: amplitude of an octave relative to the one before.

    Returns:
        float32[height, width], about 0..1 and centred on 0.5.
    """
    total = np.zeros((frame.height, frame.width), dtype=np.float32)
    cell, amplitude, sum_of_amplitudes = frame.side / features, 1.0, 0.0
    while sum_of_amplitudes == 0.0 or cell >= _FINEST_CELL:
        _add_octave(total, np.float32(amplitude), frame, stream, cell)
        sum_of_amplitudes += amplitude
        cell, amplitude = cell / 2, amplitude * gain
    centred: Field = total * np.float32(0.5 / sum_of_amplitudes) + np.float32(0.5)
    return centred


def _add_octave(
    total: Field, amplitude: np.float32, frame: _Frame, stream: _Stream, cell: float
) -> None:
    """Add gradient noise on a lattice `cell` tiles wide, shifted at random; about -1..1 each.

    Every lattice point has a random slope; a tile blends the planes of its four points. Value
    noise would be half the work, but its coasts run along rows and columns. It goes strip by strip,
    so that the temporaries stay in the processor's cache (4096 x 4096: twice as fast).
    """
    y, fraction_y = _lattice_position(frame.height, cell, stream.number())
    x, fraction_x = _lattice_position(frame.width, cell, stream.number())
    blend_y, blend_x = _smooth(fraction_y)[:, None], _smooth(fraction_x)
    one = np.float32(1)
    shape = int(y[-1]) + 2, int(x[-1]) + 2
    slope_x = stream.grid(*shape) * 4 - 2
    slope_y = stream.grid(*shape) * 4 - 2
    for top in range(0, frame.height, _STRIP):
        strip = slice(top, top + _STRIP)
        at, low, blend = y[strip], fraction_y[strip, None], blend_y[strip]
        rows = slope_x[at] + (slope_x[at + 1] - slope_x[at]) * blend
        noise = rows[:, x] * (fraction_x * (one - blend_x))
        noise += rows[:, x + 1] * ((fraction_x - one) * blend_x)
        rows = slope_y[at] * (low * (one - blend))
        rows += slope_y[at + 1] * ((low - one) * blend)
        left = rows[:, x]
        noise += left
        noise += (rows[:, x + 1] - left) * blend_x
        total[strip] += amplitude * noise


def _lattice_position(n: int, cell: float, shift: float) -> tuple[NDArray[np.int64], Field]:
    position = np.arange(n, dtype=np.float64) / cell + shift
    index = position.astype(np.int64)
    return index, (position - index).astype(np.float32)


def _ridges(frame: _Frame, stream: _Stream, features: float) -> Field:
    """Return sharp crests where smooth noise passes its middle, float32[height, width], 0..1."""
    crest: Field = np.float32(1) - np.abs(_noise(frame, stream, features, 0.45) * 2 - 1)
    return crest * crest


def _highest(score: Field, share: float) -> BoolGrid:
    """Return the tiles with the highest scores: `share` of all, more only where scores tie."""
    n_kept = min(max(int(share * score.size), 1), score.size)
    threshold = np.partition(score.ravel(), score.size - n_kept)[score.size - n_kept]
    kept: BoolGrid = score >= threshold
    return kept


def _without_dust(land: BoolGrid, frame: _Frame) -> BoolGrid:
    """Remove islets and puddles that are too small to matter on a map of this size."""
    least = max(4, frame.side * frame.side // 2048)
    for value in (True, False):
        labels, sizes = label_regions(land == value)
        small = sizes < least
        small[0] = False
        if not small[1:].all():
            land = land ^ small[labels]
    return land


def _heights(plan: _Preset, frame: _Frame, stream: _Stream, land: BoolGrid) -> ByteGrid:
    """Return the magnitude of land, uint8[height, width], with the preset's shares of classes."""
    field = plan.height(frame, stream)
    inland = np.minimum(distance_to(~land) / np.float32(max(0.08 * frame.side, 2.0)), 1)
    field = field + np.float32(plan.coast) * inland.astype(np.float32)
    heights = np.zeros(land.shape, dtype=np.uint8)
    values = np.sort(field[land])
    n = values.size
    plains_end = int(n * (1 - plan.highland_share - plan.mountain_share))
    mountain_start = int(n * (1 - plan.mountain_share))
    classes = (
        (0, plains_end, 0, HIGHLAND_MAGNITUDE),
        (plains_end, mountain_start, HIGHLAND_MAGNITUDE, MOUNTAIN_MAGNITUDE),
        (mountain_start, n, MOUNTAIN_MAGNITUDE, 31),
    )
    for first, last, low, end in classes:
        if last <= first:
            continue
        bottom, top = values[first], values[last - 1]
        span = max(float(top) - float(bottom), 1e-6)
        inside = land & (field >= bottom) & (field <= top)
        steps = (field[inside] - bottom) * np.float32((end - low) / span)
        heights[inside] = low + np.clip(steps.astype(np.int64), 0, end - low - 1)
    return heights


def _blobs(
    frame: _Frame, stream: _Stream, n: int, radius: float, margin: float
) -> tuple[Field, Field]:
    """Return the union of n round hills, spread apart, and how far it is above the second hill.

    The union is 1 at the tops and falls to -1.5 outside; its lead is 0 half-way between two hills.

    Each centre is the best of 12 draws by distance from the centres before it, which keeps the
    hills apart. Distances are in shorter sides; `radius` is where a hill reaches 0.
    """
    span_x, span_y = frame.width / frame.side, frame.height / frame.side
    x, y = frame.across()
    x, y = x * np.float32(span_x), y * np.float32(span_y)  # the shorter side is -1..1
    union = np.full((frame.height, frame.width), -1.5, dtype=np.float32)
    second = union - np.float32(1)
    centres: list[tuple[float, float]] = []
    for _ in range(n):
        draws = [
            (
                stream.number(-1 + margin, 1 - margin) * span_x,
                stream.number(-1 + margin, 1 - margin) * span_y,
            )
            for _ in range(12)
        ]
        centres.append(max(draws, key=lambda draw: _nearest_squared(draw, centres)))
        own_radius = radius * stream.number(0.75, 1.25)
        stretch = stream.number(0.7, 1.4)
        dx = (x - np.float32(centres[-1][0])) * np.float32(stretch / own_radius)
        dy = (y - np.float32(centres[-1][1])) * np.float32(1 / (stretch * own_radius))
        hill = np.float32(1) - (dx * dx + dy * dy)
        np.maximum(second, np.minimum(union, hill), out=second)
        np.maximum(union, hill, out=union)
    return union, union - second


def _nearest_squared(point: tuple[float, float], others: list[tuple[float, float]]) -> float:
    squares = [(point[0] - x) * (point[0] - x) + (point[1] - y) * (point[1] - y) for x, y in others]
    return min(squares, default=0.0)


def _plains_land(frame: _Frame, stream: _Stream) -> Field:
    """Score land everywhere except a few ponds."""
    return _noise(frame, stream, 5, 0.4)


def _continents_land(frame: _Frame, stream: _Stream) -> Field:
    """Score two to four large masses in an ocean."""
    n = stream.integer(2, 4)
    blobs, lead = _blobs(frame, stream, n, 1.1 - 0.13 * n, 0.38)
    lead = lead + (_noise(frame, stream, 5) - np.float32(0.5)) * np.float32(1.8)
    strait = np.maximum(np.float32(1) - np.maximum(lead, 0) * np.float32(1.2), 0)
    coast = _noise(frame, stream, 3, 0.6) * np.float32(4.5)
    sea = (np.float32(1) - frame.edge(0.20)) * np.float32(2.2)
    score: Field = blobs + coast - strait * np.float32(2.8) - sea
    return score


def _islands_land(frame: _Frame, stream: _Stream) -> Field:
    """Score many small masses; bridges will cross the narrowest straits between them."""
    blobs, lead = _blobs(frame, stream, stream.integer(10, 16), 0.36, 0.2)
    lead = lead + (_noise(frame, stream, 7) - np.float32(0.5)) * np.float32(1.0)
    strait = np.maximum(np.float32(1) - np.maximum(lead, 0), 0)
    coast = _noise(frame, stream, 6, 0.55) * np.float32(1.8)
    sea = (np.float32(1) - frame.edge(0.12)) * np.float32(1.6)
    return blobs + coast - strait * np.float32(1.6) - sea


def _highlands_land(frame: _Frame, stream: _Stream) -> Field:
    """Score land that fills most of the map, with bays at its edges and a few tarns."""
    return _noise(frame, stream, 4) + frame.edge(0.22) * np.float32(0.35)


def _lakes_land(frame: _Frame, stream: _Stream) -> Field:
    """Score land to the edges with lakes of all sizes inside it."""
    basins = _noise(frame, stream, 6, 0.42)
    return basins + (np.float32(1) - frame.edge(0.14)) * np.float32(0.5)


def _ring_land(frame: _Frame, stream: _Stream) -> Field:
    """Score a ragged ring around an inner sea."""
    x, y = frame.across()
    squared = x * x + y * y
    away = np.abs(squared - np.float32(0.44))
    coast = (_noise(frame, stream, 5) - np.float32(0.5)) * np.float32(0.75)
    sea = (np.float32(1) - frame.edge(0.05)) * np.float32(2)
    score: Field = coast - away - sea
    return score


def _rolling(frame: _Frame, stream: _Stream) -> Field:
    return _noise(frame, stream, 5, 0.45)


def _ranges(frame: _Frame, stream: _Stream) -> Field:
    """Score hills with some mountain chains through them."""
    return _noise(frame, stream, 4) + _ridges(frame, stream, 2.5) * np.float32(0.6)


def _chains(frame: _Frame, stream: _Stream) -> Field:
    """Score long mountain chains with valleys between them."""
    return _ridges(frame, stream, 3.5) + _noise(frame, stream, 6) * np.float32(0.35)


PRESET_TABLE = {
    "plains": _Preset(_plains_land, _rolling, 0.97, 0.05, 0.0, 0.15),
    "continents": _Preset(_continents_land, _ranges, 0.46, 0.26, 0.09, 0.35),
    "islands": _Preset(_islands_land, _ranges, 0.46, 0.22, 0.06, 0.35),
    "highlands": _Preset(_highlands_land, _chains, 0.88, 0.36, 0.20, 0.25),
    "lakes": _Preset(_lakes_land, _ranges, 0.80, 0.24, 0.07, 0.30),
    "ring": _Preset(_ring_land, _ranges, 0.50, 0.28, 0.12, 0.40),
}
