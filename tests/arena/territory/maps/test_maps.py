"""Maps: what a loader accepts, what it refuses and how it says so, and what a map promises."""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arena.errors import ArenaError, MapError
from arena.territory.maps import (
    GeneratedReference,
    TerritoryMap,
    expand_references,
    generate_map,
    load_map,
    parse_reference,
    save_map,
)

LAND, WATER = 0x80, 0x00
SHARED_MAPS = Path(__file__).resolve().parents[5] / "shared" / "maps"
needs_shared_maps = pytest.mark.skipif(
    not SHARED_MAPS.is_dir(), reason="no ../shared/maps beside the repository"
)


def small_terrain() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """4 x 3 tiles: two lands of 4 and 2 tiles, a diagonal apart, magnitudes 0..11."""
    rows = [[LAND, LAND, WATER, WATER], [LAND, LAND, WATER, WATER], [WATER, WATER, LAND, LAND]]
    return np.array(rows, dtype=np.uint8) | np.arange(12, dtype=np.uint8).reshape(3, 4)


def write_folder(folder: Path, manifest: object, terrain: bytes) -> Path:
    folder.mkdir()
    text = manifest if isinstance(manifest, str) else json.dumps(manifest)
    (folder / "manifest.json").write_text(text, encoding="utf-8")
    (folder / "map.bin").write_bytes(terrain)
    return folder


def good_manifest() -> dict[str, Any]:
    return {"name": "isle", "map": {"width": 4, "height": 3, "num_land_tiles": 6}, "nations": []}


def test_a_folder_is_read_as_its_bytes_say(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "isle", good_manifest(), small_terrain().tobytes())
    loaded = load_map(folder)
    assert (loaded.name, loaded.width, loaded.height) == ("isle", 4, 3)
    assert loaded.n_land == 6  # 4 + 2
    assert loaded.n_playable == 4  # a diagonal is no 4-neighbour
    assert loaded.playable[:2, :2].all()
    assert loaded.magnitude.ravel().tolist() == list(range(12))
    assert loaded.warnings == ()
    header = b"territory-map-1" + bytes([4, 0, 0, 0, 3, 0, 0, 0])
    assert loaded.sha256 == hashlib.sha256(header + small_terrain().tobytes()).hexdigest()


def test_the_hash_knows_the_shape_and_not_the_name() -> None:
    terrain = small_terrain()
    one = TerritoryMap.from_terrain("one", terrain)
    assert TerritoryMap.from_terrain("two", terrain).sha256 == one.sha256
    assert TerritoryMap.from_terrain("one", terrain.reshape(4, 3)).sha256 != one.sha256


def test_arrays_of_a_map_are_read_only_also_after_pickling() -> None:
    made = TerritoryMap.from_terrain("isle", small_terrain(), ("a warning",))
    copied = pickle.loads(pickle.dumps(made))
    assert (copied.sha256, copied.warnings) == (made.sha256, ("a warning",))
    for array in (made.terrain, made.land, made.playable, made.magnitude, copied.terrain):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 0


def test_of_two_equal_lands_the_first_in_row_order_is_playable() -> None:
    terrain = np.array([[WATER, LAND], [LAND, WATER]], dtype=np.uint8)
    made = TerritoryMap.from_terrain("tie", terrain)
    assert made.playable.tolist() == [[False, True], [False, False]]


@pytest.mark.parametrize("claimed", [7, "six", True, None])
def test_a_wrong_land_count_is_a_warning_and_the_bytes_win(tmp_path: Path, claimed: object) -> None:
    manifest = good_manifest()
    manifest["map"]["num_land_tiles"] = claimed
    loaded = load_map(write_folder(tmp_path / "isle", manifest, small_terrain().tobytes()))
    assert loaded.n_land == 6
    assert len(loaded.warnings) == 1
    assert "map.bin has 6 land tiles" in loaded.warnings[0]


