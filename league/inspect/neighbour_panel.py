"""Draws the attention among neighbours, a row of `league look --attention`'s picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from league.inspect.look import Sight
from league.inspect.neighbours import Neighbour, find_neighbours, rows_of
from league.report.figures import FAINT, INK, LINE, PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from msattn.inspect import AttentionRecord


def show_neighbours(own: Axes, among: Axes, sight: Sight, record: AttentionRecord) -> None:
    """Draw the seat's own attention by head, and the neighbours' among each other.

    Args:
        own, among: where to draw the two.
        record: with attention among tokens.
    """
    assert record.token_weights is not None
    found = find_neighbours(rows_of(sight.observation))
    shares = record.token_weights[0].astype(np.float64)
    rows = [each.row for each in found]
    by_head = shares[:, 0, rows].T
    _heat(own, by_head, found, [f"head {i + 1}" for i in range(by_head.shape[1])])
    _title(own, "which neighbours the seat looks at", "columns add up to 1")
    means = shares.mean(axis=0)[1:]
    names = [" ".join(each.directions) for each in found]
    _heat(among, means[np.ix_(rows, rows)].T, found, names)
    _title(among, "which neighbours each neighbour (column) looks at", "mean of the heads")


def _heat(
    axes: Axes, shares: NDArray[np.float64], rows: list[Neighbour], columns: list[str]
) -> None:
    axes.set_facecolor(PAPER)
    axes.tick_params(colors=INK, labelsize=8, length=0)
    for spine in axes.spines.values():
        spine.set_color(LINE)
    axes.set_xticks([])
    axes.set_yticks([])
    if not rows:
        axes.text(0.5, 0.5, "no neighbours", color=FAINT, ha="center", transform=axes.transAxes)
        return
    axes.imshow(shares, cmap="viridis", vmin=0, vmax=1, aspect="auto")
    axes.set_yticks(range(len(rows)), [each.name for each in rows])
    axes.set_xticks(range(len(columns)), columns)
    for (row, column), share in np.ndenumerate(shares):
        ink = "#101010" if share > 0.6 else INK
        axes.text(column, row, f"{share:.2f}", ha="center", va="center", fontsize=8, color=ink)


def _title(axes: Axes, name: str, note: str) -> None:
    axes.text(
        0, 1.04, name, transform=axes.transAxes, fontsize=10, color=INK, weight="bold",
        va="bottom",
    )  # fmt: skip
    axes.text(
        1, 1.04, note, transform=axes.transAxes, fontsize=8, color=FAINT, ha="right", va="bottom"
    )
