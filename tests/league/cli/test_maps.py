"""`league maps`: what a map is good for, how it was read, and which land counts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from arena.territory.maps import TerritoryMap, load_map, save_map
from league.cli.main import main


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LEAGUE_DIR", raising=False)


def test_a_map_too_small_for_any_match_is_no_playable_map(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Image.new("RGB", (1, 1), (80, 140, 70)).save("one.png")
    assert main(["maps", "check", "one.png"]) == 1
    out = capsys.readouterr().out
    assert "no match can be played on this map" in out and "room for 0 seats" in out


def test_a_map_too_small_for_the_seats_says_how_many_fit(
    capsys: pytest.CaptureFixture[str],
) -> None:
    reference = "generated:plains:16x16:1"  # 256 tiles, discs of 52
    assert main(["maps", "check", reference, "--json"]) == 1
    facts = json.loads(capsys.readouterr().out)
    assert facts["ok"] is False and facts["seats"] == 10 and 2 <= facts["max_seats"] <= 4
    assert main(["maps", "check", reference]) == 1
    assert f"--set rules.n_seats={facts['max_seats']} or fewer" in capsys.readouterr().out
    assert main(["maps", "check", reference, "--seats", str(facts["max_seats"])]) == 0


def test_check_says_the_shares_by_height_and_which_land_counts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    terrain = np.zeros((40, 100), np.uint8)
    terrain[:, :60] = 0x80  # 2,400 tiles of plains
    terrain[:, 60:75] = 0x80 | 10  # 600 of highland
    terrain[:, 80:90] = 0x80 | 20  # 400 of mountain, on the other island
    terrain[:15, 90:] = 0x80 | 31  # 150 impassable, of 3,550
    save_map(TerritoryMap.from_terrain("two islands", terrain), "two")
    assert main(["maps", "check", "two"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "two islands: a playable map of 100 x 40 tiles, 3,550 land, room for 57 seats",
        "from the bytes of map.bin: plains 68 %, highland 17 %, mountain 15 % of the land",
        "matches are played on the largest land mass alone: 3,000 tiles, 85 % of the land; one "
        "ends when a seat holds 80 % of it",
        "warning: 150 of 3,550 land tiles have magnitude 31, which OpenFront's maps of 2026 use "
        "for impassable land; here they are mountain, and count as land",
    ]


def test_the_games_count_of_land_leaves_impassable_tiles_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    terrain = np.full((40, 40), 0x80, np.uint8)
    terrain[:2] = 0x80 | 31
    save_map(TerritoryMap.from_terrain("rock", terrain), "rock")
    manifest = Path("rock/manifest.json")
    manifest.write_text(
        manifest.read_text().replace('"num_land_tiles": 1600', '"num_land_tiles": 1520')
    )
    assert main(["maps", "check", "rock"]) == 0
    assert "num_land_tiles" not in capsys.readouterr().out


def test_a_converted_picture_keeps_its_reading(capsys: pytest.CaptureFixture[str]) -> None:
    picture = np.full((40, 40, 4), (0, 0, 106, 255), np.uint8)
    picture[:, 8:] = (205, 205, 200, 255)
    Image.fromarray(picture).save("image.png")
    assert main(["maps", "convert", "image.png", "--out", "guessed"]) == 0
    assert "OpenFront's map generator" in capsys.readouterr().err
    assert main(["maps", "convert", "image.png", "--reading", "brightness", "--out", "bright"]) == 0
    assert [int(load_map(name).magnitude[20, 20]) for name in ("guessed", "bright")] == [30, 21]
    assert main(["maps", "convert", "image.png", "--out", "bright"]) == 2
    assert "expected a new or empty folder" in capsys.readouterr().err
