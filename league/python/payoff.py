"""Owns the table of who beats whom, a DataFrame that knows its counts and its cycles.

This module imports pandas: it is loaded when the first such table is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from league.rating.beats import Beats


class PayoffFrame(pd.DataFrame):  # type: ignore[misc]  # pandas has no types of its own
    """Beat rates, row above column, as shares of common matches with ties half; NaN where too few.

    A part of it is an ordinary DataFrame.

    Attributes:
        games: DataFrame of common matches.
        low, high: DataFrames, ends of the 95 % interval of each cell alone, clustered by line-up.
    """

    _metadata = ("games", "low", "high", "_beats", "_names")

    @property
    def _constructor(self) -> Any:
        return pd.DataFrame

    def cycles(self) -> list[tuple[str, str, str]]:
        """Return triples of names, the first above the second above the third above the first.

        Every edge is above one half, all of them together with 95 % confidence.
        """
        beats: Beats = self._beats
        return [(self._names[i], self._names[j], self._names[k]) for i, j, k in beats.cycles()]


def payoff_frame(beats: Beats, names: Mapping[int, str], min_common: int) -> PayoffFrame:
    """Return the table of `beats`, members in its order.

    Args:
        min_common: cells with fewer common matches are NaN, as the diagonal is.
    """
    order = [names[member_id] for member_id in beats.member_ids]
    low, high = beats.intervals()
    known = beats.games >= max(min_common, 1)
    np.fill_diagonal(known, False)

    def table(values: Any) -> pd.DataFrame:
        return pd.DataFrame(values, index=order, columns=order)

    found = PayoffFrame(np.where(known, beats.rates, np.nan), index=order, columns=order)
    for name, value in (
        ("games", table(beats.games.astype(np.int64))),
        ("low", table(np.where(known, low, np.nan))),
        ("high", table(np.where(known, high, np.nan))),
        ("_beats", beats),
        ("_names", dict(names)),
    ):
        object.__setattr__(found, name, value)
    return found
