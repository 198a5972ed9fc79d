"""Films as GIF and MP4: pictures of the board, and a sentence where a program is missing."""

from __future__ import annotations

import re
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from arena.board_picture import seat_colours
from arena.errors import ReplayError
from arena.replay import read_replay
from arena.territory.maps import load_map
from arena.viewer.export import draw_pictures, export_film, find_writer, pictures_per_second
from arena.viewer.film import Film, record_film
from arena.viewer.marks import STRUCTURE_WORDS
from arena.viewer.page import viewer_script
from arena.viewer.picture import frame_picture
from arena.viewer.shapes import BOAT, SHAPES, TRAIN, draw_marks
from tests.arena.viewer.of_2026 import film_2026


@pytest.fixture(scope="module")
def film() -> Film:
    return record_film(read_replay(Path("docs/images/observation.replay")), load_map).thinned(20)


def test_a_gif_has_a_picture_a_frame_and_the_last_one_stays(film: Film, tmp_path: Path) -> None:
    path = tmp_path / "new" / "m.gif"
    size = export_film(film, ["a"] * 10, "a match", path, side=128)
    assert size == path.stat().st_size
    with Image.open(path) as picture:
        # frames 0, 20, ..., 100 and the last, 107
        assert picture.n_frames == len(film) == 7  # type: ignore[attr-defined]
        # the land is 128 wide; the panel 46 % of the picture's height of 240
        assert picture.size == (128 + 110, 240)
        picture.seek(6)
        assert picture.info["duration"] == 2000


