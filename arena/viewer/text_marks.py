"""Owns how marks stand on a board of half blocks: one letter in the cell that holds their tile.

Promises: a pure function of marks and sizes; a boat hides a structure, and a higher structure a
lower one. Shapes tell what it is and colours whose, so that nobody needs the colours to read it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from arena.board_picture import seat_colours
from arena.territory.engine.rules import CITY, STRUCTURES
from arena.viewer.marks import (
    BOAT_SEAT,
    IS_BACK,
    LANDING_X,
    LANDING_Y,
    STRUCTURE_WORDS,
    Marks,
    X,
    Y,
)

if TYPE_CHECKING:
    from rich.text import Text

HOUSE, BUILDING, TRAITOR, ALLY = "⌂", "+", "†", "●"
_LETTERS = ("", HOUSE, "d", "p", "f", "s", "a")  # by kind of structure
_ARROWS = "→↘↓↙←↖↑↗"  # by eighths of a turn, from east on
_MOST_LEVEL = 9
_PAPER = 0.3  # of a seat's colour behind a letter
_INKS = ("rgb(190,190,190)", "bold rgb(255,255,255)")  # of what counts by now the second

MEANINGS = (
    (HOUSE, f"city, 2 to {_MOST_LEVEL} its level"),
    (BUILDING, "being built"),
    *zip(_LETTERS[2:], (STRUCTURE_WORDS[kind] for kind in STRUCTURES[1:]), strict=True),
    ("→", "boat, towards where it lands"),
    (TRAITOR, "traitor"),
)


def put_marks(
    board: Text, marks: Marks, size: tuple[int, int], drawn: tuple[int, int], n_seats: int
) -> Text:
    """Return a board with its marks.

    Args:
        board: from `arena.half_blocks.half_blocks`.
        size: the map's (height, width), tiles.
        drawn: (height, width) of the picture that the board shows, pixels.
    """
    from rich.text import Span, Text

    colours = seat_colours(n_seats).tolist()
    papers = [",".join(str(round(_PAPER * part)) for part in colour) for colour in colours]
    letters = list(board.plain)
    spans = list(board.spans)
    width = drawn[1]
    for (row, column), (letter, seat, is_bright) in _cells(marks, size, drawn).items():
        at = row * (width + 1) + column
        letters[at] = letter
        spans.append(Span(at, at + 1, f"{_INKS[is_bright]} on rgb({papers[seat]})"))
    return Text("".join(letters), spans=spans, no_wrap=True, end="")


def _cells(
    marks: Marks, size: tuple[int, int], drawn: tuple[int, int]
) -> dict[tuple[int, int], tuple[str, int, bool]]:
    """Return by (row, column) of characters the letter, its seat, and whether it counts by now."""
    found: dict[tuple[int, int], tuple[str, int, bool]] = {}
    order = np.lexsort((marks.structures[:, 3], marks.structures[:, 4]))  # the highest last
    for tile, kind, seat, level, is_finished in marks.structures[order].tolist():
        y, x = divmod(tile, size[1])
        letter = _LETTERS[kind] if is_finished else BUILDING
        if is_finished and kind == CITY and level > 1:
            letter = str(min(level, _MOST_LEVEL))
        found[_cell(x, y, size, drawn)] = (letter, seat, bool(is_finished))
    for boat in marks.boats.tolist():
        across, down = boat[LANDING_X] - boat[X], boat[LANDING_Y] - boat[Y]
        arrow = _ARROWS[round(math.atan2(down, across) / (math.pi / 4)) % 8]
        found[_cell(boat[X], boat[Y], size, drawn)] = (arrow, boat[BOAT_SEAT], not boat[IS_BACK])
    return found


def _cell(x: int, y: int, size: tuple[int, int], drawn: tuple[int, int]) -> tuple[int, int]:
    """Return the character that holds a tile: of pixel p the first tile is p * side // pixels."""
    column = ((x + 1) * drawn[1] - 1) // size[1]
    return ((y + 1) * drawn[0] - 1) // size[0] // 2, column


def shown_meanings(marks: tuple[Marks, ...]) -> list[tuple[str, str]]:
    """Return the letters that stand on the boards of a film, and what they mean."""
    kinds = {int(kind) for each in marks for kind in each.structures[:, 1]}
    seen = {_LETTERS[kind] for kind in kinds} | ({BUILDING} if kinds else set())
    seen |= {"→"} if any(len(each.boats) for each in marks) else set()
    seen |= {TRAITOR} if any(each.traitor_until.any() for each in marks) else set()
    return [(letter, meaning) for letter, meaning in MEANINGS if letter in seen]


def short(value: int) -> str:
    """Return a number in at most six letters, as the page writes it: 9,999, 125k or 1.25M."""
    if value < 10_000:
        return f"{value:,}"
    if value < 1_000_000:
        return f"{round(value / 1000)}k"
    return f"{value / 1_000_000:.{2 if value < 10_000_000 else 1}f}M"
