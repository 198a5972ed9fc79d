"""Owns what the terminal shows of a film: a pure function of film, frame and size.

Promises: numbers are never cut, names are; the picture takes what the list of seats leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from rich.console import Group, RenderableType
from rich.style import Style
from rich.table import Table
from rich.text import Text

from arena.board_picture import seat_colours
from arena.half_blocks import half_blocks
from arena.territory.engine.actions import describe
from arena.territory.maps.pictures import shrink
from arena.viewer.film import NO_ORDER, Film, Reel
from arena.viewer.marks import Marks
from arena.viewer.picture import Picture, frame_picture
from arena.viewer.text_marks import ALLY, HOUSE, TRAITOR, put_marks, short, shown_meanings
from league.plain_text import visible
from league.viewer.found import FoundMatch

KEYS = "space pause   ← → step   home end   f follow   s speed   q leave"
_LIST = 44  # columns of the list of seats beside the picture
_WIDE_LIST = 64  # the same, with gold, cities and allies beside the orders
_WIDE = 120  # columns of a terminal that has room for that
_MOST_ALLIES = 4  # whose colours stand in a row
_LEAST = {"gold": 5, HOUSE: 2, "allies": _MOST_ALLIES}  # columns, so that nothing jumps
_NARROW = 70  # columns: below, the list stands under the picture
_DIM = Style(dim=True)


@dataclass(frozen=True)
class Look:
    """How a film stands on the screen.

    Attributes:
        speed: times game time, in which a second has ten ticks.
        follow: the seat whose land is shown bright, or None.
    """

    frame: int = 0
    is_playing: bool = True
    speed: int = 1
    follow: int | None = None


def speeds(film: Film) -> list[int]:
    """Return the speeds to choose from, powers of two; the last shows the match in 4 seconds."""
    found = [1]
    while film.ticks[-1] / 10 / found[-1] > 4:
        found.append(2 * found[-1])
    return found


def usual_speed(film: Film, most_seconds: float = 50.0) -> int:
    """Return the slowest speed that shows a match in time."""
    fitting = [speed for speed in speeds(film) if film.ticks[-1] / 10 / speed <= most_seconds]
    return fitting[0] if fitting else speeds(film)[-1]


def render(
    film: Film, reel: Reel, found: FoundMatch, look: Look, width: int, height: int
) -> RenderableType:
    """Draw a frame for a terminal of `width` x `height` characters."""
    n_list = min(film.n_seats, 64) + 1
    beside = width >= _NARROW
    n_columns = _list_columns(film, width)
    columns = width - n_columns - 2 if beside else width
    foot = _foot(film, look, width)
    left = height - 1 - len(foot.renderables)  # under the head
    rows = left if beside else max(left - min(n_list, height // 2), 4)
    picture = _board(film, reel, look, columns, rows)
    seats = _seats(film, found, look, left if beside else left - rows, n_columns)
    if beside:
        body: RenderableType = Table.grid(padding=(0, 2, 0, 0))
        assert isinstance(body, Table)
        body.add_row(picture, seats)
    else:
        body = Group(picture, seats)
    return Group(_head(film, found, look, width), body, foot)


def _list_columns(film: Film, width: int) -> int:
    return _WIDE_LIST if film.marks and width >= _WIDE else _LIST


def _board(film: Film, reel: Reel, look: Look, columns: int, rows: int) -> Text:
    picture = shrink(_picture(film, reel, look), columns, 2 * rows)
    board = half_blocks(picture)
    if not film.marks:
        return board
    height, width = picture.shape[:2]
    size = (film.map.height, film.map.width)
    return put_marks(board, film.marks[look.frame], size, (height, width), film.n_seats)


def _picture(film: Film, reel: Reel, look: Look) -> Picture:
    owner = reel.frame(look.frame)
    picture = frame_picture(film.map, owner, film.n_seats)
    if look.follow is not None:
        others = (owner != look.follow + 1) & (owner > 0) & (owner < 255)
        picture[others] = (0.55 * picture[others]).astype(picture.dtype)
    return picture


def _head(film: Film, found: FoundMatch, look: Look, width: int) -> Text:
    alive = int((film.tiles[look.frame] > 0).sum())
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(visible(found.title), Style(bold=True))
    text.append(f"   tick {film.ticks[look.frame]:,} of {film.ticks[-1]:,}   {alive} alive")
    text.append(f"   {visible(film.replay.spec.map)}", _DIM)
    text.truncate(width, overflow="ellipsis")
    return text


def _seats(film: Film, found: FoundMatch, look: Look, rows: int, width: int) -> Table:
    """List the seats by land, as many as there is room for; the followed one is among them.

    In edition 2026 gold and cities stand beside the order, or in its place where that has no room.
    """
    tiles, troops = film.tiles[look.frame], film.troops[look.frame]
    standing = sorted(range(film.n_seats), key=lambda s: (-int(tiles[s]), film.placements[s], s))
    shown = standing[: max(rows - 1, 1)]
    if look.follow is not None and look.follow not in shown:
        shown[-1] = look.follow
    marks = film.marks[look.frame] if film.marks else None
    has_orders = marks is None or width == _WIDE_LIST
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, width=width, header_style=_DIM)
    table.add_column("", no_wrap=True, min_width=2)
    table.add_column("seat", no_wrap=True, overflow="ellipsis", ratio=1)
    for name in (
        *("tiles", "troops"),
        *(("gold", HOUSE) if marks is not None else ()),
        *(("allies",) if marks is not None and has_orders else ()),
        *(("order",) if has_orders else ()),
    ):
        side: Literal["left", "right"] = "left" if name == "allies" else "right"
        table.add_column(name, no_wrap=True, justify=side, min_width=_LEAST.get(name))
    colours = [Style(color=f"rgb({r},{g},{b})") for r, g, b in seat_colours(film.n_seats).tolist()]
    for seat in shown:
        is_dead = tiles[seat] == 0
        action = int(film.orders[look.frame, seat])
        out = film.eliminated_tick[seat]
        order = "" if action == NO_ORDER else describe(action).replace(" %", "%")
        told = f"out {out:,}" if is_dead and out is not None else ""
        style = Style(bold=seat == look.follow, dim=is_dead)
        cells = [Text(f"{tiles[seat]:,}", style), Text(f"{troops[seat]:,}", style)]
        if marks is not None:
            cells += _mark_cells(marks, seat, style, colours if has_orders else None)
        if has_orders:
            cells.append(Text(told or order, style))
        is_traitor = marks is not None and seat in marks.traitors(int(film.ticks[look.frame]))
        table.add_row(
            Text("█▌", colours[seat] + Style(dim=is_dead)),
            Text(f"{TRAITOR} " * is_traitor + visible(found.names[seat]), style),
            *cells,
        )
    return table


def _mark_cells(
    marks: Marks, seat: int, style: Style, colours: Sequence[Style] | None
) -> list[Text]:
    """Return a seat's gold, levels of cities, and where colours are given a dot for each ally."""
    cells = [Text(short(int(marks.gold[seat])), style), Text(str(marks.levels[seat]), style)]
    if colours is not None:
        allies, dots = marks.allies_of(seat), Text("")
        for ally in allies[:_MOST_ALLIES]:
            dots.append(ALLY, colours[ally])
        if len(allies) > _MOST_ALLIES:
            dots.append(f"+{len(allies) - _MOST_ALLIES}", style)
        cells.append(dots)
    return cells


