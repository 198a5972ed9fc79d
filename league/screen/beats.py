"""Panel 2: who beats whom, as per cent with a shade, and the cycles that are sure."""

from __future__ import annotations

import re

from rich.text import Text

from league.screen.lines import cut, cut_name, joined, page_of
from league.screen.state import Beating, Look, ScreenState

MIN_GAMES = 8  # fewer common matches say nothing: their figures are dim
_CELL, _NAME = 4, 11  # columns of a rate with its shade, and of a name at least
_NUMBERED = re.compile(r"(.*?)[-_ ]?0*(\d+)$")
_WORDS = re.compile(r"[-_ ]")


def short_names(names: tuple[str, ...], width: int = _CELL - 1) -> list[str]:
    """Return a short form of each name: its first letters, and what tells it from the others.

    That is the number at its end, else the first letter of its last word.
    """
    found = []
    for name in names:
        numbered = _NUMBERED.fullmatch(name)
        words = [word for word in _WORDS.split(name) if word]
        if numbered and numbered[1]:
            end = numbered[2][-(width - 1) :]
        else:
            end = words[-1][:1] if len(words) > 1 else ""
        found.append(cut(name[: width - len(end)] + end, width))
    return found


def beats_lines(state: ScreenState, look: Look, width: int, height: int) -> list[Text]:
    """Draw the rates in exactly `height` lines of `width` columns."""
    beating = state.beating
    if beating is None or len(beating.names) < 2:
        waiting = Text("no two members have played together yet", "dim")
        return page_of([waiting], width, height)
    longest = max(len(name) for name in beating.names)
    name = min(longest, max(_NAME, width - 1 - _CELL * len(beating.names)))
    n = max(min((width - name - 1) // _CELL, len(beating.names)), 1)
    rows = max(height - 2, 1)
    first = min(max(look.row(2), 0), max(len(beating.names) - rows, 0))
    heads = "".join(f"{head:>{_CELL - 1}} " for head in short_names(beating.names[:n]))
    lines = [Text(" " * (name + 1) + heads, "dim")]
    for i in range(first, min(first + rows, len(beating.names))):
        lines.append(Text.assemble(cut_name(beating.names[i], name), " ", *_cells(beating, i, n)))
    body = page_of(lines, width, height - 1)
    return [*body, joined([_cycles(beating), _hidden(beating, n, rows)], width)]


def _cells(beating: Beating, i: int, n: int) -> list[tuple[str, str]]:
    cells = []
    for j in range(n):
        games, rate = beating.games[i][j], 100 * beating.rates[i][j]
        if i == j:
            cells.append((f"{'-':>{_CELL - 1}} ", "dim"))
        elif not games:
            cells.append((f"{'.':>{_CELL - 1}} ", "dim"))
        else:
            shade = "█" if rate >= 75 else "▓" if rate >= 60 else " "
            style = "dim" if games < MIN_GAMES else _style(rate)
            cells.append((f"{rate:>{_CELL - 1}.0f}{shade if games >= MIN_GAMES else ' '}", style))
    return cells


def _style(rate: float) -> str:
    return "green" if rate >= 60 else "red" if rate <= 40 else ""


def _cycles(beating: Beating) -> Text:
    if not beating.cycles:
        return Text("no cycle is sure", "dim")
    first = " > ".join((*beating.cycles[0], beating.cycles[0][0]))
    n = len(beating.cycles)
    return Text(f"{n} cycle{'' if n == 1 else 's'}: {first}", "yellow")


def _hidden(beating: Beating, n: int, rows: int) -> Text:
    more = len(beating.names) - min(n, rows)
    return Text(f"{more} more (2)" if more > 0 else f"dim: below {MIN_GAMES} games", "dim")
