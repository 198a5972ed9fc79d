"""Owns the bricks of the screen: texts of an exact width, columns that fit, bars and spark lines.

Promises: every line is exactly as wide as asked for; a figure is shown whole or not at all. Where
room is short, names are cut (with `…` at their end), then columns are left out, the least
important ones first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from league.plain_text import visible

GAP = 2  # columns between two columns of a table
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_STEPS = "▁▂▃▄▅▆▇█"
_CUT = "…"
_NUMBER = re.compile(r"[-_]\d{1,6}$")


def cut(text: object, width: int) -> str:
    """Return a foreign text in exactly `width` columns, cut with `…` if it is longer."""
    shown = visible(text)
    if width <= 0:
        return ""
    if cell_len(shown) > width:
        shown = set_cell_size(shown, width - 1).rstrip() + _CUT
    return set_cell_size(shown, width)


def cut_name(name: object, width: int) -> str:
    """Return a name in exactly `width` columns; one that is too long keeps the number at its end.

    Snapshots of a lineage differ in nothing else: `basel…-0020`.
    """
    shown = visible(name)
    numbered = _NUMBER.search(shown)
    tail = _CUT + numbered[0] if numbered else ""
    if cell_len(shown) <= width or not numbered or cell_len(tail) + 2 > width:
        return cut(shown, width)
    head = set_cell_size(shown, width - cell_len(tail)).rstrip()
    return set_cell_size(head + tail, width)


def sentence(text: object, width: int) -> str:
    """Return a foreign text in at most `width` columns, cut between two words if it is longer."""
    shown = visible(text)
    if cell_len(shown) <= width:
        return shown
    kept = set_cell_size(shown, max(width - 1, 0))
    if " " in kept.strip() and not shown[len(kept) : len(kept) + 1].isspace():
        kept = kept.rstrip().rpartition(" ")[0]
    return (kept.rstrip(" ,;:") + _CUT) if width > 0 else ""


def padded(line: Text, width: int) -> Text:
    """Return a line in exactly `width` columns; what is too long ends with `…`."""
    over = line.cell_len - width
    if over > 0:
        line = line.copy()
        line.truncate(max(width - 1, 0))
        line.append(_CUT if width > 0 else "")
    if line.cell_len < width:
        line = line.copy()
        line.append(" " * (width - line.cell_len))
    return line


def page_of(lines: Sequence[Text], width: int, height: int) -> list[Text]:
    """Return exactly `height` lines of exactly `width` columns."""
    shown = [padded(line, width) for line in lines[:height]]
    return shown + [Text(" " * width)] * (height - len(shown))


def joined(pieces: Sequence[Text | str], width: int, gap: str = "  ") -> Text:
    """Join as many whole pieces as fit, in their order; a piece that does not fit is left out."""
    line = Text(no_wrap=True)
    for piece in pieces:
        needs = (len(gap) if line.cell_len else 0) + _width(piece)
        if _width(piece) and line.cell_len + needs <= width:
            line.append(gap if line.cell_len else "")
            line.append(piece)
    return padded(line, width)


def wrapped(pieces: Sequence[Text | str], width: int, gap: str = "  ") -> list[Text]:
    """Join whole pieces in as many lines as they need."""
    lines: list[list[Text | str]] = [[]]
    used = 0
    for piece in pieces:
        needs = _width(piece) + (len(gap) if lines[-1] else 0)
        if lines[-1] and used + needs > width:
            lines.append([])
            used, needs = 0, _width(piece)
        lines[-1].append(piece)
        used += needs
    return [joined(line, width, gap) for line in lines]


def spark(values: Sequence[float | None], width: int, low: float, high: float) -> str:
    """Draw the newest values as a line of blocks, `width` characters; None is a gap.

    More values than characters are averaged; fewer stand at the right end.
    """
    shown = _resampled(values, width)
    span = high - low
    letters = []
    for value in shown:
        if value is None:
            letters.append(" ")
        else:
            share = 0.5 if span <= 0 else (value - low) / span
            letters.append(_STEPS[min(max(int(share * len(_STEPS)), 0), len(_STEPS) - 1)])
    return "".join(letters).rjust(width)


def own_spark(values: Sequence[float], width: int) -> str:
    """Draw values on their own scale."""
    return spark(values, width, min(values, default=0.0), max(values, default=0.0))


def _resampled(values: Sequence[float | None], width: int) -> list[float | None]:
    if len(values) <= width:
        return list(values)
    found: list[float | None] = []
    for at in range(width):
        part = values[at * len(values) // width : (at + 1) * len(values) // width]
        known = [value for value in part if value is not None]
        found.append(sum(known) / len(known) if known else None)
    return found


def histogram(counts: Sequence[int], width: int) -> str:
    """Draw counts as blocks, the largest one full; 0 is the lowest block, no counts are blank."""
    n = len(counts)
    if not sum(counts):
        return " " * width
    if n > width:
        counts = [sum(counts[i * n // width : (i + 1) * n // width]) for i in range(width)]
    top = max(counts)
    steps = len(_STEPS) - 1
    return "".join(_STEPS[-(-count * steps // top)] for count in counts).ljust(width)


def bar(share: float, width: int) -> str:
    """Draw a share of 0 to 1 as a bar of `width` characters."""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def duration(seconds: float) -> str:
    """Return a length of time in six columns at most, such as `4m12s`, `3h05m` or `12d04h`."""
    whole = max(0, int(seconds))
    for unit, n, part, smaller in (("d", 86_400, 3_600, "h"), ("h", 3_600, 60, "m")):
        if whole >= n:
            return f"{whole // n}{unit}{whole % n // part:02}{smaller}"
    return f"{whole // 60}m{whole % 60:02}s" if whole >= 60 else f"{whole}s"


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        heading: shown above the cells.
        cells: one per row; or a function from the width that is given to the cells, for what can be
            drawn in any width from `least` to `most`.
        left: on the left, for words; figures are on the right.
        least: least width; of a column of names, what they may be cut to.
        most: widest that a drawn column gets.
        is_name: whether the cells may be cut.
    """

    heading: str
    cells: Sequence[Text | str] | Callable[[int], Sequence[Text | str]]
    left: bool = False
    least: int = 1
    most: int = 0
    is_name: bool = False

    @property
    def natural(self) -> int:
        """The width in which everything is whole."""
        if callable(self.cells):
            return max(self.most, self.least)
        return max(self.least, _width(self.heading), *map(_width, self.cells), 0)

    @property
    def narrowest(self) -> int:
        """The least width in which no figure is cut."""
        return self.least if self.is_name or callable(self.cells) else self.natural

    def lines(self, width: int) -> list[Text]:
        """Return heading and cells in this width."""
        cells = self.cells(width) if callable(self.cells) else self.cells
        return [_cell(cell, width, self.left) for cell in (Text(self.heading, "dim"), *cells)]


