"""`league parity`: rows and JSON, and what its exit codes say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from arena.territory.engine import formulas
from arena.territory.maps import TerritoryMap, save_map
from league.cli.main import main
from tests.arena.parity_records import growth_record, lone_record, written
from tests.schemas import fits


@pytest.fixture
def good(tmp_path: Path) -> str:
    return str(written(tmp_path, growth_record()))


def test_held_gates_are_rows_under_a_header_and_exit_0(
    good: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["parity", good]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["scenario", "gate", "gap", "allowed", "unit"]
    assert [row.split()[0] for row in rows] == ["growth_made_here"] * 2
    assert not any("MISSED" in row for row in rows)


def test_a_missed_gate_is_marked_and_exits_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = growth_record()
    record["troops"][1][25] += 1
    assert main(["parity", str(written(tmp_path, record))]) == 1
    _, tiles, troops = capsys.readouterr().out.splitlines()
    assert "MISSED" not in tiles
    assert " ".join(troops.split()).endswith("troops, every tick 1.000 0.00 troops MISSED")


def test_json_has_all_gates_of_all_files(
    tmp_path: Path, good: str, capsys: pytest.CaptureFixture[str]
) -> None:
    record = lone_record()
    # The end is 205 tiles: 4 more are 100 * 4 / 209 = 1.91 %, above 0.5 and below 3.
    record["tiles"][0][-1] += 4
    other = tmp_path / "other"
    other.mkdir()
    assert main(["parity", good, str(written(other, record)), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    fits(document)
    assert document["held"] is False
    assert [(row["scenario"], row["held"]) for row in document["gates"]] == [
        ("growth_made_here", True),
        ("growth_made_here", True),
        ("lone_made_here", False),
        ("lone_made_here", True),
    ]
    end = document["gates"][2]
    assert end.pop("gap") == pytest.approx(100 * 4 / 209)
    assert end == {
        "scenario": "lone_made_here",
        "gate": "tiles at the end",
        "allowed": 0.5,
        "unit": "%",
        "held": False,
    }


def test_a_gap_that_is_not_a_number_is_null_in_json_and_a_miss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    vector = {"type": "human", "difficulty": "easy", "tiles": 1, "value": 102_000}
    path = written(tmp_path, {"max_troops": [vector]})
    monkeypatch.setattr(formulas, "troop_cap", lambda *_: float("nan"))
    assert main(["parity", str(path), "--json"]) == 1
    (row,) = json.loads(capsys.readouterr().out)["gates"]
    assert (row["gap"], row["held"]) == (None, False)


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_wrong_file_is_one_sentence_and_exit_code_2(
    tmp_path: Path, form: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, {"scenario": {"kind": "chess"}})
    assert main(["parity", str(path), *form]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1 and "chess" in err


def test_maps_are_looked_for_beside_the_folder_of_the_first_file_or_where_the_option_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = growth_record()
    # The map of one byte that the record describes otherwise, now in a folder.
    record["scenario"]["map"] = {"file": "field"}
    for folder in ("reference", "maps", "elsewhere"):
        (tmp_path / folder).mkdir()
    path = str(written(tmp_path / "reference", record))
    assert main(["parity", path]) == 2
    assert str(tmp_path / "maps" / "field") in capsys.readouterr().err
    field = TerritoryMap.from_terrain("field", np.full((20, 20), 128, np.uint8))
    save_map(field, tmp_path / "elsewhere" / "field")
    assert main(["parity", path, "--maps", str(tmp_path / "elsewhere")]) == 0