def test_land_has_the_colour_of_its_seat_and_a_dark_border(film: Film) -> None:
    owner = list(film.frames())[-1]
    inside = np.argwhere(owner > 0)
    for pixels in (1, 4):
        picture = frame_picture(film.map, owner, 10, pixels)
        assert picture.shape == (128 * pixels, 128 * pixels, 3)
        hues = {}
        for y, x in inside:
            if owner[y, x] == 255:
                continue
            around = owner[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
            kind = "inner" if (around == owner[y, x]).all() else "border"
            spot = picture[y * pixels + pixels // 2, x * pixels + pixels // 2].astype(int)
            hues.setdefault((int(owner[y, x]), kind), []).append(spot)
        seat = int(np.bincount(owner[(owner > 0) & (owner < 255)]).argmax())
        inner = np.mean(hues[seat, "inner"], axis=0)
        # 78 % of the seat's colour and 22 % of the ground's, which is 0 to 255
        expected = 0.78 * seat_colours(10)[seat - 1]
        assert (inner >= expected - 1).all() and (inner <= expected + 0.22 * 255 + 1).all()
        if pixels == 1:
            assert np.mean(hues[seat, "border"]) < 0.8 * np.mean(inner)


def test_a_whole_tile_of_one_owner_keeps_it_at_any_size(film: Film) -> None:
    owner = np.zeros((128, 128), np.uint8)
    owner[:, 64:] = 3
    picture = frame_picture(film.map, owner, 10, 5)
    small = frame_picture(film.map, owner, 10, 1)
    # far from the border, each pixel of a tile is that tile
    np.testing.assert_array_equal(picture[2::5, 2::5][:, 70:], small[:, 70:])
    np.testing.assert_array_equal(picture[2::5, 2::5][:, :60], small[:, :60])


def test_other_endings_and_a_missing_ffmpeg_are_told_before_anything_is_played(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(ReplayError, match=r"ends in \.gif or \.mp4, found m\.avi"):
        find_writer(Path("m.avi"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ReplayError, match=r"apt-get install ffmpeg.*name a GIF: m\.gif"):
        find_writer(Path("m.mp4"))
    assert find_writer(Path("m.GIF")) is None


def fake_ffmpeg(folder: Path, script: str) -> None:
    path = folder / "ffmpeg"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_ffmpeg_is_given_all_pictures_and_their_size(
    film: Film, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Writes its arguments and the number of bytes that it was given into its last argument.
    fake_ffmpeg(tmp_path, 'for last; do :; done; { echo "$@"; wc -c; } > "$last"')
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    path = tmp_path / "m.mp4"
    export_film(film, ["a"] * 10, "a match", path, side=128)
    arguments, n_bytes = path.read_text().splitlines()
    assert "-s 238x240 -r 3 " in arguments
    # 7 pictures, and the last one for 2 s at 3 a second
    assert int(n_bytes) == (7 + 6) * 238 * 240 * 3
    assert sorted(each.name for each in tmp_path.iterdir()) == ["ffmpeg", "m.mp4"]


def test_what_ffmpeg_says_is_told_and_no_file_is_left(
    film: Film, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake_ffmpeg(tmp_path, 'for last; do :; done; echo x > "$last"; echo "no codec" >&2; exit 1')
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(ReplayError, match="no codec"):
        export_film(film, ["a"] * 10, "a match", tmp_path / "m.mp4", side=128)
    assert [each.name for each in tmp_path.iterdir()] == ["ffmpeg"]


def test_a_film_takes_half_a_minute_at_most_where_players_keep_up() -> None:
    assert pictures_per_second(61) == 3  # 20 s
    assert pictures_per_second(121) == 5  # 24 s
    assert pictures_per_second(4000) == 25  # the fastest


def test_a_city_has_its_seats_colour_half_way_to_white_and_is_hollow_while_it_is_built() -> None:
    marks = replace(
        film_2026().marks[0],
        structures=np.array([[10, 1, 4, 1, 1], [20, 1, 4, 1, 0]]),  # tiles (10, 0), (20, 0)
        boats=np.array([[0, 2, -1, 10, 6, 20, 6, 100, 0]]),
    )
    canvas = Image.new("RGB", (128, 128))
    draw_marks(ImageDraw.Draw(canvas), marks, 32, 4.0, 9, 0)
    light = np.round(0.45 * seat_colours(9) + 0.55 * 255)
    # the middle of tile (10, 0) is at 4 * 10.5, 4 * 0.5
    assert canvas.getpixel((42, 2)) == tuple(light[4])
    assert canvas.getpixel((82, 2)) == (8, 12, 20)
    # a boat of seat 2 at (10, 6), and its way to (20, 6)
    assert canvas.getpixel((42, 26)) == tuple(light[2]) == canvas.getpixel((72, 26))


def test_trains_and_trade_ships_are_where_they_have_come_to_and_rails_below_structures() -> None:
    marks = replace(
        film_2026().marks[0],
        structures=np.array([[10, 1, 4, 1, 1]]),
        rails=np.array([[10, 30, 21]]),  # of tiles (10, 0) and (30, 0)
        trains=np.array([[3, 10, 30, 21, 107]]),
        ships=np.array([[2, 320, 340, 40, 110], [1, 335, -1, 9, 101]]),  # the second's goal is gone
    )
    found = [(each.kind, each.seat, each.x, each.y) for each in marks.movers(32, 100)]
    # 10 of 40 ticks are left to the ship from (0, 10) to (20, 10); 7 of 11 to the train
    assert found == [
        ("trade ship", 2, 15.0, 10.0),
        ("train", 3, pytest.approx(10 + 20 * 4 / 11), 0.0),
    ]
    canvas = Image.new("RGB", (128, 128), (255, 0, 0))
    draw_marks(ImageDraw.Draw(canvas), marks, 32, 4.0, 9, 100)
    light = np.round(0.45 * seat_colours(9) + 0.55 * 255)
    assert canvas.getpixel((42, 2)) == tuple(light[4])
    assert canvas.getpixel((int(4 * 17.77), 2)) == tuple(light[3])
    assert canvas.getpixel((62, 42)) == tuple(light[2])
    on_the_rail = {canvas.getpixel((x, 2)) for x in range(80, 120)}
    assert on_the_rail == {(8, 12, 20), (208, 213, 224)}


def test_marks_are_on_the_pictures_of_a_film() -> None:
    film = film_2026().thinned(50)  # frames 0, 50 and 100
    names = list("abcdefghi")
    found = [
        list(draw_pictures(replace(film, marks=marks), names, "a match", 96))[1]
        for marks in (film.marks, ())
    ]
    # a shape of 9 pixels' side and its rim for each, and the ways of boats
    changed = int((found[0] != found[1]).any(axis=-1).sum())
    assert len(film.marks[1].structures) and 20 <= changed <= 2_000


def page_corners(name: str) -> tuple[tuple[float, float], ...]:
    """The corners of a shape of the page's script that has straight lines alone."""
    (path,) = re.findall(rf'^ *"?{name}"?: *"M([^"]*)z",$', viewer_script(), re.MULTILINE)
    corners: list[tuple[float, float]] = []
    x = y = 0.0
    for letter, numbers in re.findall(r"([MLHV])([^MLHV]+)", f"M{path}"):
        first, *rest = (float(number) for number in numbers.split())
        x, y = {"H": (first, y), "V": (x, first)}.get(letter) or (first, *rest)
        corners.append((x, y))
    return tuple(corners)


def test_shapes_of_straight_lines_are_those_of_the_page() -> None:
    ours = dict(zip(STRUCTURE_WORDS.values(), SHAPES, strict=True)) | {"boat": BOAT, "train": TRAIN}
    for name in ("city", "factory", "silo", "SAM site", "boat", "train"):
        assert page_corners(name) == ours[name], name
