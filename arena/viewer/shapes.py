"""Owns the shapes of marks on pictures for GIFs and videos: those of the page (page/marks.js).

Promises: shapes of straight lines have the page's corners, posts, ports and trade ships straight
pieces in place of arcs; what is being built, and a boat on its way back, is hollow; a city has its
level's number; rails are dashed lines from station to station.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from arena.board_picture import seat_colours
from arena.viewer.marks import (
    BOAT_SEAT,
    IS_BACK,
    LANDING_X,
    LANDING_Y,
    Marks,
    X,
    Y,
)

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

_DARK, _RAIL = (8, 12, 20), (208, 213, 224)
_DASH = 3  # pixels of a rail's dash, and between two
_Points = tuple[tuple[float, float], ...]


def _disc(radius: float) -> _Points:
    turns = (math.pi * twelfth / 6 for twelfth in range(12))
    return tuple((8 + radius * math.cos(turn), 8 + radius * math.sin(turn)) for turn in turns)


# on 16 x 16; by kind of structure, as rules.STRUCTURES has them
SHAPES: tuple[_Points, ...] = (
    ((8, 1.5), (14.5, 7.5), (14.5, 14.5), (1.5, 14.5), (1.5, 7.5)),
    ((2, 2), (14, 2), (14, 8), (12, 12), (8, 15), (4, 12), (2, 8)),
    _disc(6.5),
    (
        *((1.5, 14.5), (1.5, 6.5), (6, 9.5), (6, 6.5)),
        *((10.5, 9.5), (10.5, 1.5), (14.5, 1.5), (14.5, 14.5)),
    ),
    ((8, 1.5), (14.5, 14.5), (1.5, 14.5)),
    ((8, 1), (15, 8), (8, 15), (1, 8)),
)
BOAT: _Points = ((1.5, 3.5), (9, 3.5), (15, 8), (9, 12.5), (1.5, 12.5), (4.2, 8))
TRAIN: _Points = ((0.5, 5), (12.5, 5), (15.5, 8), (12.5, 11), (0.5, 11))
_MOVERS = {"train": TRAIN, "trade ship": _disc(3.6)}
_PLACES = ((X, Y), (LANDING_X, LANDING_Y))  # columns of boats
_LEAST, _MOST, _TILES = 9.0, 17.0, 4.4  # pixels of a shape, and tiles that it would cover


def draw_marks(
    draw: ImageDraw, marks: Marks, width: int, scale: float, n_seats: int, tick: int
) -> None:
    """Draw the marks of a frame over its land.

    Args:
        width: of the map, tiles.
        scale: pixels a tile.
        tick: of the frame.
    """
    from PIL.ImageFont import load_default

    size = min(max(_TILES * scale, _LEAST), _MOST)
    colours = [_light(colour.tolist()) for colour in seat_colours(n_seats)]

    def place(tile: int) -> tuple[float, float]:
        return (tile % width + 0.5) * scale, (tile // width + 0.5) * scale

    for one, other, _ in marks.rails.tolist():
        _rail(draw, place(one), place(other))
    for tile, kind, seat, level, is_finished in marks.structures.tolist():
        at = place(tile)
        _shape(draw, SHAPES[kind - 1], at, size, colours[seat], is_hollow=not is_finished)
        if level > 1 and size > 11:
            ink = _DARK if is_finished else (255, 255, 255)
            middle = (at[0], at[1] + 0.1 * size)
            draw.text(middle, str(level), ink, load_default(0.62 * size), anchor="mm")
    for each in marks.movers(width, tick):
        at = ((each.x + 0.5) * scale, (each.y + 0.5) * scale)
        placed = _placed(_MOVERS[each.kind], at, 0.8 * size, each.turn)
        draw.line([*placed, placed[0], placed[1]], _DARK, 3, joint="curve")
        draw.polygon(placed, colours[each.seat])  # over its rim: it is only some pixels wide
    for boat in marks.boats.tolist():
        at, landing = (((boat[i] + 0.5) * scale, (boat[j] + 0.5) * scale) for i, j in _PLACES)
        colour = colours[boat[BOAT_SEAT]]
        draw.line((at, landing), _DARK, 3)
        draw.line((at, landing), colour, 1)
        turn = math.atan2(landing[1] - at[1], landing[0] - at[0])
        _shape(draw, BOAT, at, size, colour, is_hollow=bool(boat[IS_BACK]), turn=turn)


def _rail(draw: ImageDraw, start: tuple[float, float], end: tuple[float, float]) -> None:
    across, down = end[0] - start[0], end[1] - start[1]
    length = max(math.hypot(across, down), 1.0)
    for at in range(0, int(length), _DASH):
        ends = [min((at + along) / length, 1) for along in (0, _DASH)]
        colour = (_RAIL, _DARK)[at // _DASH % 2]
        draw.line([(start[0] + f * across, start[1] + f * down) for f in ends], colour, 1)


def _light(colour: list[int]) -> tuple[int, int, int]:
    red, green, blue = (round(0.45 * part + 0.55 * 255) for part in colour)
    return red, green, blue


def _shape(
    draw: ImageDraw,
    points: _Points,
    at: tuple[float, float],
    size: float,
    colour: tuple[int, int, int],
    *,
    is_hollow: bool,
    turn: float = 0.0,
) -> None:
    placed = _placed(points, at, size, turn)
    draw.polygon(placed, _DARK if is_hollow else colour)
    closed = [*placed, placed[0], placed[1]]
    draw.line(closed, _DARK, 4 if is_hollow else 2, joint="curve")
    if is_hollow:
        draw.line(closed, colour, 2, joint="curve")


def _placed(
    points: _Points, at: tuple[float, float], size: float, turn: float
) -> list[tuple[float, float]]:
    cos, sin = math.cos(turn), math.sin(turn)
    middle = [((x - 8) * size / 16, (y - 8) * size / 16) for x, y in points]
    return [(at[0] + x * cos - y * sin, at[1] + x * sin + y * cos) for x, y in middle]
