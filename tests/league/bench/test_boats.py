"""What boats cost can be measured, on any map with water."""

from __future__ import annotations

import json

import pytest

from league.bench import boats
from league.bench.boats import measure
from league.cli.main import main
from tests.schemas import fits

MAP = "generated:islands:64x64:1"


def test_a_match_of_islands_shows_what_its_boats_cost() -> None:
    figures = measure(MAP, seats=4, ticks=300)
    assert figures.boats > 10
    assert figures.way_tiles > 2
    assert min(figures) > 0.0
    assert figures.share < 1.0


def test_the_command_prints_medians_and_refuses_boats_where_there_are_none(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = iter([0.0, 3.0, 9.0, 4.0])  # the first of a match that warms up

    def played(reference: str, seats: int, ticks: int, seed: int = 0) -> boats.Figures:
        return boats.Figures(0.25, 1_000.0, int(next(counts)), 2.0, 30.0, 50.0, 0.125)

    monkeypatch.setattr(boats, "measure", played)
    command = ["bench", "territory", "--boats", "--map", MAP, "--runs", "3"]
    assert main([*command, "--edition", "2026", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["boats"], found["way_us"], found["runs"]) == (4, 30.0, 3)
    fits(found)
    shown = "\n".join(boats.lines(found))
    assert "3 matches of 3,000 ticks, 10 seats" in shown and "12.50 %" in shown
    assert main(command) == 2
    assert "--boats with --edition 2026" in capsys.readouterr().err
