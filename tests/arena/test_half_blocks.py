from __future__ import annotations

import numpy as np
import pytest
from rich.text import Text

from arena.half_blocks import half_blocks


def cells(text: Text) -> list[tuple[str | None, str | None]]:
    """(ink, paper) of each character that is not a line break, as #rrggbb."""
    found = []
    for at, letter in enumerate(text.plain):
        if letter == "\n":
            continue
        (style,) = (span.style for span in text.spans if span.start <= at < span.end)
        ink, paper = style.color, style.bgcolor  # type: ignore[union-attr]
        found.append((ink and ink.name, paper and paper.name))
    return found


def test_each_character_shows_two_pixels_above_one_another() -> None:
    pixels = np.array([[[1, 2, 3], [255, 0, 0]], [[4, 5, 6], [0, 255, 0]]], np.uint8)
    text = half_blocks(pixels)
    assert text.plain == "▀▀"
    assert cells(text) == [("#010203", "#040506"), ("#ff0000", "#00ff00")]


def test_an_odd_row_at_the_bottom_leaves_the_paper_alone() -> None:
    pixels = np.zeros((3, 1, 3), np.uint8)
    pixels[2] = 7
    text = half_blocks(pixels)
    assert text.plain == "▀\n▀"
    assert cells(text) == [("#000000", "#000000"), ("#070707", None)]


def test_equal_neighbours_share_a_span_and_rows_do_not() -> None:
    pixels = np.zeros((4, 5, 3), np.uint8)
    pixels[2:, 3:] = 9
    # one span of five, then 3 + 2
    assert [(s.start, s.end) for s in half_blocks(pixels).spans] == [(0, 5), (6, 9), (9, 11)]


@pytest.mark.parametrize("shape", [(2, 3), (7, 1), (64, 40)])
def test_a_random_picture_is_drawn_pixel_by_pixel(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 3, (*shape, 3)).astype(np.uint8)
    found = iter(cells(half_blocks(pixels)))
    for y in range(0, shape[0], 2):
        for x in range(shape[1]):
            ink, paper = next(found)
            assert ink == "#" + bytes(pixels[y, x]).hex()
            assert paper == ("#" + bytes(pixels[y + 1, x]).hex() if y + 1 < shape[0] else None)
