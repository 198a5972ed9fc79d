"""docs/observation.md says what views.py says.

After a change, the tables are written anew by
`UPDATE_DOCS=1 pytest tests/arena/territory/observation/test_observation_page.py`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from arena.replay import read_replay, verify
from arena.territory.maps import load_map
from arena.territory.observation.space import (
    Bounds,
    landing_bounds,
    neighbour_bounds,
    scalar_bounds,
)
from arena.territory.observation.views import (
    CHANNELS,
    CLASSIC_VIEWS,
    DIRECTION_SCALARS,
    N_CHANNELS,
    N_NEIGHBOUR,
    N_NEIGHBOUR_MEMBERSHIP,
    N_SCALARS,
    NEIGHBOUR_FACTS,
    OWN_SCALARS,
    SMALL_VIEWS,
)
from arena.territory.observation.views_2026 import (
    CHANNELS_2026,
    LANDING_FACTS,
    NEIGHBOUR_FACTS_2026,
    OWN_SCALARS_2026,
)

PAGE = Path(__file__).parents[4] / "docs" / "observation.md"
_UNITS = {
    "own": "area share",
    "rival": "area share",
    "neutral": "area share",
    "barrier": "area share",
    "terrain": "thirds of the highest cost",
    "strength": "share of troops",
    "size": "root of an area share",
    "outgoing": "share of troops",
    "incoming": "share of troops",
    "front": "tiles",
    "gained": "freshness",
    "lost": "freshness",
}


def _channel_table() -> str:
    rows = ["| | channel | meaning | unit | range |", "|---:|---|---|---|---|"]
    for index, (name, meaning) in enumerate(CHANNELS):
        rows.append(f"| {index} | `{name}` | {meaning} | {_UNITS[name]} | 0..255 for 0..1 |")
    return "\n".join(rows)


def _bound(value: float) -> str:
    if np.isinf(value):
        return "no bound"
    return f"{value:g}"


def _scalar_table() -> str:
    low, high = scalar_bounds()
    rows = ["| | scalar | meaning | range |", "|---:|---|---|---|"]
    for index, (name, meaning) in enumerate(OWN_SCALARS):
        rows.append(
            f"| {index} | `{name}` | {meaning} | {_bound(low[index])} .. {_bound(high[index])} |"
        )
    n_own, n = len(OWN_SCALARS), len(DIRECTION_SCALARS)
    for index, (name, meaning) in enumerate(DIRECTION_SCALARS):
        at = n_own + index
        rows.append(
            f"| {at} + {n} d | `N.{name}` .. `NW.{name}` | {meaning} | "
            f"{_bound(low[at])} .. {_bound(high[at])} |"
        )
    return "\n".join(rows)


def _neighbour_table() -> str:
    low, high = (bound[N_NEIGHBOUR_MEMBERSHIP:] for bound in neighbour_bounds())
    rows = ["| | fact | meaning | range |", "|---:|---|---|---|"]
    for index, (name, meaning) in enumerate(NEIGHBOUR_FACTS):
        rows.append(
            f"| {index} | `{name}` | {meaning} | {_bound(low[index])} .. {_bound(high[index])} |"
        )
    return "\n".join(rows)


def _table_2026(
    head: str, entries: Sequence[tuple[str, str]], bounds: Bounds | None, first: int
) -> str:
    rows = [f"| | {head} | meaning | range |", "|---:|---|---|---|"]
    for index, (name, meaning) in enumerate(entries, start=first):
        span = "0..255 for 0..1"
        if bounds is not None:
            span = f"{_bound(bounds[0][index])} .. {_bound(bounds[1][index])}"
        rows.append(f"| {index} | `{name}` | {meaning} | {span} |")
    return "\n".join(rows)


def _facts_2026() -> str:
    low, high = (bound[N_NEIGHBOUR_MEMBERSHIP:] for bound in neighbour_bounds(3))
    return _table_2026("fact", NEIGHBOUR_FACTS_2026, (low, high), len(NEIGHBOUR_FACTS))


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("channels", _channel_table),
        ("scalars", _scalar_table),
        ("neighbours", _neighbour_table),
        ("channels_2026", lambda: _table_2026("channel", CHANNELS_2026, None, N_CHANNELS)),
        (
            "scalars_2026",
            lambda: _table_2026("scalar", OWN_SCALARS_2026, scalar_bounds(3), N_SCALARS),
        ),
        ("neighbours_2026", _facts_2026),
        ("landings", lambda: _table_2026("fact", LANDING_FACTS, landing_bounds(), 0)),
    ],
)
def test_the_page_names_every_channel_scalar_and_fact(name: str, table: object) -> None:
    assert callable(table)
    between = re.compile(f"(<!-- {name} -->\n)(?:.*?\n)??(<!-- /{name} -->)", re.DOTALL)
    page = PAGE.read_text(encoding="utf-8")
    expected = between.sub(lambda found: f"{found[1]}{table()}\n{found[2]}", page)
    assert between.search(page)
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(expected, encoding="utf-8")
    else:
        assert page == expected, "run UPDATE_DOCS=1 pytest " + Path(__file__).name


def test_the_page_gives_the_sizes() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert f"uint8 ({N_CHANNELS}, G, G)" in page and f"float32 ({N_SCALARS},)" in page
    assert f"float32 (8, {N_NEIGHBOUR})" in page
    shapes = SMALL_VIEWS.of_edition("2026").shapes()
    assert all(f"float32 {shapes[key]}" in page for key in ("scalars", "neighbours", "landings"))
    for views in (SMALL_VIEWS, CLASSIC_VIEWS):
        assert f"{views.global_size}, {views.local_size}, {views.tactical_size} in" in page


def test_the_picture_and_its_match_are_there_and_small() -> None:
    images = PAGE.parent / "images"
    assert (images / "observation.replay").stat().st_size < 3_000
    assert 10_000 < (images / "observation.png").stat().st_size < 300_000


def test_the_match_of_the_picture_still_plays_out_as_recorded() -> None:
    """If this fails, the rules have changed: raise RULES_VERSION and record the match anew."""
    replay = read_replay(PAGE.parent / "images" / "observation.replay")
    assert verify(replay, load_map) == replay.final_state_sha256
