"""OpenFront's source pictures: each rule of the generator by hand, and whole maps byte for byte.

The pictures are OpenFront's and not shipped. TERRITORY_OPENFRONT_MAPS names a folder that holds
NAME/image.png (map-generator/assets/maps of openfrontio/OpenFrontIO or a fork) and NAME/map.bin and
NAME/manifest.json (resources/maps of the same commit).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from arena.env import TerritoryEnv
from arena.territory.engine.rules import MatchRules
from arena.territory.maps import load_map, map_from_png, map_to_png
from arena.territory.maps.maps import TerritoryMap
from arena.territory.maps.pictures import READINGS
from arena.territory.maps.sources import is_source, read_source

WATER = (0, 0, 106, 255)
CLEAR = (0, 0, 0, 0)
Picture = np.ndarray[Any, Any]

PLACE = os.environ.get("TERRITORY_OPENFRONT_MAPS")
REAL = sorted(path.parent.name for path in Path(PLACE or "/nowhere").glob("*/image.png"))


def sea(height: int, width: int, colour: tuple[int, ...] = WATER) -> Picture:
    return np.full((height, width, 4), colour, np.uint8)


def land(blue: int) -> tuple[int, int, int, int]:
    return (205, 205, blue, 255)


def test_a_map_makers_picture_has_the_heights_of_the_game(tmp_path: Path) -> None:
    picture = sea(64, 64, CLEAR)
    for band, blue in enumerate((140, 160, 180, 200)):
        picture[8:56, 8 + 12 * band : 20 + 12 * band] = land(blue)
    Image.fromarray(picture).save(tmp_path / "image.png")
    read = load_map(tmp_path / "image.png")
    assert [int(read.magnitude[30, 13 + 12 * band]) for band in range(4)] == [0, 10, 20, 30]
    assert read.reading == f"heights {READINGS['openfront']}"


@pytest.mark.parametrize(
    ("blue", "height"),
    [(0, 0), (139, 0), (140, 0), (141, 1), (158, 9), (159, 10), (199, 30), (200, 30), (255, 30)],
)
def test_a_height_is_half_of_the_blue_above_140_rounded_up(blue: int, height: int) -> None:
    picture = sea(16, 16)
    picture[4:12, 4:12] = land(blue)
    terrain, _ = read_source(picture)
    assert terrain[8, 8] == 0x80 | height


def test_colours_count_by_their_opacity() -> None:
    picture = sea(16, 16)
    picture[4:12, 4:12] = (205, 205, 200, 204)  # 200 * 204 / 255 = 160: height 10
    picture[0:4, 0:4] = (205, 205, 200, 19)  # clear enough for water
    terrain, _ = read_source(picture)
    assert terrain[8, 8] == 0x80 | 10 and not (terrain[0:4, 0:4] & 0x80).any()


def test_small_islands_and_lakes_go_and_the_rest_keeps_its_heights() -> None:
    picture = sea(40, 40)
    picture[2:36, 2:36] = land(180)
    picture[4:5, 4:24] = WATER  # 20 tiles: land of height 0
    picture[10:20, 4:24] = WATER  # 200 tiles: a lake
    picture[38, 0:29] = land(180)  # 29 tiles: water
    terrain, notes = read_source(picture)
    assert terrain[4, 10] == 0x80 and terrain[3, 10] == 0x80 | 20
    assert terrain[15, 10] & 0xA0 == 0  # water that is no ocean
    assert terrain[38, 10] & 0xA0 == 0x20  # ocean
    assert notes == (
        "1 land masses of fewer than 30 tiles became water, 1 lakes of fewer than 200 land, as the "
        "game's generator does it",
    )


def test_the_largest_water_alone_is_ocean_even_if_others_touch_the_edge() -> None:
    picture = sea(40, 40)
    picture[:, 20:30] = land(150)
    terrain, _ = read_source(picture)
    assert terrain[5, 5] & 0x20 and not terrain[5, 35] & 0x20


def test_of_two_waters_of_one_size_that_further_left_is_ocean() -> None:
    picture = sea(40, 40)
    picture[:, 15:25] = land(150)
    terrain, _ = read_source(picture)
    assert terrain[5, 5] & 0x20 and not terrain[5, 35] & 0x20


def test_water_is_half_as_deep_as_it_is_far_from_the_shore() -> None:
    picture = sea(4, 80)
    picture[:, :10] = land(150)
    terrain, _ = read_source(picture)
    # x = 10 touches land; each further tile is a step, packed as half, rounded up, up to 31.
    steps = np.arange(70)
    expected = np.minimum((steps + 1) // 2, 31)
    assert (terrain[2, 10:] & 0x1F).tolist() == expected.tolist()
    assert terrain[2, 10] & 0x40 and terrain[2, 9] & 0x40 and not terrain[2, 11] & 0x40


def test_black_is_impassable_land_without_shore_and_with_deep_water_beside_it() -> None:
    picture = sea(40, 40)
    picture[4:20, 4:20] = land(150)
    picture[4:20, 20:24] = (0, 0, 0, 255)
    picture[30:34, 30:34] = (0, 0, 0, 255)  # no island: it stays, however small
    terrain, _ = read_source(picture)
    assert terrain[10, 22] == terrain[31, 31] == 0x80 | 31
    assert terrain[10, 24] & 0x5F == 10 and terrain[29, 31] & 0x5F == 10  # no shore, deep
    assert terrain[10, 19] & 0x40 == 0 and terrain[10, 4] & 0x40
    # Deep water is not deepened by the rock: (24, 24) is 9 steps from (19, 19), by water alone.
    assert terrain[24, 22] & 0x1F == (5 + 3) // 2


def test_a_pool_in_rock_has_no_shore_to_be_far_from() -> None:
    picture = sea(40, 40)
    picture[2:38, 2:38] = (0, 0, 0, 255)
    picture[10:30, 10:30] = WATER
    picture[0, :] = picture[1, :] = land(150)
    terrain, _ = read_source(picture)
    assert (terrain[12:28, 12:28] & 0x1F == 0).all()


def test_sides_are_cut_to_multiples_of_four() -> None:
    picture = sea(43, 42)
    picture[4:20, 4:20] = land(150)
    terrain, notes = read_source(picture)
    assert terrain.shape == (40, 40)
    assert notes == ("cut from 42 x 43 to 40 x 40 tiles, multiples of four",)


def test_other_pictures_are_not_taken_for_sources() -> None:
    rng = np.random.default_rng(1)
    grey = rng.integers(0, 256, (40, 40, 1))
    drawn = np.concatenate([grey, grey, grey, np.full_like(grey, 255)], axis=-1).astype(np.uint8)
    assert not is_source(drawn)
    island = sea(40, 40, CLEAR)
    island[10:30, 10:30] = (80, 140, 70, 255)
    assert not is_source(island)
    assert not is_source(sea(40, 40, (80, 140, 70, 255)))
    assert not is_source(sea(40, 40, land(160)))  # one colour says nothing
    assert not is_source(sea(40, 40, CLEAR))


def test_our_own_pictures_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Their seas have the blue of the generator's heights."""
    terrain = np.full((40, 40), 0x25, np.uint8)  # water, depth 5: blue 200 - 15
    terrain[10:30, 10:30] = 0x80 | 13
    made = TerritoryMap.from_terrain("own", terrain)
    read = map_from_png(map_to_png(made, tmp_path / "own.png"))
    assert (read.land == made.land).all() and (read.magnitude[read.land] == 13).all()
    assert read.reading == f"heights {READINGS['brightness']}"


