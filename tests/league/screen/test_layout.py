"""Where panels stand: a function of the size alone, without gap and overlap."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from league.screen.layout import FOOT, HEAD, places
from league.screen.state import PANELS


@given(st.integers(40, 300), st.integers(12, 120), st.sampled_from([None, *PANELS]))
def test_panels_cover_the_room_once(width: int, height: int, enlarged: int | None) -> None:
    taken = [[0] * width for _ in range(height)]
    for place in places(width, height, enlarged).values():
        for y in range(place.y, place.y + place.height):
            for x in range(place.x, place.x + place.width):
                taken[y][x] += 1
    assert all(n == 0 for row in taken[:HEAD] for n in row)
    assert all(n == 1 for row in taken[HEAD : height - FOOT] for n in row)
    assert all(n == 0 for n in taken[-1])


@pytest.mark.parametrize(
    ("size", "panels"),
    [
        ((80, 24), [1, 3, 7]),
        ((100, 30), [1, 2, 3, 4, 5, 6]),
        ((120, 40), [1, 2, 3, 4, 5, 6, 7]),
        ((200, 60), [1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_small_terminals_show_the_panels_that_matter_most(
    size: tuple[int, int], panels: list[int]
) -> None:
    assert sorted(places(*size)) == panels


@pytest.mark.parametrize("panel", PANELS)
def test_every_panel_can_fill_the_screen_at_every_size(panel: int) -> None:
    for width, height in ((80, 24), (200, 60)):
        (place,) = places(width, height, panel).values()
        assert (place.width, place.height) == (width, height - HEAD - FOOT)
