"""Draws `league curves`: mu of every snapshot with its 95 % band, the anchors as reference lines.

Needs matplotlib (the extra `plot`). Several leagues are drawn over each other: one colour per
family, thinner lines, anchors at their mean.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from league.curves.lineages import MIN_MATCHES, RIVAL_SPECS, LeagueCurves, Lineage, Rated, in_words
from league.report.figures import FAINT, INK, LINE, PAPER, new_figure, save_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FAMILY_COLOURS = {"attention": "#40b8f2", "baseline": "#f06292", "plugin": "#b6f25c"}
OTHER_COLOUR = "#ffb86b"
STYLES: tuple[Any, ...] = ("-", "--", "-.", ":")  # lineages of one family
_AXIS_LABELS = {"decisions": "trained decisions", "minutes": "minutes since the first start"}
# Shares of the picture, for letters of 10 points.
_LEFT, _LETTER_WIDTH, _LEGEND_ROW = 0.065, 0.0064, 0.033
_LABEL_HEIGHT = 0.028  # of the axes
_LEGEND_COLUMNS = 2
_SHORTEST_AXIS = {"decisions": 1_000.0, "minutes": 1.0}


def draw_curves(leagues: Sequence[LeagueCurves], path: Path, *, against: str = "decisions") -> Path:
    """Draw all lineages of the leagues into one PNG and return its path.

    A filled dot is a snapshot with `min_matches` or more, a hollow one has fewer; a star is the
    first above the bar. Snapshots without matches have their parent's rating and are left out.

    Args:
        against: what the axis counts, "decisions" or "minutes".

    Raises:
        UsageError: matplotlib is missing.
        FolderError: the file cannot be written.
    """
    figure = new_figure(12.0, 7.5)
    styles = _line_styles(leagues)
    levels = _levels(leagues)
    # Room for the labels on the right and for the legend above, whatever the leagues hold.
    right = 0.955 - _LETTER_WIDTH * max((len(_level_label(*level)) for level in levels), default=0)
    top = 0.875 - _LEGEND_ROW * math.ceil(len(styles) / _LEGEND_COLUMNS)
    axes = figure.add_axes((_LEFT, 0.09, right - _LEFT, top - 0.09))
    for curves in leagues:
        for lineage in curves.lineages:
            _draw_lineage(axes, lineage, curves, against, styles[lineage.name], len(leagues))
    _set_scales(axes, leagues, against)
    _draw_anchors(axes, levels)
    _dress(axes, against)
    _write_head(figure, leagues, styles)
    return save_png(figure, path)


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return heights near the wanted ones, in their order, at least `gap` apart, in low..high.

    Neighbours that are too close become a block around the mean of their wanted heights; blocks
    that then touch are merged, so that a label moves no further than it must. If there is not
    enough room for all labels, the gap shrinks until they fit.
    """
    if len(wanted) > 1:
        gap = min(gap, (high - low) / (len(wanted) - 1))
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    blocks: list[tuple[float, int]] = []  # (height of the first label, labels)
    for place in order:
        start, count = wanted[place], 1
        while blocks and start < blocks[-1][0] + gap * blocks[-1][1]:
            below, below_count = blocks.pop()
            # Each label pulls the block's first one to where its own height would be right.
            pull = below * below_count + (start - gap * below_count) * count
            start, count = pull / (below_count + count), below_count + count
        start = min(max(start, low), high - gap * (count - 1))
        blocks.append((start, count))
    heights = [start + gap * step for start, count in blocks for step in range(count)]
    return [heights[order.index(index)] for index in range(len(wanted))]


