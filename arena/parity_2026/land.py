"""How far the land of a replay is from that of a recording, and what is said of any gap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Gap = tuple[str, float, float, str]  # what, gap, allowed, unit

SMALL = 500
"""Tiles below which the land along a path has noise."""


def gaps_by_player(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each player's gap in % of its recorded tiles, of at least 100; same shape as both."""
    gaps: NDArray[np.float64] = 100.0 * np.abs(ours - theirs) / np.maximum(theirs, 100)
    return gaps


def gap_of_owned(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> float:
    """Return the sum over players of tile gaps, float64[players], as a share of owned tiles."""
    return float(np.abs(ours - theirs).sum() / theirs.sum())
