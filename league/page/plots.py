"""Draws sections of the page as PNG files, for slides and papers: training, payoff, placements.

Needs matplotlib (the extra `plot`). The numbers are those of the page: league.page.sections.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from league.page import series
from league.page.facts import PageFacts, Training
from league.page.sections import beats, places, training
from league.page.sections.training import AXIS_LABELS, CURVES
from league.rating.beats import MIN_COMMON
from league.report.figures import FAINT, INK, LINE, PAPER, new_figure, save_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#40b8f2", "#f06292", "#69db7c", "#ffa94d", "#b197fc", "#3bc9db")
MOST_MEMBERS = 40
_COLUMNS = 3
Draw = Callable[[PageFacts, Path, str], Path]


def draw_training(facts: PageFacts, path: Path, axis: str) -> Path:
    """Draw the curves of all learners against decisions or minutes, and where their time goes.

    Raises:
        UsageError: matplotlib is missing.
        FolderError: the file cannot be written.
    """
    trained = [each for each in facts.trainings if each.updates]
    start = facts.curves.first_start
    n_rows = -(-len(CURVES) // _COLUMNS) + -(-len(trained) // _COLUMNS)
    figure = new_figure(14.0, 2.7 * n_rows + 1.4)
    _title(figure, f"Training of {facts.state.league}", training.answer(facts))
    grid = figure.add_gridspec(
        n_rows, _COLUMNS, left=0.06, right=0.985, top=1 - 1.2 / figure.get_figheight(),
        bottom=0.5 / figure.get_figheight(), hspace=0.55, wspace=0.2,
    )  # fmt: skip
    for at, (key, title) in enumerate(CURVES):
        axes = figure.add_subplot(grid[at // _COLUMNS, at % _COLUMNS])
        for colour, each in zip(COLOURS * len(trained), trained, strict=False):
            points = series.series(series.lasting(each.updates), key, axis, start)
            axes.plot(*zip(*points, strict=True), color=colour, linewidth=1.4, label=each.name)
        _dress(axes, title, AXIS_LABELS[axis])
        if at == 0 and trained:
            axes.legend(frameon=False, labelcolor=INK, fontsize=9)
    first = -(-len(CURVES) // _COLUMNS) * _COLUMNS
    for at, each in enumerate(trained, start=first):
        axes = figure.add_subplot(grid[at // _COLUMNS, at % _COLUMNS])
        _phases(axes, each, axis, facts)
    return save_png(figure, path)


def _phases(axes: Axes, each: Training, axis: str, facts: PageFacts) -> None:
    xs, bins = series.binned(series.lasting(each.updates), axis, facts.curves.first_start)
    shares = [series.phase_shares(updates) for updates in bins]
    kept = [at for at, share in enumerate(shares) if share]
    axes.stackplot(
        [xs[at] for at in kept],
        *([shares[at][phase] for at in kept] for phase in series.PHASES),
        labels=series.PHASES,
        colors=COLOURS,
        alpha=0.85,
    )
    axes.legend(frameon=False, labelcolor=INK, fontsize=8, ncols=3, loc="lower left")
    _dress(axes, f"time of {each.name}", AXIS_LABELS[axis])


def draw_payoff(facts: PageFacts, path: Path, axis: str = "") -> Path:
    """Draw who beats whom: the best MOST_MEMBERS, with their beat rates; grey below 8 matches.

    Raises:
        UsageError: matplotlib is missing.
        FolderError: the file cannot be written.
    """
    ranking = facts.payoff.ranking[:MOST_MEMBERS]
    names = [facts.names.get(row.member_id, "?") for row in ranking]
    n = len(names)
    side = 3.4 + 0.42 * max(n, 4)
    figure = new_figure(side, side)
    _title(
        figure,
        f"Who beats whom in {facts.state.league}: % of matches with the row above the column",
        beats.answer(facts),
    )
    room = 2.1 / side
    axes = figure.add_axes((room, 0.02, 0.97 - room, 0.97 - room))
    rates, games = facts.payoff.beats.rates[:n, :n], facts.payoff.beats.games[:n, :n]
    few = np.ma.masked_where(games >= MIN_COMMON, np.ones_like(games))
    if n:
        axes.imshow(np.ma.masked_where(games < MIN_COMMON, rates), cmap="RdBu", vmin=0.0, vmax=1.0)
        axes.imshow(few, cmap="gray", vmin=0.0, vmax=3.0)
    for i, j in np.argwhere(games > 0).tolist():
        dark = abs(rates[i, j] - 0.5) > 0.3 or games[i, j] < MIN_COMMON
        axes.text(
            j, i, f"{100 * rates[i, j]:.0f}", ha="center", va="center", fontsize=8,
            color=INK if dark else PAPER,
        )  # fmt: skip
    axes.set_xticks(range(n), names, rotation=60, ha="left", rotation_mode="anchor")
    axes.set_yticks(range(n), names)
    axes.xaxis.tick_top()
    _bare(axes)
    return save_png(figure, path)


def draw_placements(facts: PageFacts, path: Path, axis: str = "") -> Path:
    """Draw where each of the best MOST_MEMBERS came, as shares of its matches.

    Raises:
        UsageError: matplotlib is missing.
        FolderError: the file cannot be written.
    """
    rows = places.rows_of(facts)[:MOST_MEMBERS]
    figure = new_figure(12.0, 1.7 + 0.3 * max(len(rows), 3))
    height = figure.get_figheight()
    _title(figure, f"Places in {facts.state.league}, share of matches", places.answer(rows))
    axes = figure.add_axes((0.17, 0.5 / height, 0.75, 1 - 1.6 / height))
    n_places = max((len(row.counts) for row in rows), default=1)
    from matplotlib import colormaps

    colours = colormaps["viridis_r"](np.linspace(0.05, 0.95, n_places))
    left = np.zeros(len(rows))
    for place in range(n_places):
        shares = np.array([row.counts[place] / row.matches for row in rows])
        axes.barh(range(len(rows)), shares, left=left, color=colours[place], label=str(place + 1))
        left += shares
    axes.set_yticks(range(len(rows)), [row.name for row in rows])
    axes.set_xlim(0.0, 1.0)
    axes.invert_yaxis()
    _bare(axes)
    axes.legend(
        title="place", frameon=False, labelcolor=INK, fontsize=9, loc="upper left",
        bbox_to_anchor=(1.005, 1.0),
    ).get_title().set_color(INK)  # fmt: skip
    return save_png(figure, path)


PLOTS: dict[str, Draw] = {
    "training": draw_training,
    "payoff": draw_payoff,
    "placements": draw_placements,
}


def _title(figure: Figure, title: str, answer: str) -> None:
    height = figure.get_figheight()
    figure.text(0.02, 1 - 0.3 / height, title, fontsize=14, color=INK, weight="bold", va="center")
    width = int(figure.get_figwidth() * 13)
    lines = _wrapped(answer, width)[:2]
    figure.text(0.02, 1 - 0.55 / height, "\n".join(lines), fontsize=10, color=FAINT, va="top")


def _wrapped(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width)


def _dress(axes: Axes, title: str, x_label: str) -> None:
    from matplotlib.ticker import EngFormatter

    axes.set_title(title, fontsize=10, color=INK, loc="left")
    axes.set_xlabel(x_label, fontsize=9, color=FAINT)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.grid(axis="y", color=LINE, linewidth=0.4, alpha=0.6)
    axes.set_axisbelow(True)
    _bare(axes, sides=("left", "bottom"))


def _bare(axes: Any, sides: Sequence[str] = ()) -> None:
    axes.set_facecolor(PAPER)
    axes.tick_params(colors=INK, labelsize=9, length=0)
    for side, spine in axes.spines.items():
        spine.set_color(LINE)
        spine.set_visible(side in sides)
