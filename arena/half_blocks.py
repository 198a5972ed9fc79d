"""Owns how a picture becomes text: half-block characters, two pixels above one another in each.

Promises: a pure function of the pixels, one row of text for two rows of them; nothing is scaled.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from rich.style import Style
    from rich.text import Text

_CELL = "▀"  # its ink is the upper pixel, its paper the lower one


@lru_cache(maxsize=65_536)
def _style(upper: int, lower: int) -> Style:
    """Return the style of a cell; colours are 0xrrggbb, a `lower` of -1 leaves the paper alone."""
    from rich.color import Color
    from rich.style import Style

    ink, paper = (None if c < 0 else Color.from_rgb(*_channels(c)) for c in (upper, lower))
    return Style(color=ink, bgcolor=paper)


def _channels(colour: int) -> tuple[int, int, int]:
    return colour >> 16, colour >> 8 & 255, colour & 255


def half_blocks(pixels: NDArray[np.uint8]) -> Text:
    """Draw pixels, uint8[height, width, 3] (red, green, blue), as they are.

    Returns:
        A Rich text of width columns and ceil(height / 2) rows, without a final line break; cells of
        one style that stand side by side share a span.
    """
    from rich.text import Span, Text

    height, width = pixels.shape[:2]
    packed = pixels.astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
    if height % 2:
        packed = np.vstack([packed, np.full((1, width), -1)])
    upper, lower = packed[0::2], packed[1::2]
    spans = []
    for row in range(len(upper)):
        changes = np.diff(upper[row]) != 0
        changes |= np.diff(lower[row]) != 0
        begins = [0, *(np.flatnonzero(changes) + 1).tolist(), width]
        first = row * (width + 1)
        spans += [
            Span(first + begin, first + end, _style(int(upper[row, begin]), int(lower[row, begin])))
            for begin, end in pairwise(begins)
            if end > begin
        ]
    return Text("\n".join([_CELL * width] * len(upper)), spans=spans, no_wrap=True, end="")
