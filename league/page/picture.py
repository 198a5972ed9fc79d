"""Owns small pictures inside the page: PNG files as data addresses, so that nothing is fetched.

Promises: the same numbers give the same bytes; colours of a heat map are of one hue each way and
transparent in the middle, so that it reads on light and on dark paper.
"""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray

BETTER, WORSE, FEW = (38, 120, 210), (222, 106, 30), (128, 128, 128)
STEPS = 10  # of a heat map on each side of 1/2


def data_uri(pixels: NDArray[np.uint8]) -> str:
    """Return uint8[h, w, 3 or 4] as a PNG of at most 256 colours."""
    from PIL import Image

    image = Image.fromarray(pixels)
    if pixels.shape[2] == 3:
        image = image.quantize(256, dither=Image.Dither.NONE)
    file = io.BytesIO()
    image.save(file, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def heat(rates: NDArray[np.float64], games: NDArray[np.float64], few: float) -> NDArray[np.uint8]:
    """Return uint8[n, n, 4]: blue above 1/2, orange below, grey under `few` games, clear for none.

    Rates are shown in STEPS steps a side, which makes the file a tenth as large.
    """
    step = np.round(np.clip(2.0 * (rates - 0.5), -1.0, 1.0) * STEPS) / STEPS
    picture = np.zeros((*rates.shape, 4), np.uint8)
    picture[..., :3] = np.where((step > 0)[..., None], BETTER, WORSE)
    picture[..., 3] = np.round(255 * np.abs(step))
    picture[games < few] = (*FEW, 90)
    picture[games <= 0] = 0
    return picture


def level(rate: float) -> int:
    """Return the step of a rate in a heat map, -STEPS..STEPS."""
    return round(max(-1.0, min(1.0, 2.0 * (rate - 0.5))) * STEPS)


def packed(rates: NDArray[np.float64], games: NDArray[np.float64]) -> str:
    """Return the pairs above the diagonal, row by row, as base64 of three bytes each.

    A byte for the rate in half per cent, two for the games (65,535 at most), low byte first.
    """
    upper = np.triu_indices(len(rates), 1)
    n = np.minimum(games[upper], 65_535).astype(np.uint16)
    found = np.zeros((len(n), 3), np.uint8)
    found[:, 0] = np.round(200 * rates[upper])
    found[:, 1], found[:, 2] = n & 255, n >> 8
    return base64.b64encode(found.tobytes()).decode("ascii")
