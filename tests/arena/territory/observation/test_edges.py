"""The views at the edge of the map: windows never slide, and what lies outside is a barrier."""

from __future__ import annotations

import numpy as np
import pytest

from arena.territory.engine.engine import Engine
from arena.territory.observation.views import N_CHANNELS
from tests.arena.territory.observation.view_checks import BARRIER, NEUTRAL, OWN, observe, plain


@pytest.mark.parametrize(("x", "y"), [(6, 6), (122, 6), (6, 122), (122, 122)])
def test_a_far_corner_gives_the_same_crop_as_the_middle(x: int, y: int) -> None:
    """The crop moves by a whole lattice step (64 tiles); what is off the map is only barrier."""
    shift = 64
    board = plain(128)
    seen = []
    for at in ((x, y), (x + (shift if x < 64 else -shift), y + (shift if y < 64 else -shift))):
        engine = Engine(board, 1, seed=1)
        engine.never_end()
        engine.place(1, spawn=at)
        engine.order(1, 0, 5_000)
        engine.run(1)
        images, _, scratch = observe(engine)
        seen.append((images, scratch.origin[1].copy()))
    (corner, at), (middle, centre) = seen
    for view, i, scale in (("local", 0, 2), ("tactical", 2, 1)):
        # The player moved by 64 tiles and so did its windows: nothing slid at the edge.
        assert (np.abs(at[i : i + 2] - centre[i : i + 2]) == shift).all()
        size = corner[view].shape[-1]
        ys, xs = (at[i + axis] + scale * np.arange(size) for axis in (1, 0))
        inside = ((ys >= 0) & (ys < 128))[:, None] & ((xs >= 0) & (xs < 128))[None, :]
        for channel in range(N_CHANNELS):
            image = corner[view][0, channel]
            np.testing.assert_array_equal(image[inside], middle[view][0, channel][inside])
            assert (image[~inside] == (255 if channel == BARRIER else 0)).all()
        assert (
            inside.all() == (view == "tactical" and at[2] >= 0 and at[3] >= 0) or not inside.all()
        )
    assert not (middle["local"][0, BARRIER]).any()


def test_the_whole_map_view_of_a_long_map_is_padded_as_off_map() -> None:
    engine = Engine(plain(32, 64), 1, seed=1)  # cells of 2 tiles: the lower half is off the map
    engine.place(1, spawn=(30, 16))
    images, _, _ = observe(engine)
    view = images["global"][0]
    assert (view[BARRIER, 16:] == 255).all() and not view[BARRIER, :16].any()
    assert not np.delete(view, BARRIER, axis=0)[:, 16:].any()
    assert view[NEUTRAL, :16].any() and view[OWN, :16].any()
