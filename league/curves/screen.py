"""Owns how `league curves` looks in a terminal: a table per lineage, and two sentences under it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from league.curves.lineages import LeagueCurves, Lineage, Rated, in_words
from league.report.console import foreign
from league.report.screen import FAMILY_STYLES, number, plain_table

_COLUMNS = (
    *(("decisions", 11), ("minutes", 8), ("mu", 6), ("+-95 %", 6), ("mu-3s", 6), ("matches", 7)),
    ("place", 5),
)


def curves_screen(leagues: Sequence[LeagueCurves]) -> RenderableType:
    """Return all leagues, one below the other."""
    parts: list[RenderableType] = []
    for curves in leagues:
        if parts:
            parts.append("")
        parts += [foreign(_head(curves), "bold"), foreign(bar_sentence(curves))]
        for lineage in curves.lineages:
            parts += ["", _lineage_table(lineage, curves.min_matches)]
            parts += [foreign(answer(lineage, curves)), foreign(passage_sentence(lineage, curves))]
        if curves.anchors:
            parts += ["", _table(Text("anchors", style="bold"), curves.anchors, trained=False)]
    return Group(*parts)


def bar_sentence(curves: LeagueCurves) -> str:
    """Say what the lineages of a league must be above."""
    bar = curves.bar
    if bar.highest is None:
        return f"There is no bar: none of {in_words(bar.missing)} is rated in this league."
    sentence = (
        f"The bar: mu-3s above {number(bar.conservative)} ({bar.highest}), the highest of "
        f"{in_words(bar.rivals)}, after {curves.min_matches} matches or more"
    )
    if bar.missing:
        sentence += f"; not in this league: {in_words(bar.missing)}"
    if bar.unproven:
        sentence += f"; still too few matches: {in_words(bar.unproven)}"
    return f"{sentence}."


def answer(lineage: Lineage, curves: LeagueCurves) -> str:
    """Say which snapshot of a lineage is the first above the bar, or what is still missing."""
    first = lineage.first_above
    if first is not None:
        return (
            f"* First above the bar: {first.name}, {first.trained_decisions:,} decisions, "
            f"{first.minutes:,.1f} min, mu-3s {number(first.conservative)}."
        )
    if not lineage.snapshots:
        return "None above the bar yet: no snapshots."
    best = lineage.best(curves.min_matches)
    if best is None:
        return f"None above the bar yet: no snapshot has {curves.min_matches} matches."
    return f"None above the bar yet: the best is {best.name}, mu-3s {number(best.conservative)}."


def passage_sentence(lineage: Lineage, curves: LeagueCurves) -> str:
    """Say since when the newest snapshot of a lineage has been above the bar."""
    passage = lineage.passage
    if passage.newest is None:
        return f"No snapshot has played {curves.min_matches} matches."
    now = f"{passage.newest} is {'above' if passage.above_now else 'not above'} it now"
    if passage.first_minute is None or passage.share_since is None:
        return (
            f"The newest snapshot with {curves.min_matches} matches was never above the bar; {now}."
        )
    return (
        f"The newest snapshot with {curves.min_matches} matches was first above the bar after "
        f"{passage.first_minute:,.1f} min ({passage.first}), and in "
        f"{100 * passage.share_since:.0f} % of the rated matches since; {now}."
    )


def _head(curves: LeagueCurves) -> str:
    start = curves.first_start
    since = "never started" if start is None else f"started {start:%Y-%m-%d %H:%M:%S} UTC"
    n_snapshots = sum(len(lineage.snapshots) for lineage in curves.lineages)
    return (
        f"League {curves.league}   lineages {len(curves.lineages)}   snapshots {n_snapshots}   "
        f"{since}"
    )


def _lineage_table(lineage: Lineage, min_matches: int) -> Table:
    role = "" if lineage.role == "main" else f", {lineage.role}"
    title = foreign(lineage.name, f"bold {FAMILY_STYLES.get(lineage.family, '')}".strip())
    taught = "" if lineage.taught_by is None else f", taught by {lineage.taught_by}"
    title.append_text(foreign(f" ({lineage.family}{role}{taught})", "not bold"))
    return _table(title, lineage.snapshots, lineage.first_above, min_matches)


def _table(
    title: Text,
    rows: Sequence[Rated],
    marked: Rated | None = None,
    min_matches: int = 0,
    *,
    trained: bool = True,
) -> Table:
    """Return a table; rows with too few matches are dim, and a star marks one without colours."""
    table = plain_table("")
    table.title = title
    # Fixed widths align the tables below each other; the longest name still fits.
    for heading, width in _COLUMNS:
        table.add_column(heading, justify="right", no_wrap=True, min_width=width)
    table.add_column("name", no_wrap=True)
    for row in rows:
        table.add_row(
            f"{row.trained_decisions:,}" if trained else "-",
            f"{row.minutes:,.1f}" if trained else "-",
            number(row.mu),
            number(row.half_width),
            number(row.conservative),
            str(row.matches),
            number(row.mean_placement),
            foreign(f"{row.name} *" if row is marked else row.name),
            style="bold" if row is marked else "dim" if row.matches < min_matches else "",
        )
    return table