def _line_styles(leagues: Sequence[LeagueCurves]) -> dict[str, tuple[str, Any]]:
    """Return (colour, line style) by lineage name, the same in every league."""
    styles: dict[str, tuple[str, Any]] = {}
    used: dict[str, int] = {}
    for lineage in (lineage for curves in leagues for lineage in curves.lineages):
        if lineage.name not in styles:
            colour = FAMILY_COLOURS.get(lineage.family, OTHER_COLOUR)
            nth = used.get(colour, 0)
            used[colour] = nth + 1
            styles[lineage.name] = colour, STYLES[nth % len(STYLES)]
    return styles


def _draw_lineage(
    axes: Axes,
    lineage: Lineage,
    curves: LeagueCurves,
    against: str,
    style: tuple[str, Any],
    n_leagues: int,
) -> None:
    colour, line = style
    alone = n_leagues == 1
    rows = _drawn(lineage)
    if not rows:
        return
    at = [_position(row, against) for row in rows]
    mu = [row.mu or 0.0 for row in rows]
    axes.plot(at, mu, color=colour, linestyle=line, linewidth=2.2 if alone else 1.1, zorder=4)
    low, high = zip(*(_band(row) for row in rows), strict=True)
    faint = 0.20 / n_leagues
    axes.fill_between(at, low, high, color=colour, alpha=faint, linewidth=0, zorder=2)
    if len(rows) == 1:  # one snapshot spans no area
        axes.vlines(at, low, high, color=colour, alpha=0.5, linewidth=2.0, zorder=3)
    side = 28.0 if len(rows) <= 30 and alone else 12.0
    for is_proven in (False, True):
        shown = [row for row in rows if (row.matches >= curves.min_matches) is is_proven]
        axes.scatter(
            [_position(row, against) for row in shown], [row.mu or 0.0 for row in shown], s=side,
            facecolor=colour if is_proven else PAPER, edgecolor=colour, linewidth=1.0, zorder=5,
        )  # fmt: skip
    first = lineage.first_above
    if first is not None:
        axes.scatter(
            [_position(first, against)], [first.mu or 0.0], marker="*", s=8 * side + 100,
            facecolor=colour, edgecolor=INK, linewidth=1.0, zorder=6,
        )  # fmt: skip


def _set_scales(axes: Axes, leagues: Sequence[LeagueCurves], against: str) -> None:
    """Make room for every mu and for the bands of snapshots with enough matches; cut others."""
    heights: list[float] = []
    positions: list[float] = []
    for curves in leagues:
        heights += [row.mu for row in curves.anchors if row.mu is not None]
        for lineage in curves.lineages:
            for row in _drawn(lineage):
                positions.append(_position(row, against))
                is_proven = row.matches >= curves.min_matches
                heights += _band(row) if is_proven else [row.mu or 0.0]
    low, high = min(heights, default=24.0), max(heights, default=26.0)
    margin = max(0.06 * (high - low), 0.5)
    axes.set_ylim(low - margin, high + margin)
    right = max([*positions, _SHORTEST_AXIS[against]])
    axes.set_xlim(-0.015 * right, 1.015 * right)


def _levels(leagues: Sequence[LeagueCurves]) -> list[tuple[str, float]]:
    """Return (name, mu) of every anchor, the mean of the leagues if there are several."""
    levels: dict[str, list[float]] = {}
    for row in (row for curves in leagues for row in curves.anchors):
        if row.mu is not None:
            levels.setdefault(row.name, []).append(row.mu)
    return [(name, fmean(values)) for name, values in levels.items()]


def _level_label(name: str, mu: float) -> str:
    short = name if len(name) <= 20 else f"{name[:18]}.."
    return f"{short} {mu:.2f}"


def _draw_anchors(axes: Axes, levels: Sequence[tuple[str, float]]) -> None:
    """Draw a thin line for each anchor, with its name and mu beside it."""
    low, high = axes.get_ylim()
    wanted = [(mu - low) / (high - low) for _, mu in levels]
    heights = spread(wanted, _LABEL_HEIGHT, 0.0, 1.0)
    for (name, mu), start, height in zip(levels, wanted, heights, strict=True):
        axes.axhline(mu, color=FAINT, linewidth=0.8, linestyle=(0, (6, 4)), zorder=1)
        axes.plot(
            [1.0, 1.018, 1.028], [start, height, height], color=FAINT, linewidth=0.8,
            transform=axes.transAxes, clip_on=False,
        )  # fmt: skip
        axes.text(
            1.033, height, _level_label(name, mu), transform=axes.transAxes, fontsize=10,
            color=INK, va="center",
        )  # fmt: skip


