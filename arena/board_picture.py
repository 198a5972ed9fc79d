"""Owns pictures of the board of a match, for screens and terminals: who owns which land.

Seats keep their colours for the whole match, and the same seat has the same colour in every match.
"""

from __future__ import annotations

import colorsys
import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from arena.territory.engine.engine import Engine

_ANSI_COLUMNS, _ANSI_ROWS = 80, 32


def seat_colours(n_seats: int) -> NDArray[np.uint8]:
    """Return uint8[n_seats, 3]; consecutive seats get hues far apart (golden angle)."""
    colours = [
        colorsys.hsv_to_rgb(seat * 0.381966 % 1.0, (0.75, 0.55)[seat // 8 % 2], 0.95)
        for seat in range(n_seats)
    ]
    return np.round(255 * np.array(colours)).astype(np.uint8)


def board_picture(engine: Engine) -> NDArray[np.uint8]:
    """Draw uint8[height, width, 3]: terrain, and each seat's land in its colour, borders darker."""
    from arena.territory.maps.pictures import map_to_picture

    picture = map_to_picture(engine.map).astype(np.float64)
    owner = engine.owner
    owned = engine.map.land & (owner > 0)
    colours = np.zeros((256, 3))
    colours[1 : engine.n_players + 1] = seat_colours(engine.n_players)[engine.seat_of]
    picture[owned] = 0.25 * picture[owned] + 0.75 * colours[owner[owned]]
    framed = np.pad(owner, 1, mode="edge")
    inner = np.ones(owner.shape, np.bool_)
    for dy, dx in ((0, 1), (2, 1), (1, 0), (1, 2)):
        inner &= framed[dy : dy + owner.shape[0], dx : dx + owner.shape[1]] == owner
    picture[owned & ~inner] *= 0.6
    return picture.astype(np.uint8)


def board_text(engine: Engine) -> str:
    """Draw the board and list its seats for a terminal: ANSI colours, 80 columns."""
    from rich.console import Console
    from rich.style import Style
    from rich.text import Text

    from arena.territory.maps.pictures import draw_picture

    page = Text(f"tick {engine.tick:,}   living {int((engine.tiles > 0).sum())}\n")
    page.append_text(draw_picture(board_picture(engine), _ANSI_COLUMNS, _ANSI_ROWS))
    colours = seat_colours(engine.n_players)
    placements = engine.placements()
    tiles, troops = engine.by_seat(engine.tiles), engine.by_seat(engine.troops)
    for seat in sorted(range(engine.n_players), key=lambda seat: (placements[seat], seat)):
        red, green, blue = (int(value) for value in colours[seat])
        page.append("\n■", Style(color=f"rgb({red},{green},{blue})"))
        page.append(
            f" {placements[seat]:>2}. seat_{seat:<3} {tiles[seat]:>9,} tiles"
            f" {troops[seat]:>11,} troops"
        )
    console = Console(
        file=io.StringIO(), width=_ANSI_COLUMNS, force_terminal=True, color_system="truecolor"
    )
    with console.capture() as captured:
        console.print(page)
    return captured.get()