def table(columns: Sequence[Column], width: int, may_go: Sequence[str] = ()) -> list[Text]:
    """Return heading and rows in exactly `width` columns.

    Args:
        may_go: headings of the columns that are left out where room is short, the first ones first.
    """
    kept = list(columns)
    for heading in may_go:
        if _total([column.narrowest for column in kept]) <= width:
            break
        kept = [column for column in kept if column.heading != heading]
    widths = [column.narrowest for column in kept]
    room = width - _total(widths)
    # Names first: a drawing is readable in any width. Then the small drawings.
    for at in sorted(range(len(kept)), key=lambda at: (callable(kept[at].cells), kept[at].most)):
        more = min(room, kept[at].natural - widths[at])
        widths[at] += more
        room -= more
    parts = [column.lines(wide) for column, wide in zip(kept, widths, strict=True)]
    gap = Text(" " * GAP)
    return [padded(gap.join(row), width) for row in zip(*parts, strict=True)]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * max(len(widths) - 1, 0)


def _width(piece: Text | str) -> int:
    return piece.cell_len if isinstance(piece, Text) else cell_len(piece)


def _cell(cell: Text | str, width: int, left: bool) -> Text:
    text = cell if isinstance(cell, Text) else Text(visible(cell))
    if text.cell_len > width:
        return padded(text, width)
    space = Text(" " * (width - text.cell_len))
    return text + space if left else space + text