def _dress(axes: Axes, against: str) -> None:
    from matplotlib.ticker import EngFormatter, MaxNLocator

    axes.set_facecolor(PAPER)
    axes.set_xlabel(_AXIS_LABELS[against], color=INK, fontsize=11)
    axes.set_ylabel("rating mu  (tribe is at 25)", color=INK, fontsize=11)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=10, steps=[1, 2, 5, 10]))
    if against == "decisions":
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))  # 250k, 1M
    axes.tick_params(colors=INK, labelsize=10, length=0)
    axes.grid(axis="y", color=LINE, linewidth=0.4, alpha=0.6)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_color(LINE)
        spine.set_visible(side in ("left", "bottom"))


def _write_head(
    figure: Figure, leagues: Sequence[LeagueCurves], styles: Mapping[str, tuple[str, Any]]
) -> None:
    """Write the title, how to read the picture, and when each lineage was above the bar."""
    from matplotlib.lines import Line2D

    names = ", ".join(curves.league for curves in leagues[:6]) + (" ..." * (len(leagues) > 6))
    least = leagues[0].min_matches if leagues else MIN_MATCHES
    mean = ", mean of the leagues" if len(leagues) > 1 else ""
    rivals = in_words([spec.removeprefix("scripted:") for spec in RIVAL_SPECS])
    for height, text, size, colour in (
        (0.965, f"How the learners got better: {names}", 14, INK),
        (0.93, f"Dot: a snapshot, hollow under {least} matches.  Band: 95 %.  Dashes: scripted "
         f"anchors{mean}.", 10, FAINT),
        (0.905, f"Star, above all: the first whose mu - 3 sigma is higher than that of {rivals}.",
         10, FAINT),
    ):  # fmt: skip
        weight = "bold" if size > 10 else "normal"
        figure.text(_LEFT, height, text, fontsize=size, color=colour, weight=weight, va="center")
    handles = [
        Line2D([], [], color=colour, linestyle=line, linewidth=2.2, label=_legend(name, leagues))
        for name, (colour, line) in styles.items()
    ]
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(_LEFT - 0.005, 0.89), fontsize=10,
        ncols=_LEGEND_COLUMNS, frameon=False, labelcolor=INK, borderaxespad=0.0, columnspacing=2.5,
    )  # fmt: skip


def _legend(name: str, leagues: Sequence[LeagueCurves]) -> str:
    lineages = [lineage for c in leagues for lineage in c.lineages if lineage.name == name]
    if any(lineage.taught_by is not None for lineage in lineages):
        name = f"{name} (taught)"
    firsts = [lineage.first_above for lineage in lineages if lineage.first_above is not None]
    if len(leagues) > 1:
        return f"{name}: above all in {len(firsts)} of {len(lineages)} leagues"
    if not firsts:
        return f"{name}: not above all yet"
    first = firsts[0]
    decisions = f"{first.trained_decisions:,}"
    return f"{name}: above all after {decisions} decisions, {first.minutes:,.1f} min"


def _drawn(lineage: Lineage) -> list[Rated]:
    return [row for row in lineage.snapshots if row.mu is not None and row.matches > 0]


def _position(row: Rated, against: str) -> float:
    return float(row.trained_decisions) if against == "decisions" else row.minutes


def _band(row: Rated) -> tuple[float, float]:
    mu, half_width = row.mu or 0.0, row.half_width or 0.0
    return mu - half_width, mu + half_width