def test_a_manifest_without_a_name_takes_the_folder_name(tmp_path: Path) -> None:
    manifest = good_manifest()
    del manifest["name"]
    loaded = load_map(write_folder(tmp_path / "isle7", manifest, small_terrain().tobytes()))
    assert loaded.name == "isle7"
    assert "has no name" in loaded.warnings[0]


def test_unknown_keys_and_a_byte_order_mark_are_ignored(tmp_path: Path) -> None:
    text = "\ufeff" + json.dumps(good_manifest() | {"mini_map": [], "source": 3})
    assert load_map(write_folder(tmp_path / "isle", text, small_terrain().tobytes())).n_land == 6


def manifest_with(**sizes: object) -> dict[str, Any]:
    manifest = good_manifest()
    manifest["map"] |= sizes
    return manifest


@pytest.mark.parametrize(
    ("manifest", "terrain", "said"),
    [
        (good_manifest(), small_terrain().tobytes()[:-1], "expected 12 bytes.*found 11"),
        (good_manifest(), b"", "expected 12 bytes.*found 0"),
        (good_manifest(), bytes(12), "at least one land tile"),
        (manifest_with(width=5), small_terrain().tobytes(), "expected 15 bytes.*found 12"),
        (manifest_with(width=0), b"", "map.width to be a whole number of 1 to 16384, found 0"),
        (manifest_with(height=16_385), b"", "map.height.*found 16385"),
        (manifest_with(height=-3), b"", "map.height.*found -3"),
        (manifest_with(width="4"), b"", "map.width.*found '4'"),
        (manifest_with(width=4.0), b"", "map.width.*found 4.0"),
        (manifest_with(width=True), b"", "map.width.*found True"),
        (manifest_with(width=10**200), b"", r"64 bits, found 1000.*\.\.\."),
        ({"name": "isle"}, b"", "key 'map'.*found nothing"),
        ({"map": [4, 3]}, b"", "key 'map'.*found a list"),
        ({"map": {"width": 4}}, b"", "map.height.*found nothing"),
        ([1, 2], b"", "expected a JSON object, found a list"),
        ("{'name': 1}", b"", "expected JSON in UTF-8"),
        ("", b"", "expected JSON in UTF-8"),
        ("[" * 100_000, b"", "expected JSON in UTF-8"),
        ('{"map": {"width": ' + "9" * 5000 + "}}", b"", "expected JSON in UTF-8"),
    ],
)
def test_a_bad_folder_is_one_sentence_that_names_the_file(
    tmp_path: Path, manifest: object, terrain: bytes, said: str
) -> None:
    folder = write_folder(tmp_path / "bad", manifest, terrain)
    with pytest.raises(MapError, match=said) as caught:
        load_map(folder)
    message = str(caught.value)
    assert "bad" in message or "isle" in message
    assert len(message) < 500
    assert "\n" not in message


@pytest.mark.parametrize("missing", ["map.bin", "manifest.json"])
def test_a_missing_file_is_named(tmp_path: Path, missing: str) -> None:
    folder = write_folder(tmp_path / "isle", good_manifest(), small_terrain().tobytes())
    (folder / missing).unlink()
    with pytest.raises(MapError, match=f"but {missing} is missing"):
        load_map(folder)


