"""What `league look` says of an observation of edition 2026."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from arena.territory.engine.actions import BOAT
from arena.territory.maps import load_map
from arena.territory.observation.keys import VIEW_NAMES
from arena.territory.observation.views import N_CHANNELS, SMALL_VIEWS, channel_names, scalar_names
from league.inspect.look import Sight, measure, regions, see, version_of
from league.inspect.mark_panel import explain_marks, find_marks, show_marks
from league.inspect.picture import Caption, draw_views
from league.report.figures import new_figure
from tests.arena.viewer.of_2026 import film_2026, replay_2026

VIEWS = SMALL_VIEWS.of_edition("2026")


def sight() -> Sight:
    """A seat with gold, an ally in the south and a landing in the east."""
    seen = {
        key: np.zeros(shape, np.uint8 if len(shape) == 3 else np.float32)
        for key, shape in VIEWS.shapes().items()
    }
    seen["scalars"][scalar_names(3).index("gold")] = 0.5
    seen["global"][N_CHANNELS] = 51  # a fifth of a city in each cell
    seen["neighbours"][4, [4, 8]] = 1.0
    seen["landings"][2, 0] = 1.0
    return Sight(
        observation=seen,
        action_mask=np.ones(71, np.bool_),
        action=BOAT + 2,
        agent="scripted:builder",
        seat=1,
        decision=3,
        n_decisions=9,
        tick=75,
        max_ticks=300,
        cells=dict.fromkeys(VIEW_NAMES, 1),
        corners=dict.fromkeys(VIEW_NAMES, (0, 0)),
    )


def test_every_number_of_version_3_has_its_name() -> None:
    numbers = measure(sight(), None)
    assert numbers["action_name"] == "BOAT E"
    assert list(numbers["scalars"]) == scalar_names(3) and numbers["scalars"]["gold"] == 0.5
    assert list(numbers["channel_means"]["global"]) == list(channel_names(3))
    assert numbers["channel_means"]["global"]["city"] == 0.2
    assert [n["directions"] for n in numbers["neighbours"]] == [["S"]]
    assert numbers["neighbours"][0]["is_ally"] == 0.0
    assert [(each["direction"], each["is_legal"]) for each in numbers["landings"]] == [("E", 1.0)]
    assert set(regions(sight().observation["global"])) >= {"own", "water"}


def test_the_version_is_told_by_what_is_there() -> None:
    seen = sight().observation
    assert version_of(seen) == 3
    assert version_of({k: v for k, v in seen.items() if k != "landings"}) == 2
    assert version_of({"scalars": seen["scalars"]}) == 1


def test_cities_boats_and_posts_of_the_picture_are_those_of_the_board() -> None:
    film = film_2026()
    # a decision with a boat at sea and cities, looked at by the living seat with most land
    decision = next(i for i, m in enumerate(film.marks) if len(m.boats) and m.levels.any())
    marks, width = film.marks[decision], film.map.width
    seat = int(np.argmax(film.tiles[decision, :5]))
    found = find_marks(see(replay_2026(), seat, decision, load_map).observation["global"])

    def cell(tile: int) -> tuple[int, int]:
        return tile % width // 3, tile // width // 3  # 96 tiles in 32 cells

    cities = {
        (*cell(tile), level): bool(done)
        for tile, kind, _, level, done in marks.structures.tolist()
        if kind == 1
    }
    assert sorted(found["city, with its level"]) == sorted(c for c, done in cities.items() if done)
    assert sorted(found["city being built"]) == sorted(c for c, done in cities.items() if not done)
    boats: dict[str, list[tuple[int, int, int]]] = {}
    for _, owner, target, x, y, *_ in marks.boats.tolist():
        mine = "my boat" if owner == seat else "boat of others"
        kind = "boat that shall land on me" if target == seat else mine
        boats.setdefault(kind, []).append((x // 3, y // 3, 1))
    assert {kind: cells for kind, cells in found.items() if "boat" in kind and cells} == boats


def test_levels_are_read_from_the_channel_and_older_views_have_no_marks() -> None:
    image = np.zeros((15, 16, 16), np.uint8)
    for level in range(1, 9):  # as observe_2026.py writes them
        image[12, 0, level] = 255 * level // (level + 1)
        image[12, 1, level] = 255 * level // (level + 1) // 2
    image[14, 2, :2] = 255, 127
    found = find_marks(image)
    assert found["city, with its level"] == [(level, 0, level) for level in range(1, 9)]
    assert found["city being built"] == [(level, 1, level) for level in range(1, 9)]
    assert (found["defence post"], found["post being built"]) == ([(0, 2, 1)], [(1, 2, 1)])
    assert not any(find_marks(image[:12]).values())


def test_the_picture_draws_and_explains_them(tmp_path: Path) -> None:
    seen = sight()
    seen.observation["global"][N_CHANNELS] = 0
    seen.observation["global"][N_CHANNELS, 5, 7] = 191  # a city of level 3
    figure = new_figure(4.0, 4.0)
    axes = figure.add_subplot()
    show_marks(axes, seen.observation["global"])
    (points,) = axes.collections
    assert points.get_offsets().tolist() == [[7.0, 5.0]]
    assert [text.get_text() for text in axes.texts] == ["3"]
    explain_marks(figure, {"global": seen.observation["global"]}, 0.9)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["city, with its level"]
    assert draw_views(seen, Caption("7", "builder"), tmp_path / "seen.png").stat().st_size > 10_000
