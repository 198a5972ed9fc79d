"""Panel 1: who is better, how sure that is, and how it came about; and the page of one member."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from league.plain_text import visible
from league.report.screen import FAMILY_STYLES, number
from league.report.state import MemberRow
from league.screen.lines import (
    Column,
    cut,
    duration,
    histogram,
    joined,
    page_of,
    sentence,
    spark,
    table,
)
from league.screen.state import Look, ScreenState, window

CURSOR = "reverse"
_MAY_GO = (
    *("status", "decisions", "wins", "mu", "family", "first %", "place", "matches", "tier"),
    *("places", "±95 %", "95 %", "rank", "rating"),
)


def shown_members(state: ScreenState, look: Look) -> list[MemberRow]:
    """Return the members that are listed, best first: all, or those whose name is looked for."""
    rows = () if state.report is None else state.report.members
    wanted = look.find.casefold()
    return [row for row in rows if wanted in row.name.casefold()]


def standings_lines(state: ScreenState, look: Look, width: int, height: int) -> list[Text]:
    """Draw the standings in exactly `height` lines of `width` columns."""
    if look.member_id is not None:
        return member_lines(state, look.member_id, width, height)
    members = shown_members(state, look)
    if not members and not look.find:
        return page_of(_waiting(state), width, height)
    cursor = min(look.row(1), max(len(members) - 1, 0))
    first, end = window(len(members), cursor, max(height - 2, 1))
    lines = table(_columns(state, members[first:end]), width, _MAY_GO)
    if look.focus == 1 and members:
        lines[1 + cursor - first].stylize(CURSOR)
    for line, row in zip(lines[1:], members[first:end], strict=True):
        if row.status != "active":
            line.stylize("dim")
    body = page_of(lines, width, height - 1)
    return [*body, _foot(state, look, len(members), end - first, width)]


def _waiting(state: ScreenState) -> list[Text]:
    """Return what is said while there is nobody to show."""
    says = state.says or {"stopped": "`league start` starts it"}.get(state.phase, "one moment")
    return [Text(""), Text(visible(f"  The league is {state.phase}: {says}."), "bold")]


def _foot(state: ScreenState, look: Look, n: int, n_shown: int, width: int) -> Text:
    if not n:
        return joined([Text(f"no name contains {cut(look.find, 20).rstrip()!r}", "dim")], width)
    hidden = n - n_shown
    pieces: list[Text | str] = [Text(f"{hidden} more", "dim")] if hidden else []
    if state.history_s:
        pieces.append(Text(f"rating of the last {duration(state.history_s)}", "dim"))
    pieces.append(Text("j k move, enter: member", "dim"))
    return joined(pieces, width)


def _columns(state: ScreenState, rows: Sequence[MemberRow]) -> list[Column]:
    """Return all columns that there are, in their order on the screen."""
    known = [value for past in state.history.values() for value in past if value is not None]
    low, high = min(known, default=0.0), max(known, default=1.0)
    n_places = max((len(counts) for counts in state.places.values()), default=10)

    def history(width: int) -> list[Text]:
        return [
            Text(spark(state.history.get(row.id, ()), width, low, high), _style(row))
            for row in rows
        ]

    def places(width: int) -> list[str]:
        return [histogram(state.places.get(row.id, ()), width) for row in rows]

    return [
        Column("rank", [_number(row.rank) for row in rows], least=4),
        Column("95 %", [_interval(row) for row in rows], least=5),
        Column("tier", [_number(row.tier) for row in rows]),
        Column(
            "name",
            [Text(visible(row.name), _style(row)) for row in rows],
            left=True,
            least=14,
            is_name=True,
        ),
        Column("family", [Text(row.family, _style(row)) for row in rows], left=True),
        Column("mu", [number(row.mu) for row in rows], least=5),
        Column("mu-3s", [number(row.conservative) for row in rows], least=5),
        Column("±95 %", [number(row.half_width) for row in rows], least=5),
        Column("rating", history, left=True, least=14, most=48),
        Column("places", places, left=True, least=6, most=max(n_places, 6)),
        Column("place", [number(row.mean_placement) for row in rows], least=5),
        Column("first %", [_chance(row) for row in rows], least=10),
        Column("matches", [f"{row.matches:,}" for row in rows], least=7),
        Column("wins", [f"{row.wins:,}" for row in rows], least=5),
        Column("decisions", [_decisions(row) for row in rows], least=9),
        Column("status", [_status(row) for row in rows], left=True),
    ]


def member_lines(state: ScreenState, member_id: int, width: int, height: int) -> list[Text]:
    """Draw the page of one member: all that the screen knows of it."""
    report = state.report
    row = None
    if report is not None:
        row = next((row for row in report.members if row.id == member_id), None)
    if row is None or report is None:
        return page_of([Text("this member is gone; escape closes the page")], width, height)
    names = {member.id: member.name for member in report.members}
    parent = "-" if row.parent_id is None else names.get(row.parent_id, "?")
    past = state.history.get(row.id, ())
    known = [value for value in past if value is not None]
    counts = state.places.get(row.id, ())
    wide = max(width - 14, 8)
    said = [
        ("name", row.name),
        ("family", f"{row.family}, {_status(row)}, generation {row.generation}"),
        ("parent", parent),
        ("rank", f"{_number(row.rank)} of {len(names)}   95 %: {_interval(row)}"),
        ("rating", f"{number(row.mu)} ±{number(row.half_width)}"),
        ("mu-3s", number(row.conservative)),
        ("history", spark(past, min(wide, 60), min(known, default=0), max(known, default=1))),
        ("matches", f"{row.matches:,}, of which {row.wins:,} won"),
        ("mean place", number(row.mean_placement)),
        ("first", f"{_chance(row)} % in company like its own"),
        ("places", histogram(counts, min(max(len(counts), 1), wide))),
        ("trained", f"{_decisions(row)} decisions"),
        ("agent", row.agent_spec),
        ("since", f"{row.created_at:%Y-%m-%d %H:%M} UTC"),
        *_best_and_worst(state, row.name),
    ]
    lines = [
        Text.assemble((f" {key:<11}", "dim"), sentence(text, max(width - 13, 1)))
        for key, text in said
    ]
    lines += [Text(""), Text(" escape: back to the standings", "dim")]
    return page_of(lines, width, height)


def _best_and_worst(state: ScreenState, name: str) -> list[tuple[str, str]]:
    """Return whom a member beats most and least, of those with enough common matches."""
    found = state.beating
    if found is None or name not in found.names:
        return []
    at = found.names.index(name)
    rated = sorted(
        (found.rates[at][j], other)
        for j, other in enumerate(found.names)
        if j != at and found.games[at][j] >= 8
    )
    if not rated:
        return []
    (low, hard), (high, easy) = rated[0], rated[-1]
    return [
        ("beats most", f"{easy}, {100 * high:.0f} % of common matches"),
        ("and least", f"{hard}, {100 * low:.0f} %"),
    ]


def _style(row: MemberRow) -> str:
    return FAMILY_STYLES.get(row.family, "")


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _interval(row: MemberRow) -> str:
    if row.rank_low is None or row.rank_high is None:
        return "-"
    same = row.rank_low == row.rank_high
    return str(row.rank_low) if same else f"{row.rank_low}-{row.rank_high}"


def _chance(row: MemberRow) -> str:
    if row.first is None:
        return "-"
    low, high = 100 * row.first.low, 100 * row.first.high
    return f"{100 * row.first.p:.0f} ({low:.0f}-{high:.0f})"


def _decisions(row: MemberRow) -> str:
    return f"{row.trained_decisions:,}" if row.trained_decisions else "-"


def _status(row: MemberRow) -> str:
    return row.role if row.status == "active" else row.status
