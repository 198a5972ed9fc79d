"""Owns how a table fits a narrow screen: figures never give way to names.

Promises: whatever the width, a figure that is shown is shown whole. First long names are cut, with
`..` at their end, then columns of words are left out, then names are cut short, and only then
columns of figures are left out, from the least important on; the caption says which. JSON keeps all
of it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

GAP = 2  # columns between two columns of `plain_table`
LONG_NAME, LEAST_NAME = 24, 8
_CUT = ".."


class FittingTable:
    """A table without borders that fits the screen it is printed on.

    Args:
        table: as wide as it likes.
        names: headings of the columns that may be cut.
        may_go: headings of the columns that may be left out, the first ones first.
    """

    def __init__(self, table: Table, names: Sequence[str], may_go: Sequence[str]) -> None:
        self._table, self._names, self._may_go = table, names, may_go

    def fitted(self, width: int) -> Table:
        """Return the table for a screen of so many characters."""
        columns = list(self._table.columns)
        left_out: list[str] = []
        for words in (True, False):
            shortest = LONG_NAME if words else LEAST_NAME
            for heading in self._may_go:
                if _width(columns) - self._slack(columns, shortest) <= width:
                    break
                if words == any(c.justify == "right" for c in columns if c.header == heading):
                    continue
                left_out.append(heading)
                columns = [column for column in columns if column.header != heading]
        for heading in self._names:
            over = _width(columns) - width
            if over > 0:
                columns = [_cut(c, over) if c.header == heading else c for c in columns]
        table = copy.copy(self._table)
        # The library pads the last column less, and knows it by its number.
        table.columns = [replace(column, _index=at) for at, column in enumerate(columns)]
        if left_out:
            said = f"left out on this narrow screen: {', '.join(left_out)}"
            caption = self._table.caption
            table.caption = said if caption is None else f"{caption}; {said}"
        return table

    def _slack(self, columns: Sequence[Column], shortest: int) -> int:
        """Return by how much names can be cut."""
        return sum(
            max(0, _content(column) - shortest)
            for column in columns
            if column.header in self._names
        )

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        yield self.fitted(options.max_width)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, self.fitted(options.max_width))


def _content(column: Column) -> int:
    """Return the width of the widest cell, heading included."""
    return max(cell_len(str(cell)) for cell in (column.header, *column.cells))


def _width(columns: Sequence[Column]) -> int:
    widths = [max(_content(column), column.min_width or 0) for column in columns]
    return sum(widths) + GAP * (len(columns) - 1)


def _cut(column: Column, over: int) -> Column:
    """Return a column that is narrower by `over`, but not below the least width of a name."""
    wide = max(_content(column), column.min_width or 0)
    most = max(LEAST_NAME, wide - over)
    narrow = copy.copy(column)
    narrow.min_width = None
    narrow._cells = [_shortened(cell, most) for cell in column.cells]
    return narrow


def _shortened(cell: RenderableType, most: int) -> RenderableType:
    text = cell if isinstance(cell, Text) else Text(str(cell))
    if text.cell_len <= most:
        return cell
    cut = text.copy()
    cut.truncate(most - len(_CUT))
    cut.append(_CUT)
    return cut
