"""Owns the whole screen as text: head, panels in their places, foot; a pure function.

Promises: the same state, look and size give the same page, of exactly that size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.text import Text

from league.screen.beats import beats_lines
from league.screen.board import scene_lines, scene_title
from league.screen.head import foot_line, head_lines
from league.screen.help import help_lines
from league.screen.layout import FOOT, HEAD, LEAST_HEIGHT, LEAST_WIDTH, Place, places
from league.screen.learners import learners_lines, meets_lines
from league.screen.lines import padded, page_of
from league.screen.matches import events_lines, events_title, matches_lines
from league.screen.standings import standings_lines
from league.screen.state import TITLES, Look, ScreenState

Draw = Callable[[ScreenState, Look, int, int], list[Text]]
DRAW: dict[int, Draw] = {
    1: standings_lines,
    2: beats_lines,
    3: learners_lines,
    4: meets_lines,
    5: matches_lines,
    6: scene_lines,
    7: events_lines,
}


def title_of(panel: int, state: ScreenState, look: Look, width: int) -> str:
    """Return the heading of a panel."""
    if panel == 6:
        return scene_title(state, look, width)
    return events_title(look) if panel == 7 else TITLES[panel]


def panel_lines(panel: int, state: ScreenState, look: Look, place: Place) -> list[Text]:
    """Draw a panel with its heading, in exactly the size of its place."""
    width = place.inner_width
    focused = look.focus == panel
    heading = f" {panel} {title_of(panel, state, look, width)} "
    rule = Text.assemble(("─", "dim"), (heading, "bold reverse" if focused else "bold"))
    rule.append("─" * max(width - rule.cell_len, 0), "dim")
    body = DRAW[panel](state, look, width, place.height - 1)
    if not place.has_edge:
        return [padded(rule, width), *body]
    corner = "┬" if place.y == HEAD else "┼"
    # Joined, not added: a text keeps the style of the one that it is added to.
    return [
        Text.assemble((corner, "dim"), padded(rule, width)),
        *(Text.assemble(("│", "dim"), line) for line in body),
    ]


def _parts(panel: int, state: ScreenState) -> tuple[object, ...]:
    """Return what a panel is drawn from; one that is the same object has not changed."""
    report = state.report
    learners = None if report is None else report.learners
    return {
        1: (
            *(None if report is None else report.members, state.history, state.places),
            *(state.beating, state.phase, state.says),
        ),
        2: (state.beating,),
        3: (learners, state.training),
        4: (learners, state.training),
        5: (state.matches,),
        6: (state.scene, state.scene_note, state.matches),
        7: (state.events, state.log),
    }[panel]


def _same(before: Sequence[object], now: Sequence[object]) -> bool:
    """Return whether these are the same objects."""
    return len(before) == len(now) and all(a is b for a, b in zip(before, now, strict=True))


class Painter:
    """Draws pages one after the other, and what has not changed since the last one only once.

    A page is the same as without this memory: a panel is drawn anew when an object that it is drawn
    from, the look, or its place is another one. Objects of a state never change.
    """

    def __init__(self) -> None:
        self._panels: dict[int, tuple[tuple[object, ...], Look, Place, list[Text]]] = {}
        self._rows: dict[int, tuple[list[Text], Text]] = {}

    def page(self, state: ScreenState, look: Look, width: int, height: int) -> list[Text]:
        """Draw the screen in exactly `height` lines of `width` columns.

        A terminal below 40 x 12 shows the upper left part of the page of that size.
        """
        wide, high = max(width, LEAST_WIDTH), max(height, LEAST_HEIGHT)
        lines = [*head_lines(state, wide)]
        if look.has_help:
            lines += help_lines(state, wide, high - HEAD - FOOT)
        else:
            lines += self._body(state, look, wide, high)
        lines.append(foot_line(state, look, wide))
        fits = (wide, high) == (width, height)
        return lines if fits else page_of(lines, width, height)

    def _body(self, state: ScreenState, look: Look, width: int, height: int) -> list[Text]:
        rows: dict[int, list[Text]] = {}
        shown = places(width, height, look.enlarged)
        for panel in sorted(shown, key=lambda panel: shown[panel].x):
            for at, line in enumerate(self._panel(panel, state, look, shown[panel])):
                rows.setdefault(shown[panel].y + at, []).append(line)
        return [self._row(y, rows[y]) for y in sorted(rows)]

    def _panel(self, panel: int, state: ScreenState, look: Look, place: Place) -> list[Text]:
        parts = _parts(panel, state)
        known = self._panels.get(panel)
        if known is not None and known[1:3] == (look, place) and _same(known[0], parts):
            return known[3]
        lines = panel_lines(panel, state, look, place)
        self._panels[panel] = (parts, look, place, lines)
        return lines

    def _row(self, y: int, parts: list[Text]) -> Text:
        """Join the lines of the panels of a row, or return what they were joined to before."""
        if len(parts) == 1:
            return parts[0]
        known = self._rows.get(y)
        if known is not None and _same(known[0], parts):
            return known[1]
        line = Text.assemble(*parts)
        self._rows[y] = (parts, line)
        return line


def page(state: ScreenState, look: Look, width: int, height: int) -> list[Text]:
    """Draw the screen once, in exactly `height` lines of `width` columns."""
    return Painter().page(state, look, width, height)
