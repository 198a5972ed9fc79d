"""Panel 6: a recorded match as it was played, in half blocks, with its seats and their land."""

from __future__ import annotations

import numpy as np
from rich.text import Text

from arena.half_blocks import half_blocks
from arena.territory.maps.pictures import shrink
from arena.viewer.text_marks import ALLY, HOUSE, TRAITOR, put_marks, short
from league.plain_text import visible
from league.screen.lines import bar, cut, cut_name, joined, own_spark, padded, page_of
from league.screen.matches import short_map
from league.screen.state import Look, Scene, SceneSeat, ScreenState

_LEAST_SEATS, _MOST_SEATS = 24, 46  # columns of the list of seats
_WIDE_SEATS = 36  # columns: a narrower list says no allies
_GOLD_SEATS = 44  # and a narrower one no gold
_MOST_ALLIES = 2
_NO_PICTURE = 12  # columns: a narrower picture shows nothing


def scene_title(state: ScreenState, look: Look, width: int) -> str:
    """Return the heading of the panel: which match, and where it is."""
    scene = state.scene
    if scene is None:
        return "The match on screen"
    paused = " paused" if look.is_paused else ""
    long = f"Match {scene.match_id}, {visible(short_map(scene.map))}, tick {scene.tick:,}{paused}"
    return long if len(long) + 6 <= width else f"Match {scene.match_id}, tick {scene.tick:,}"


def scene_lines(state: ScreenState, look: Look, width: int, height: int) -> list[Text]:
    """Draw the scene in exactly `height` lines of `width` columns."""
    scene = state.scene
    if scene is None:
        said = state.scene_note or "no recorded match yet"
        return page_of([Text(visible(said), "dim")], width, height)
    picture = _picture(scene, width, height - 2)
    drawn = picture[0].cell_len if picture else 0
    seats = _seats(scene, width - drawn - 1, height - 2)
    lines = []
    blank = Text(" " * drawn)
    for row in range(max(height - 2, 0)):
        left = picture[row] if row < len(picture) else blank
        right = seats[row] if row < len(seats) else Text("")
        lines.append(padded(Text.assemble(left, " ", right), width))
    bottom = _progress(scene, look, width)
    return page_of([*lines, _which(state, scene, width), bottom], width, height)


def _picture(scene: Scene, width: int, height: int) -> list[Text]:
    """Return the lines of the board, as large as it fits beside the list of seats."""
    room = width - _LEAST_SEATS - 1
    if room < _NO_PICTURE or height < 2:
        return []
    pixels = scene.pixels
    enlarge = min(room // pixels.shape[1], 2 * height // pixels.shape[0])
    if enlarge > 1:
        pixels = np.repeat(np.repeat(pixels, enlarge, axis=0), enlarge, axis=1)
    picture = shrink(pixels, room, 2 * height)
    board = half_blocks(picture)
    if scene.marks is not None:
        drawn = (picture.shape[0], picture.shape[1])
        board = put_marks(board, scene.marks, scene.size, drawn, len(scene.seats))
    return list(board.split("\n"))


def _seats(scene: Scene, width: int, height: int) -> list[Text]:
    """Return a line per living seat, the largest first, and one for the dead."""
    width = min(width, _MOST_SEATS)
    living = sorted((s for s in scene.seats if s.died_at is None), key=lambda s: (-s.tiles, s.seat))
    dead = sorted(
        (s for s in scene.seats if s.died_at is not None), key=lambda s: -(s.died_at or 0)
    )
    rows = max(height - bool(dead), 0)
    lines = [_seat(place, seat, width) for place, seat in enumerate(living[:rows], start=1)]
    if dead and height:
        pieces: list[Text | str] = [Text(f"{len(dead)} dead", "dim")]
        pieces += [Text(f"{cut(seat.name, 8).rstrip()} {seat.died_at:,}", "dim") for seat in dead]
        lines.append(joined(pieces, width))
    return lines


def _seat(place: int, seat: SceneSeat, width: int) -> Text:
    red, green, blue = seat.colour
    tiles, curve = f"{seat.tiles:>7,}", own_spark(seat.past, 6)
    marks = _seat_marks(seat, width)
    name = width - 6 - len(tiles) - (7 if width >= 30 else 0) - marks.cell_len
    return Text.assemble(
        f"{place:>2} ",
        ("■ ", f"rgb({red},{green},{blue})"),
        cut_name(seat.name, max(name, 6)),
        marks,
        tiles,
        f" {curve}" if width >= 30 else "",
    )


def _seat_marks(seat: SceneSeat, width: int) -> Text:
    """Return what edition 2026 adds to a seat: a traitor's dagger, allies, levels of its cities."""
    found = Text("")
    if seat.levels is None:
        return found
    if width >= _WIDE_SEATS:
        found.append(TRAITOR if seat.is_traitor else " ")
        for red, green, blue in seat.allies[:_MOST_ALLIES]:
            found.append(ALLY, f"rgb({red},{green},{blue})")
        found.append("+" if len(seat.allies) > _MOST_ALLIES else " ")
        found.append(" " * max(_MOST_ALLIES - len(seat.allies), 0))
    found.append(f" {HOUSE}{seat.levels:<2}" if seat.levels else " " * 4)
    if width >= _GOLD_SEATS:
        found.append(f"{short(seat.gold):>6}")
    return found


def _which(state: ScreenState, scene: Scene, width: int) -> Text:
    """Say that this is a recorded match, when it ended, and how many have ended since."""
    if state.scene_note:
        return padded(Text(visible(state.scene_note), "dim"), width)
    ids = [row.id for row in state.matches]
    newer = ids.index(scene.match_id) if scene.match_id in ids else None
    pieces = [
        "recorded" if newer is None else f"recorded, {newer} newer" if newer else "newest recorded"
    ]
    if scene.ended_at is not None:
        newest = max((row.finished_at for row in state.matches), default=scene.ended_at)
        is_today = scene.ended_at.date() == newest.date()
        pieces.append(f"ended {scene.ended_at:{'%H:%M:%S' if is_today else '%Y-%m-%d %H:%M'}} UTC")
    return joined([Text(piece, "dim") for piece in pieces], width)


def _progress(scene: Scene, look: Look, width: int) -> Text:
    share = scene.frame / max(scene.n_frames - 1, 1)
    keys = (
        "space go on" if look.is_paused else "space pause",
        "j k match",
        "← → step",
        f"+ - {look.speed}x",
    )
    return joined(
        [
            f"▕{bar(share, min(24, max(width // 4, 6)))}▏{100 * share:>3.0f} %",
            *(Text(key, "dim") for key in keys),
        ],
        width,
    )
