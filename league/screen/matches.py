"""Panel 5: the latest matches; and panel 7: events, alarms, or the log."""

from __future__ import annotations

from rich.text import Text

from league.plain_text import visible
from league.screen.lines import Column, cut, page_of, sentence, table
from league.screen.standings import CURSOR
from league.screen.state import Look, MatchLine, ScreenState, window

_KIND = 12  # columns of an event's kind
LEVEL_STYLES = {"info": "", "warning": "yellow", "alarm": "bold red"}


def short_map(name: str) -> str:
    """Return `lakes 1002` of `lakes:128x128:1002`, and any other name as it is."""
    parts = name.split(":")
    return f"{parts[0]} {parts[2]}" if len(parts) == 3 else name


def matches_lines(state: ScreenState, look: Look, width: int, height: int) -> list[Text]:
    """Draw the latest matches in exactly `height` lines of `width` columns."""
    if not state.matches:
        return page_of([Text("no match is finished yet", "dim")], width, height)
    cursor = min(look.row(5), len(state.matches) - 1)
    first, end = window(len(state.matches), cursor, max(height - 1, 1))
    shown = state.matches[first:end]
    columns = [
        Column("match", [str(row.id) for row in shown], least=6),
        Column("at (UTC)", [f"{row.finished_at:%H:%M:%S}" for row in shown], least=8),
        Column(
            "map",
            [Text(visible(short_map(row.map))) for row in shown],
            left=True,
            least=min(15, max(len(short_map(row.map)) for row in shown)),
            is_name=True,
        ),
        Column("ticks", [f"{row.ticks:,}" for row in shown], least=5),
        Column("seconds", [f"{row.wall_s:.1f}" for row in shown], least=7),
        Column(
            "first, second, third",
            [Text(_podium(row)) for row in shown],
            left=True,
            least=min(44, max(len(_podium(row)) for row in shown)),
            is_name=True,
        ),
    ]
    lines = table(columns, width, ("seconds", "ticks", "at (UTC)", "map"))
    if look.focus == 5:
        lines[1 + cursor - first].stylize(CURSOR)
    return page_of(lines, width, height)


def _podium(row: MatchLine) -> str:
    return visible("  ".join(f"{place}. {name}" for place, name in enumerate(row.podium, start=1)))


def events_title(look: Look) -> str:
    """Return the heading of panel 7."""
    return {"events": "Events", "alarms": "Alarms and warnings", "log": "Log"}[look.lines]


def events_lines(state: ScreenState, look: Look, width: int, height: int) -> list[Text]:
    """Draw the newest events, alarms or lines of the log, the newest at the bottom."""
    lines = _log(state, width) if look.lines == "log" else _events(state, look, width)
    if not lines:
        nothing = {
            "events": "nothing has happened yet",
            "alarms": "no alarm and no warning: all is well (f: all events)",
            "log": "the log is empty",
        }[look.lines]
        return page_of([Text(nothing, "dim")], width, height)
    back = min(look.row(7), max(len(lines) - height, 0))
    end = len(lines) - back
    return page_of(lines[max(end - height, 0) : end], width, height)


def _events(state: ScreenState, look: Look, width: int) -> list[Text]:
    return [
        Text.assemble(
            (f"{event.at:%H:%M:%S} ", "dim"),
            (f"{cut(event.kind, _KIND)} ", "dim" if event.level == "info" else ""),
            (
                sentence(" ".join(event.message.split()), width - 10 - _KIND),
                LEVEL_STYLES.get(event.level, ""),
            ),
        )
        for event in state.events
        if look.lines != "alarms" or event.level != "info"
    ]


def _log(state: ScreenState, width: int) -> list[Text]:
    return [Text(sentence(line, width), _log_style(line)) for line in state.log]


def _log_style(line: str) -> str:
    return "bold red" if " ERROR " in line else "yellow" if " WARNING " in line else ""
