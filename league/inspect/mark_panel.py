"""Draws the cities, boats and posts of an observation on its views, where it has them: version 3.

Shapes tell what it is and whether it counts yet, so that nobody needs the colours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from arena.territory.observation.views import CHANNEL_NAMES
from arena.territory.observation.views_2026 import CHANNELS_2026
from league.report.figures import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CITY, BOAT, POST = (len(CHANNEL_NAMES) + i for i in range(len(CHANNELS_2026)))
_EDGE = "#0b1018"
_CITY_COLOUR, _POST_COLOUR, _MINE, _OTHER, _ON_ME = (
    *("#ffd34d", "#c8b6a6", "#ffffff", "#7fd6ff", "#ff5470"),
)
# what it is: marker, colour, and whether it is filled
KINDS: dict[str, tuple[str, str, bool]] = {
    "city, with its level": ("p", _CITY_COLOUR, True),
    "city being built": ("p", _CITY_COLOUR, False),
    "defence post": ("s", _POST_COLOUR, True),
    "post being built": ("s", _POST_COLOUR, False),
    "my boat": (">", _MINE, True),
    "boat of others": (">", _OTHER, False),
    "boat that shall land on me": ("X", _ON_ME, True),
}


def find_marks(image: NDArray[np.uint8]) -> dict[str, list[tuple[int, int, int]]]:
    """Return by kind (KINDS) the cells (x, y) of a view that hold it, with the level of a city.

    Args:
        image: uint8[C, S, S]; one without these channels has no marks. A city of level L has
            L / (L + 1) of the full value, and what is being built half of its own.
    """
    found: dict[str, list[tuple[int, int, int]]] = {kind: [] for kind in KINDS}
    if len(image) <= POST:
        return found
    for y, x in np.argwhere(image[CITY] > 0).tolist():
        share = float(image[CITY, y, x]) / 255
        is_built = image[CITY, y, x] >= 127  # level 1 has half of the full value
        share = share if is_built else 2 * share
        level = round(share / max(1 - share, 1e-3))
        found["city, with its level" if is_built else "city being built"].append((x, y, level))
    for y, x in np.argwhere(image[POST] > 0).tolist():
        found["defence post" if image[POST, y, x] > 191 else "post being built"].append((x, y, 1))
    for y, x in np.argwhere(image[BOAT] > 0).tolist():
        value = image[BOAT, y, x]
        is_mine = "my boat" if value > 95 else "boat of others"
        found["boat that shall land on me" if value > 191 else is_mine].append((x, y, 1))
    return found


def show_marks(axes: Axes, image: NDArray[np.uint8], size: float = 90.0) -> None:
    """Draw the marks of a view over it; `size` is a marker's area in points."""
    for kind, cells in find_marks(image).items():
        if not cells:
            continue
        xs, ys, levels = zip(*cells, strict=True)
        marker, colour, is_filled = KINDS[kind]
        axes.scatter(
            xs, ys, size, marker=marker, facecolors=colour if is_filled else _EDGE,
            edgecolors=_EDGE if is_filled else colour, linewidths=1.2, zorder=3,
        )  # fmt: skip
        if not is_filled or not kind.startswith("city"):
            continue
        for x, y, level in zip(xs, ys, levels, strict=True):
            if level > 1:
                axes.text(
                    x, y, str(level), ha="center", va="center_baseline", fontsize=7,
                    color=_EDGE, weight="bold", zorder=4, clip_on=True,
                )  # fmt: skip


def explain_marks(figure: Figure, images: dict[str, NDArray[Any]], y: float) -> None:
    """Write at the right what the marks on any of these views mean, at a height of 0 to 1."""
    from matplotlib.lines import Line2D

    seen = {kind for image in images.values() for kind, cells in find_marks(image).items() if cells}
    handles = [
        Line2D(
            [], [], linestyle="", marker=marker, markersize=7, label=kind,
            markerfacecolor=colour if is_filled else _EDGE,
            markeredgecolor=_EDGE if is_filled else colour,
        )
        for kind, (marker, colour, is_filled) in KINDS.items()
        if kind in seen
    ]  # fmt: skip
    if handles:
        figure.legend(
            handles=handles, loc="center right", bbox_to_anchor=(0.985, y), ncols=len(handles),
            frameon=False, fontsize=9, labelcolor=INK, handletextpad=0.2, columnspacing=1.2,
            borderpad=0.0,
        )  # fmt: skip