def _foot(film: Film, look: Look, width: int) -> Group:
    end = int(film.ticks[-1])
    state = f" {'▶' if look.is_playing else '❚❚'} {look.speed}x"
    room = max(width - len(state) - 3, 8)
    done = round(room * int(film.ticks[look.frame]) / max(end, 1))
    bar = Text(no_wrap=True)
    bar.append("━" * done, Style(color="bright_white"))
    bar.append("━" * (room - done), Style(color="grey37"))
    bar.append(state)
    for out in film.eliminated_tick:
        if out is not None:
            at = min(round(room * out / max(end, 1)), room - 1)
            bar.stylize(Style(color="red"), at, at + 1)
    lines = [KEYS]
    if film.marks:
        lines.insert(0, "   ".join(f"{letter} {said}" for letter, said in _meanings(film)))
    return Group(bar, *(_dim_line(line, width) for line in lines))


@lru_cache(maxsize=2)
def _meanings(film: Film) -> list[tuple[str, str]]:
    """Return what stands on the boards of a film and beside them: looked for once."""
    has_allies = any(len(each.allies) for each in film.marks)
    return [*shown_meanings(film.marks), *([(ALLY, "ally")] if has_allies else [])]


def _dim_line(text: str, width: int) -> Text:
    line = Text(text, _DIM, no_wrap=True, overflow="ellipsis")
    line.truncate(width, overflow="ellipsis")
    return line
