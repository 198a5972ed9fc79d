"""Owns pictures of a film's frames: for a terminal, a GIF, a video.

The same land as in the browser: seats in their colours, borders smooth where a tile has several
pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arena.board_picture import seat_colours
from arena.territory.maps import TerritoryMap
from arena.territory.maps.pictures import map_to_picture
from arena.viewer.film import NEUTRAL, WATER, ByteArray

Picture = NDArray[np.uint8]

_LINE = 0.28  # of the votes between two owners: a line of about a third of a tile
_DARK = 0.45


def frame_picture(
    territory: TerritoryMap, owner: ByteArray, n_seats: int, pixels: int = 1
) -> Picture:
    """Draw a frame, uint8[height * pixels, width * pixels, 3].

    Args:
        owner: as `arena.viewer.film.Film.frames` gives it.
        pixels: side of a tile; with one, tiles at a border are darker, with more the border is a
            line that rounds the tiles' corners.
    """
    ground = map_to_picture(territory).astype(np.float32)
    colours = np.zeros((256, 3), np.float32)
    colours[1 : n_seats + 1] = seat_colours(n_seats)
    if pixels == 1:
        labels, line = owner, _edge(owner).astype(np.float32)
    else:
        labels, margin = _votes(owner, pixels)
        ground = ground.repeat(pixels, 0).repeat(pixels, 1)
        line = np.clip((_LINE - margin) * 0.5 * pixels + 0.5, 0, 1)
    picture = ground
    owned = (labels != NEUTRAL) & (labels != WATER)
    picture[owned] = 0.22 * ground[owned] + 0.78 * colours[labels[owned]]
    darkness = np.where(owned, 1 - _DARK * line, 1.0)
    return (picture * darkness[..., None]).astype(np.uint8)


def _edge(owner: ByteArray) -> NDArray[np.bool_]:
    framed = np.pad(owner, 1, mode="edge")
    edge = np.zeros(owner.shape, np.bool_)
    for dy, dx in ((0, 1), (2, 1), (1, 0), (1, 2)):
        edge |= framed[dy : dy + owner.shape[0], dx : dx + owner.shape[1]] != owner
    return edge


def _votes(owner: ByteArray, pixels: int) -> tuple[ByteArray, NDArray[np.float32]]:
    """Return for each pixel who has most of the tiles around it, and by how much.

    The votes are quadratic B-spline weights of the 3 x 3 tiles around a pixel, as in the browser.
    """
    height, width = owner.shape
    best = np.full((height * pixels, width * pixels), -1.0, np.float32)
    second = np.zeros_like(best)
    labels = np.zeros(best.shape, np.uint8)
    for label in np.unique(owner):
        votes = _enlarge((owner == label).astype(np.float32), pixels)
        leads = votes > best
        second = np.where(leads, best, np.maximum(second, votes))
        labels[leads] = label
        best = np.where(leads, votes, best)
    return labels, best - np.maximum(second, 0)


def _enlarge(values: NDArray[np.float32], pixels: int) -> NDArray[np.float32]:
    """Enlarge float32[h, w] along both axes by quadratic B-splines."""
    u = (np.arange(pixels, dtype=np.float32) + 0.5) / pixels
    taps = np.stack([0.5 * (1 - u) ** 2, 0.75 - (u - 0.5) ** 2, 0.5 * u**2])
    for axis in (0, 1):
        framed = np.pad(values, [(1, 1) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
        n = values.shape[axis]
        shifted = [np.take(framed, np.arange(i, i + n), axis=axis) for i in range(3)]
        parts = [sum(taps[i, p] * shifted[i] for i in range(3)) for p in range(pixels)]
        values = np.stack(parts, axis=axis + 1).reshape(
            (n * pixels, -1) if axis == 0 else (-1, n * pixels)
        )
    return values
