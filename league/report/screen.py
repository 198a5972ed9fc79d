"""Owns the screen of a report: a pure function from a state to what Rich can print.

Promises: numbers right-aligned with at most two decimals, names never wrapped, columns in fixed
places; the same state gives the same screen.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from arena.territory.engine.rules import EDITIONS
from league.plain_text import visible
from league.rating.first_places import Chance
from league.report.champion import champion_lines
from league.report.console import foreign
from league.report.fitting import FittingTable
from league.report.held_out import held_out_lines
from league.report.masked import masked_lines
from league.report.slow import slow_lines
from league.report.state import BudgetRow, LearnerRow, MatchRow, MemberRow, ReportState
from league.report.taught import taught_lines
from league.report.usage_text import usage_words

WIDTH = 130  # columns of the SVG and of plain output; the widest table needs 126
_LEVEL_STYLES = {"info": "dim", "warning": "yellow", "alarm": "bold red"}
FAMILY_STYLES = {"attention": "cyan", "baseline": "magenta", "plugin": "green"}
_LINES = "\n"  # a message may have several
_PROGRESS_SHOWN = (
    ("placement_mean", "place"),
    ("reward_mean", "reward"),
    ("entropy", "entropy"),
    ("kl", "kl"),
)


def report_screen(state: ReportState, *, max_members: int | None = None) -> RenderableType:
    """Return the whole report.

    Args:
        max_members: most rows of the standings to show; None shows all.
    """
    parts: list[RenderableType] = [
        _head(state),
        *(Text(visible(line), style="bold red") for line in _troubles(state)),
        *champion_lines(state.champion, state.canaries),
        standings_table(state.members, max_members),
        *(
            Text(visible(line), style="dim")
            for line in (*taught_lines(state.members), *masked_lines(state.members))
        ),
    ]
    if state.learners:
        parts.append(learners_table(state.learners))
        unmet = held_out_lines(state.learners, state.members, state.held_out)
        parts += [Text(visible(line), style="dim") for line in unmet]
    if state.matches:
        parts.append(matches_table(state.matches))
    if state.matches and state.win_share is not None:
        parts.append(_land(state, state.win_share))
    parts.append(_arena(state))
    parts += [Text(visible(line), style="dim") for line in slow_lines(state.slow)]
    parts += [_budget(row) for row in state.budgets]
    if state.events:
        parts.append(_events(state))
    return Group(*parts)


def standings_table(rows: Sequence[MemberRow], max_members: int | None = None) -> FittingTable:
    """Return the standings: rank, name and family, rating, games, chance of the first place."""
    hidden = 0 if max_members is None else max(len(rows) - max_members, 0)
    table = plain_table("Standings", caption=f"and {hidden} more" if hidden else None)
    for heading in ("rank", "95 %", "tier"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("name", no_wrap=True, min_width=16)
    table.add_column("family", no_wrap=True)
    for heading in ("mu", "+-95 %", "mu-3s", "matches", "wins", "first %", "place", "decisions"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for row in rows[: len(rows) - hidden]:
        table.add_row(
            "-" if row.rank is None else str(row.rank),
            _interval(row.rank_low, row.rank_high),
            "-" if row.tier is None else str(row.tier),
            foreign(row.name),
            foreign(row.family, FAMILY_STYLES.get(row.family, "")),
            number(row.mu),
            number(row.half_width),
            number(row.conservative),
            str(row.matches),
            str(row.wins),
            _percent(row.first),
            number(row.mean_placement),
            f"{row.trained_decisions:,}" if row.trained_decisions else "-",
            foreign(row.role if row.status == "active" else row.status),
            style="" if row.status == "active" else "dim",
        )
    may_go = (
        *("family", "status", "decisions", "wins", "tier", "first %", "place", "matches"),
        *("95 %", "+-95 %", "mu-3s"),
    )
    return FittingTable(table, ["name"], may_go)


def _percent(chance: Chance | None) -> str:
    """Return a chance with its interval, such as `20 (18-23)`, in per cent."""
    if chance is None:
        return "-"
    return f"{100 * chance.p:.0f} ({100 * chance.low:.0f}-{100 * chance.high:.0f})"


def learners_table(rows: Sequence[LearnerRow]) -> FittingTable:
    """Return the learners: which ones train, how far they are, how fast they go."""
    table = plain_table("Learners")
    table.add_column("name", no_wrap=True, min_width=16)
    table.add_column("family", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for heading in ("decisions", "per s", "snapshots"):
        table.add_column(heading, justify="right", no_wrap=True)
    for _, heading in _PROGRESS_SHOWN:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("newest", no_wrap=True)
    for row in rows:
        table.add_row(
            foreign(row.name),
            foreign(row.family, FAMILY_STYLES.get(row.family, "")),
            _learner_status(row),
            f"{row.trained_decisions:,}",
            "-" if row.decisions_per_s is None else f"{row.decisions_per_s:,.0f}",
            str(row.generation),
            *(number(row.progress.get(key)) for key, _ in _PROGRESS_SHOWN),
            foreign(row.latest_member or "-"),
        )
    may_go = ("family", "newest", "kl", "entropy", "snapshots", "reward", "place", "per s")
    return FittingTable(table, ["name", "newest"], may_go)


def _learner_status(row: LearnerRow) -> Text:
    if row.waits_for is not None:
        return Text("waits", style="yellow")
    phase = row.progress.get("phase")
    said = phase if row.status == "running" and isinstance(phase, str) else row.status
    return Text("silent", style="bold red") if row.is_silent else foreign(said)


def matches_table(rows: Sequence[MatchRow]) -> FittingTable:
    """Return the latest rated matches, newest first."""
    table = plain_table("Latest matches")
    table.add_column("match", justify="right", no_wrap=True)
    table.add_column("at (UTC)", no_wrap=True)
    table.add_column("map", no_wrap=True)
    table.add_column("first, second, third", no_wrap=True)
    table.add_column("ticks", justify="right", no_wrap=True)
    table.add_column("seconds", justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            str(row.id),
            f"{row.finished_at:%H:%M:%S}",
            foreign(row.map),
            foreign(", ".join(row.podium)),
            f"{row.ticks:,}",
            f"{row.wall_s:.1f}",
        )
    return FittingTable(table, ["first, second, third", "map"], ("at (UTC)", "seconds", "map"))


def summary_line(state: ReportState) -> str:
    """Return one line for when no screen can be drawn: matches, leader, learners, the machine."""
    rated = [row for row in state.members if row.rank is not None]
    leader = f"leader {rated[0].name} ({number(rated[0].mu)})" if rated else "no ratings"
    learners = ", ".join(
        f"{row.name} {row.trained_decisions:,} decisions"
        + ("" if row.decisions_per_s is None else f" at {row.decisions_per_s:,.0f}/s")
        for row in state.learners
    )
    parts = [
        f"{state.at:%H:%M:%S}",
        f"{state.n_matches} matches ({state.arena.matches_per_s:.2f}/s)",
        f"{len(state.members)} members",
        leader,
    ]
    used = usage_words({} if state.run is None else state.run.usage)
    failed = [f"{state.arena.failed} failed"] if state.arena.failed else []
    said = [*parts, *([learners] if learners else []), *used, *failed, *_troubles(state)]
    return visible("  ".join(said))


def _troubles(state: ReportState) -> list[str]:
    """Return a line for everything that waits for the machine."""
    lines = [] if state.pause is None else [str(state.pause)]
    return lines + [f"{name} waits: {text}" for name, text in sorted(state.waiting.items())]


def _head(state: ReportState) -> RenderableType:
    text = Text.assemble(
        (f"League {visible(state.league)}", "bold"),
        f"   {len(state.members)} members   {state.n_matches} rated matches   ",
        (f"{state.at:%Y-%m-%d %H:%M:%S} UTC", "dim"),
        no_wrap=True,
    )
    return Panel(text, expand=False, border_style="dim")


def _arena(state: ReportState) -> RenderableType:
    row = state.arena
    return Text(
        f"Arena: {row.matches_per_s:.2f} matches/s, {row.ticks_per_s:,.0f} ticks/s in the last "
        f"{row.window_s:.0f} s; {row.running} running, {row.planned} planned, {row.failed} failed"
    )


def _land(state: ReportState, win_share: float) -> RenderableType:
    rest = "" if EDITIONS[state.edition].wins_by_all_land else "; other land is not played on"
    return Text(
        f"A match ends when a seat holds {100 * win_share:.0f} % of {state.win_land}{rest}",
        style="dim",
    )


def _budget(row: BudgetRow) -> RenderableType:
    size = "not measured yet" if row.measured is None else f"{row.measured / 1e6:,.1f} MB"
    limit = "no budget" if row.budget is None else f"budget {row.budget / 1e6:,.0f} MB"
    text = f"{row.kind.capitalize()}: {size}, {limit}"
    if row.pruned_at is not None:
        text += (
            f"; {row.n_pruned:,} pruned ({row.pruned_bytes / 1e6:,.1f} MB), last "
            f"{row.pruned_at:%Y-%m-%d %H:%M:%S}"
        )
    return Text(text)


def _events(state: ReportState) -> RenderableType:
    lines = Text("Events", style="bold")
    for event in state.events:
        style = _LEVEL_STYLES.get(event.level, "")
        lines.append(
            f"\n{event.at:%H:%M:%S} {visible(event.kind)}: {visible(event.message, keep=_LINES)}",
            style=f"not bold {style}",
        )
    return lines


def plain_table(title: str, caption: str | None = None) -> Table:
    """Return an empty table without borders, its title and caption on the left."""
    return Table(
        title=title,
        caption=caption,
        title_justify="left",
        caption_justify="left",
        title_style="bold",
        header_style="dim",
        box=None,
        pad_edge=False,
    )


def number(value: object) -> str:
    """Return a number with two decimals, `-` for anything else."""
    return f"{value:.2f}" if isinstance(value, int | float) else "-"


def _interval(low: int | None, high: int | None) -> str:
    if low is None or high is None:
        return "-"
    return str(low) if low == high else f"{low}-{high}"
