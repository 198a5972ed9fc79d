"""Generated maps: equal everywhere, playable, and with bits that follow from land and water."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.errors import MapError
from arena.territory.maps import PRESETS, generate_map
from arena.territory.maps.bridges import join_land
from arena.territory.maps.generator import PRESET_TABLE
from arena.territory.maps.terrain import (
    LAND_BIT,
    OCEAN_BIT,
    SHORELINE_BIT,
    encode_terrain,
    label_regions,
    touches,
)

# Recorded on Linux x86-64, numpy 2.4. A change here makes every stored match unplayable on its
# map: bump the preset's name instead of changing what an existing one gives.
RECORDED = {
    ("plains", 128, 128): "0f7c1c003b9fadf25382e5bdfee4aa5d272c598e13f71ee399f91e96385095ad",
    ("continents", 128, 128): "0348010b33baebad4cd4393d3c330bcb5cd192ac11c6116a9ff8ec087f678225",
    ("islands", 128, 128): "9072117bf961090a40f894f52f44a72e0bf55354866a06be520ce388f7ca5794",
    ("highlands", 128, 128): "814dd9d6d1e5cb8de6de60bf0f387601a696ea46d13c05a8df8a89ed339613d6",
    ("lakes", 128, 128): "cf0812f64f932e204e6981664813b12700ef1e8aad830216a20f630a97873597",
    ("ring", 128, 128): "5a74cb1fe68633e5bcd99ae03d40a565e62615e49b5d5882c0096551b314f063",
    ("plains", 97, 33): "8a516d67e6730a1d8e0a8671dd32090e38c4dca2eb5118cec6cf10fe17c1a905",
    ("continents", 97, 33): "5f17e5b4f099ad08166ca2ba8b95478b34758215dfe421799b874b58b881d372",
    ("islands", 97, 33): "fed85ae75f2fb8deed053d33f4a3039478c1d677e762523c930505a4a9c7b599",
    ("highlands", 97, 33): "da40c1f867abccdd421e49dc7550d4790a3c4650e3afb4bd754487cc3cb719ef",
    ("lakes", 97, 33): "56c0137b89868455f8356ae73ab6882270c2ff3335b7e92bb9041e20cf2aea7c",
    ("ring", 97, 33): "041dacf866c2cb4a7a007c16c2135d247ae58dacdd79621d6da67b4b7f7c4e61",
}


@pytest.mark.parametrize(("preset", "width", "height"), RECORDED)
def test_seed_7_gives_the_recorded_bytes(preset: str, width: int, height: int) -> None:
    assert generate_map(preset, width, height, 7).sha256 == RECORDED[preset, width, height]


@settings(max_examples=60, deadline=None)
@given(
    preset=st.sampled_from(PRESETS),
    width=st.integers(16, 70),
    height=st.integers(16, 70),
    seed=st.integers(0, 2**63 - 1),
)
def test_any_size_and_seed_is_playable_with_consistent_bits(
    preset: str, width: int, height: int, seed: int
) -> None:
    made = generate_map(preset, width, height, seed)
    assert made.terrain.shape == (height, width)
    assert made.n_playable >= 0.35 * width * height
    water = ~made.land
    shoreline = (made.terrain & SHORELINE_BIT) != 0
    ocean = (made.terrain & OCEAN_BIT) != 0
    expected = (made.land & touches(water)) | (water & touches(made.land))
    assert (shoreline == expected).all()
    assert not (ocean & made.land).any()
    assert ocean[0][water[0]].all()
    assert made.sha256 == generate_map(preset, width, height, seed).sha256


def test_seeds_presets_and_sizes_give_different_maps() -> None:
    keys = [(p, w, 40, s) for p in PRESETS for w in (40, 41) for s in (0, 1)]
    assert len({generate_map(*key).sha256 for key in keys}) == len(keys)


def test_the_presets_on_offer_are_those_of_the_readme() -> None:
    assert PRESETS == ("plains", "continents", "islands", "highlands", "lakes", "ring")


@pytest.mark.parametrize("preset", PRESETS)
def test_heights_come_in_the_shares_of_the_preset(preset: str) -> None:
    made = generate_map(preset, 128, 128, 3)
    heights = made.magnitude[made.land]
    plan = PRESET_TABLE[preset]
    highland = np.mean((heights >= 10) & (heights < 20))
    assert highland == pytest.approx(plan.highland_share, abs=0.01)
    assert np.mean(heights >= 20) == pytest.approx(plan.mountain_share, abs=0.01)


def test_continents_hang_together_with_almost_no_land_left_over() -> None:
    for seed in range(8):
        made = generate_map("continents", 128, 128, seed)
        assert made.n_playable >= 0.95 * made.n_land


def test_seeds_out_of_range_are_refused() -> None:
    for seed in (-1, 2**63):
        with pytest.raises(MapError, match="expected a seed"):
            generate_map("plains", 16, 16, seed)


def test_bridges_join_the_large_masses_over_the_narrow_straits_only() -> None:
    land = np.zeros((40, 90), dtype=np.bool_)
    land[5:35, 2:20] = land[5:35, 26:50] = land[5:35, 60:88] = True  # straits of 6 and 10
    land[0, 0] = True  # an islet of 1 tile, below 1 % of 2,100
    joined = join_land(land, lambda low, high: (low + high) // 2)
    _, sizes = label_regions(joined)
    assert sizes.size - 1 == 2  # one mass and the islet
    assert joined[land].all()
    n_new = int(joined.sum() - land.sum())
    assert 16 <= n_new <= 16 * 5  # 6 + 10 tiles long, at most 5 wide


def test_bits_follow_from_land_and_water() -> None:
    land = np.ones((7, 9), dtype=np.bool_)
    land[0, 0] = False  # touches the edge: ocean
    land[2:5, 2:7] = False  # 15 tiles, the largest body: ocean
    land[5, 8] = True
    land[3, 4] = True  # a rock
    terrain = encode_terrain(land, np.full(land.shape, 12, dtype=np.uint8))
    shore = SHORELINE_BIT
    assert terrain[0, 0] == OCEAN_BIT | shore
    assert terrain[0, 1] == LAND_BIT | shore | 12
    assert terrain[6, 8] == LAND_BIT | 12
    assert terrain[2, 2] == OCEAN_BIT | shore
    lake = np.ones((9, 9), dtype=np.bool_)
    lake[1, 1] = False  # inside and not the largest: a lake
    lake[3:8, 3:8] = False  # its middle is 3 tiles from land: magnitude 3 // 2 = 1
    terrain = encode_terrain(lake, np.zeros(lake.shape, dtype=np.uint8))
    assert terrain[1, 1] == shore
    assert terrain[5, 5] == OCEAN_BIT | 1
