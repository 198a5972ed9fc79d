"""What boats cost can be measured, on any map with water."""

from __future__ import annotations

from league.bench.boats import measure


def test_a_match_of_islands_shows_what_its_boats_cost() -> None:
    figures = measure("generated:islands:64x64:1", seats=4, ticks=300)
    assert figures.boats > 10
    assert figures.way_tiles > 2
    assert min(figures) > 0.0
    assert figures.share < 1.0
