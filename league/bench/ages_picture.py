"""Draws `league bench ages`: the place of each lineage over its age, the company's as lines.

Needs matplotlib (the extra `plot`). The first place is at the top. One colour per family, one line
style per league; bands are of 95 %; the lines of the scripts are means over the same matches.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from league.bench.ages import Age, Found, LineageAges
from league.curves.picture import FAMILY_COLOURS, OTHER_COLOUR, STYLES, spread
from league.report.figures import FAINT, INK, LINE, PAPER, new_figure, save_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_AXIS_LABELS = {"decisions": "trained decisions", "minutes": "minutes since the first start"}
_PLANNER_COLOUR = "#ffd166"
_LABEL_HEIGHT = 0.034  # of the axes
_LEGEND_COLUMNS = 2


def draw_ages(found: Found, path: Path, *, against: str = "decisions") -> Path:
    """Draw all lineages into one PNG and return its path.

    Args:
        against: what the axis counts, "decisions" or "minutes".

    Raises:
        UsageError: matplotlib is missing.
        FolderError: the file cannot be written.
    """
    figure = new_figure(12.0, 7.5)
    leagues = list(dict.fromkeys(lineage.league for lineage in found.lineages))
    top = 0.88 - 0.033 * math.ceil(len(found.lineages) / _LEGEND_COLUMNS)
    axes = figure.add_axes((0.065, 0.09, 0.745, top - 0.09))
    for lineage in found.lineages:
        _draw(axes, found, lineage, against, STYLES[leagues.index(lineage.league) % len(STYLES)])
    _set_scales(axes, found, against)
    _draw_levels(axes, levels(found))
    _dress(axes, against, found.par)
    _write_head(figure, found, len(leagues))
    return save_png(figure, path)


def levels(found: Found) -> list[tuple[str, float, str]]:
    """Return (label, mean place, colour) of each horizontal line."""
    rows = [
        (f"{name} {np.mean(places):.2f}", float(np.mean(places)), FAINT)
        for name, places in found.company.items()
    ]
    if found.planner is not None:
        place = float(np.mean(found.planner.places))
        rows.append((f"planner {place:.2f}", place, _PLANNER_COLOUR))
    return rows


def _at(age: Age, against: str) -> float:
    return float(age.trained_decisions) if against == "decisions" else age.minutes


def _draw(axes: Axes, found: Found, lineage: LineageAges, against: str, style: Any) -> None:
    colour = FAMILY_COLOURS.get(lineage.family, OTHER_COLOUR)
    at = [_at(age, against) for age in lineage.ages]
    places = [found.interval(age.places) for age in lineage.ages]
    mean = [place.mean for place in places]
    label = f"{lineage.league}, {lineage.lineage}: {mean[-1]:.2f} +/- {places[-1].half_width:.2f}"
    axes.plot(at, mean, color=colour, linestyle=style, linewidth=2.0, zorder=4, label=label)
    low, high = [p.low for p in places], [p.high for p in places]
    axes.fill_between(at, low, high, color=colour, alpha=0.13, linewidth=0, zorder=2)
    axes.scatter(at, mean, s=26, color=colour, zorder=5)


def _set_scales(axes: Axes, found: Found, against: str) -> None:
    ages = [age for lineage in found.lineages for age in lineage.ages]
    means = [float(np.mean(age.places)) for age in ages] + [place for _, place, _ in levels(found)]
    axes.set_ylim(max(*means, found.par) + 0.4, max(min(means) - 0.4, 1.0))  # first places on top
    right = max(_at(age, against) for age in ages) or 1.0
    axes.set_xlim(-0.015 * right, 1.015 * right)


def _draw_levels(axes: Axes, rows: list[tuple[str, float, str]]) -> None:
    """Draw a thin line for each of the company, with its name and mean place beside it."""
    bottom, top = axes.get_ylim()
    wanted = [(place - bottom) / (top - bottom) for _, place, _ in rows]
    heights = spread(wanted, _LABEL_HEIGHT, 0.0, 1.0)
    for (label, place, colour), start, height in zip(rows, wanted, heights, strict=True):
        axes.axhline(place, color=colour, linewidth=0.9, linestyle=(0, (6, 4)), zorder=1)
        axes.plot(
            [1.0, 1.018, 1.028], [start, height, height], color=colour, linewidth=0.8,
            transform=axes.transAxes, clip_on=False,
        )  # fmt: skip
        axes.text(
            1.033, height, label, transform=axes.transAxes, fontsize=10, color=INK, va="center"
        )


def _dress(axes: Axes, against: str, par: float) -> None:
    from matplotlib.ticker import EngFormatter, MaxNLocator

    axes.set_facecolor(PAPER)
    axes.set_xlabel(_AXIS_LABELS[against], color=INK, fontsize=11)
    axes.set_ylabel(f"mean place ({par} is par)", color=INK, fontsize=11)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 2.5, 5, 10]))
    if against == "decisions":
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.tick_params(colors=INK, labelsize=10, length=0)
    axes.grid(axis="y", color=LINE, linewidth=0.4, alpha=0.6)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_color(LINE)
        spine.set_visible(side in ("left", "bottom"))


def _write_head(figure: Figure, found: Found, n_leagues: int) -> None:
    n_seeds = max(len(age.places) for lineage in found.lineages for age in lineage.ages)
    kinds = "s" if n_leagues > 1 else ""
    for height, text, size, colour in (
        (0.965, f"Mean place in mixed company over the training of {n_leagues} league{kinds}", 14,
         INK),
        (0.93, f"Dot: a snapshot in {n_seeds} seeds of eight matches, the same seats for all.  "
         "Band: 95 %.  Dashes: who else sat there.", 10, FAINT),
    ):  # fmt: skip
        weight = "bold" if size > 10 else "normal"
        figure.text(0.065, height, text, fontsize=size, color=colour, weight=weight, va="center")
    figure.legend(
        loc="upper left", bbox_to_anchor=(0.06, 0.915), fontsize=10, ncols=_LEGEND_COLUMNS,
        frameon=False, labelcolor=INK, borderaxespad=0.0, columnspacing=2.5,
    )  # fmt: skip