def test_a_reading_can_be_chosen(tmp_path: Path) -> None:
    picture = sea(40, 40)
    picture[10:30, 10:30] = land(200)
    Image.fromarray(picture).save(tmp_path / "image.png")
    assert map_from_png(tmp_path / "image.png").magnitude[20, 20] == 30
    by_brightness = map_from_png(tmp_path / "image.png", "brightness")
    # brightness (299 * 205 + 587 * 205 + 114 * 200) // 1000 = 204: (204 - 97) // 5
    assert by_brightness.magnitude[20, 20] == 21


def test_a_river_longer_than_4096_tiles_is_read_and_played(tmp_path: Path) -> None:
    """OpenFront has maps of 6000 x 400 and 400 x 4200 tiles."""
    picture = sea(40, 6000)
    picture[8:32, 100:5900] = land(150)
    Image.fromarray(picture).save(tmp_path / "river.png")
    env = TerritoryEnv(str(tmp_path / "river.png"), MatchRules(n_seats=4, max_ticks=30))
    seen, _ = env.reset(seed=1)
    while env.agents:
        waits = dict.fromkeys(env.agents, 40)
        seen, *_ = env.step(waits)
    assert all(np.isfinite(views["scalars"]).all() for views in seen.values())


@pytest.mark.skipif(not REAL, reason="TERRITORY_OPENFRONT_MAPS names no folder with NAME/image.png")
@pytest.mark.parametrize("name", REAL)
def test_a_source_gives_the_bytes_of_the_games_own_map(name: str) -> None:
    folder = Path(str(PLACE)) / name
    read, game = map_from_png(folder / "image.png"), load_map(folder)
    # Its sea is one grey, which a picture of brightnesses may hold as land.
    if name == "worldinverted":
        assert read.reading == f"heights {READINGS['brightness']}"
        read = map_from_png(folder / "image.png", "openfront")
    assert read.reading == f"heights {READINGS['openfront']}"
    assert read.terrain.shape == game.terrain.shape
    assert int(np.count_nonzero(read.terrain != game.terrain)) == 0