def test_a_manifest_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "isle", good_manifest(), small_terrain().tobytes())
    (folder / "manifest.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MapError, match="UTF-8"):
        load_map(folder)


def test_a_path_that_leads_nowhere_says_what_would_be_right(tmp_path: Path) -> None:
    with pytest.raises(MapError, match="found nothing there; check the path"):
        load_map("no/such/map", base=tmp_path)
    (tmp_path / "map.txt").write_text("?")
    with pytest.raises(MapError, match="found another kind of file"):
        load_map("map.txt", base=tmp_path)
    with pytest.raises(MapError):
        load_map("x" * 5000, base=tmp_path)


def test_a_saved_map_is_loaded_equal_also_by_a_relative_path(tmp_path: Path) -> None:
    made = generate_map("lakes", 33, 20, 5)
    assert save_map(made, tmp_path / "maps" / "a") == tmp_path / "maps" / "a"
    loaded = load_map("maps/a", base=tmp_path)
    assert (loaded.sha256, loaded.name, loaded.warnings) == (made.sha256, made.name, ())
    assert load_map(tmp_path / "maps" / "a").sha256 == made.sha256


def test_saving_where_a_file_stands_is_a_map_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(MapError, match="cannot be written"):
        save_map(generate_map("plains", 16, 16, 0), tmp_path / "a")


def test_terrain_of_another_kind_is_refused() -> None:
    with pytest.raises(MapError, match="uint8"):
        TerritoryMap.from_terrain("flat", np.zeros(9, dtype=np.uint8))
    with pytest.raises(MapError, match="1 to 16384"):
        TerritoryMap.from_terrain("long", np.full((1, 16_385), LAND, dtype=np.uint8))
    with pytest.raises(MapError, match=r"at most 16,777,216 tiles, found 4097 x 4096"):
        TerritoryMap.from_terrain("large", np.full((4096, 4097), LAND, dtype=np.uint8))
    assert issubclass(MapError, ArenaError)


def test_a_reference_is_parsed_without_touching_files() -> None:
    parsed = parse_reference("generated:ring:64x48:3-5")
    assert parsed == GeneratedReference("ring", 64, 48, 3, 5)
    assert parsed.n_maps == 3
    assert parse_reference("maps/europe") == Path("maps/europe")


def test_seed_ranges_expand_in_order_and_other_references_stay() -> None:
    given = ["maps/europe", "generated:ring:64x48:8-10", "generated:plains:16x16:4"]
    assert expand_references(given) == [
        "maps/europe",
        "generated:ring:64x48:8",
        "generated:ring:64x48:9",
        "generated:ring:64x48:10",
        "generated:plains:16x16:4",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected a folder"),
        ("generated:ring", "PRESET:WIDTHxHEIGHT:SEED"),
        ("generated:ring:64:3", "PRESET:WIDTHxHEIGHT:SEED"),
        ("generated:ring:64x64:-3", "PRESET:WIDTHxHEIGHT:SEED"),
        ("generated:ring:64x64:3\n", "PRESET:WIDTHxHEIGHT:SEED"),
        ("generated:ring:64x64:٣", "PRESET:WIDTHxHEIGHT:SEED"),
        ("generated:atoll:64x64:3", "one of the presets plains, .*found 'atoll'"),
        ("generated:ring:15x64:3", "sides of 16 to 4096 tiles, found 15 x 64"),
        ("generated:ring:64x4097:3", "sides of 16 to 4096 tiles, found 64 x 4097"),
        ("generated:ring:64x64:9-3", "range that rises"),
        ("generated:ring:64x64:9999999999999999999", "expected a seed"),
    ],
)
def test_a_bad_reference_is_refused_with_what_was_expected(text: str, said: str) -> None:
    with pytest.raises(MapError, match=said):
        parse_reference(text)


def test_a_range_is_no_single_map_and_a_huge_range_no_list() -> None:
    with pytest.raises(MapError, match="a range of 2 seeds"):
        load_map("generated:ring:64x64:0-1")
    with pytest.raises(MapError, match="at most 10000 maps"):
        expand_references(["generated:ring:64x64:0-10000"])


@needs_shared_maps
@pytest.mark.parametrize(
    ("folder", "n_land", "n_playable"),
    [("australia_1024x1024", 723_165, 721_046), ("australia_256x256", 65_536, 65_536)],
)
def test_published_maps_are_read(folder: str, n_land: int, n_playable: int) -> None:
    loaded = load_map(SHARED_MAPS / folder)
    assert (loaded.n_land, loaded.n_playable, loaded.warnings) == (n_land, n_playable, ())
