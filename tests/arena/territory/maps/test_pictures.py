"""Pictures of maps: round trips, how foreign pictures are read, and drawings for a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from arena.errors import MapError
from arena.territory.maps import (
    PRESETS,
    TerritoryMap,
    draw_map,
    generate_map,
    load_map,
    map_from_png,
    map_to_png,
)
from arena.territory.maps.pictures import draw_letters, draw_picture


def write_picture(path: Path, pixels: np.ndarray[Any, Any]) -> Path:
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize("preset", PRESETS)
def test_a_generated_map_survives_the_way_through_a_png(tmp_path: Path, preset: str) -> None:
    made = generate_map(preset, 70, 41, 2)
    path = map_to_png(made, tmp_path / "maps" / "picture.png")
    assert load_map(path).sha256 == made.sha256
    assert load_map("maps/picture.png", base=tmp_path).name == "picture"


def test_every_land_magnitude_survives_the_way_through_a_png(tmp_path: Path) -> None:
    terrain = np.arange(0x80, 0x80 + 32, dtype=np.uint8).reshape(4, 8)
    path = map_to_png(TerritoryMap.from_terrain("heights", terrain), tmp_path / "heights.png")
    assert (map_from_png(path).terrain == terrain).all()


def test_white_on_black_is_a_mask_of_plains(tmp_path: Path) -> None:
    grey = np.array([[0, 255, 255]], dtype=np.uint8)
    read = map_from_png(write_picture(tmp_path / "mask.png", grey))
    assert read.land.tolist() == [[False, True, True]]
    assert read.magnitude[read.land].tolist() == [0, 0]


def test_brightness_is_height_and_dark_blue_or_clear_is_water(tmp_path: Path) -> None:
    row = [
        (120, 120, 120, 255),  # (120 - 97) // 5 = 4: plains
        (160, 160, 160, 255),  # (160 - 97) // 5 = 12: highland
        (205, 205, 205, 255),  # (205 - 97) // 5 = 21: mountain
        (60, 60, 60, 255),  # darker than 99 and not below 50: magnitude 0
        (49, 49, 49, 255),  # too dark
        (200, 200, 220, 255),  # blue
        (120, 120, 120, 0),  # transparent
    ]
    read = map_from_png(write_picture(tmp_path / "row.png", np.array([row], dtype=np.uint8)))
    assert read.land[0].tolist() == [True] * 4 + [False] * 3
    assert read.magnitude[0, :4].tolist() == [4, 12, 21, 0]


def test_sixteen_bits_of_grey_are_read_by_their_upper_eight(tmp_path: Path) -> None:
    grey = np.array([[0, 120 * 256, 205 * 256]], dtype=np.uint16)
    read = map_from_png(write_picture(tmp_path / "deep.png", grey))
    assert read.land[0].tolist() == [False, True, True]
    assert read.magnitude[0, 1:].tolist() == [4, 21]


def test_bad_pictures_are_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(MapError, match="expected a PNG"):
        map_from_png(tmp_path / "text.png")
    with pytest.raises(MapError, match="expected a PNG"):
        map_from_png(tmp_path / "missing.png")
    whole = map_to_png(generate_map("ring", 64, 64, 0), tmp_path / "whole.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(MapError, match="expected a PNG"):
        map_from_png(tmp_path / "cut.png")
    black = write_picture(tmp_path / "black.png", np.zeros((3, 3), dtype=np.uint8))
    with pytest.raises(MapError, match="at least one land tile"):
        map_from_png(black)
    wide = write_picture(tmp_path / "wide.png", np.zeros((1, 16_385), dtype=np.uint8))
    with pytest.raises(MapError, match="expected sides of 1 to 16384 tiles, found 16385 x 1"):
        map_from_png(wide)


@pytest.mark.parametrize(
    ("columns", "rows", "expected"),
    [
        (20, 50, (20, 5)),  # 64 x 32 shrinks by 3.2 to 20 x 10 pixels: 5 characters high
        (200, 4, (16, 4)),  # 8 pixels high: shrinks by 4 to 16 x 8
        (200, 200, (64, 16)),  # never enlarged
        (1, 1, (1, 1)),
    ],
)
def test_a_drawing_keeps_proportions_within_its_room(
    columns: int, rows: int, expected: tuple[int, int]
) -> None:
    lines = draw_map(generate_map("ring", 64, 32, 1), columns, rows).plain.split("\n")
    assert (len(lines[0]), len(lines)) == expected
    assert set("".join(lines)) == {"▀"}


def test_a_drawing_without_colours_has_a_letter_for_the_larger_part_of_each_block() -> None:
    """Blocks of 2 x 4 tiles: half water is land; the height is that of the land alone."""
    terrain = np.full((4, 10), 128, np.uint8)
    terrain[:, 2:4] = 128 + 15
    terrain[:, 4:6] = 128 + 25
    terrain[:2, 4:6] = 0  # half of the mountain block
    terrain[:, 6:8] = 0
    terrain[3, 7] = 128 + 30  # one tile of eight
    terrain[:, 8:] = 0
    text = draw_letters(TerritoryMap.from_terrain("blocks", terrain), 5, 3)
    assert text.plain == ".n^~~"


@pytest.mark.parametrize(
    ("columns", "rows", "expected"),
    [(20, 50, (20, 5)), (200, 4, (16, 4)), (200, 200, (64, 16)), (1, 1, (1, 1))],
)
def test_a_drawing_without_colours_keeps_proportions_too(
    columns: int, rows: int, expected: tuple[int, int]
) -> None:
    lines = draw_letters(generate_map("ring", 64, 32, 1), columns, rows).plain.split("\n")
    assert (len(lines[0]), len(lines)) == expected


def test_a_drawing_averages_the_colours_of_its_blocks() -> None:
    picture = np.zeros((2, 2, 3), dtype=np.uint8)
    picture[0, 0] = 200  # mean of 200, 0, 0, 0 is 50 = 0x32
    text = draw_picture(picture, 1, 1)
    assert text.plain == "▀"
    assert str(text.spans[0].style) == "#323232"


def test_a_drawing_without_room_is_refused() -> None:
    with pytest.raises(MapError, match="0 x 3"):
        draw_map(generate_map("ring", 16, 16, 1), 0, 3)
