"""Cities, boats, gold and alliances of edition 2026 in a real browser: read, drawn, explained."""

from __future__ import annotations

import itertools
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arena.territory.engine.rules import TRAITOR_TICKS
from arena.viewer.packing import from_varints, pack, signed, unpack, varints
from arena.viewer.page import viewer_html
from arena.viewer.payload import Says, film_payload
from tests.arena.viewer.of_2026 import film_2026, film_with_railway, with_marks
from tests.browser.test_viewer import VIEWER, bright_share, ready, state


@lru_cache(1)
def payload() -> dict[str, Any]:
    names = ["busy"] * 5 + ["the neighbour"]
    return film_payload(film_2026(), Says("A match", names, [27.0] * 6))


def test_trade_ships_are_read_frame_by_frame_and_equal_ones_counted(
    open_page: Any, tmp_path: Path
) -> None:
    # Ships put on by hand: two equal ones, one whose port is lost on the way, one seen twice.
    film = with_marks(
        {
            3: {"ships": [[1, 20, 900, 40, 130], [1, 20, 900, 40, 130], [2, 5, 70, 9, 99]]},
            4: {"ships": [[1, 20, 900, 40, 130], [2, -1, 70, 9, 99]]},
            6: {"ships": [[2, 5, 70, 9, 99]]},
        }
    )
    path = tmp_path / "m.html"
    path.write_text(viewer_html(film_payload(film)), encoding="utf-8")
    opened = open_page(path)
    shown = ready(opened)
    for frame in (2, 3, 4, 5, 6):
        found = shown.evaluate(f"{VIEWER}.film.marks.numbers({frame})")
        assert found == film.marks[frame].numbers().tolist()
    assert any("trade ship" in text for text in shown.locator(".tv-legend li").all_inner_texts())
    shown.evaluate(f"{VIEWER}._seek({film.ticks[3]}); {VIEWER}._setFollow(1)")
    assert "2 trade ships" in shown.inner_text(".tv-card")
    assert not opened.problems


@pytest.fixture
def railway(open_page: Any, tmp_path: Path) -> Any:
    path = tmp_path / "m.html"
    path.write_text(viewer_html(film_payload(film_with_railway())), encoding="utf-8")
    opened = open_page(path)
    ready(opened)
    return opened


def test_a_railway_and_its_trains_are_read_as_they_change(railway: Any) -> None:
    film, shown = film_with_railway(), railway.page
    assert shown.inner_text(".tv-badge") == f"✓ {len(film)} frames fit their hashes"
    for frame in range(2, 8):
        found = shown.evaluate(f"{VIEWER}.film.marks.numbers({frame})")
        assert found == film.marks[frame].numbers().tolist()
    told = shown.locator(".tv-legend li").all_inner_texts()
    assert "train" in told and any(text.startswith("railway, ") for text in told)
    shown.evaluate(f"{VIEWER}._seek({film.ticks[3]}); {VIEWER}._setFollow(1)")
    assert "2 trains" in shown.inner_text(".tv-card")
    assert not railway.problems


def test_trains_run_from_station_to_station_and_on_between_two_frames(railway: Any) -> None:
    """At tick 90, of the frames at 75 and 100, with stations at (10, 0), (40, 0) and (40, 60)."""
    found = railway.page.evaluate(f"{VIEWER}.film.marks._movers(3, 0.6)")
    trains = {each["seat"]: (each["x"], each["y"]) for each in found if each["name"] == "train"}
    # Two of seat 1 came to (40, 0) at tick 80, and one went on to (90, 0), 26 ticks away. That of
    # seat 2 is at its end since tick 83.
    assert trains == {
        0: (40, pytest.approx(60 * 25 / 31)),
        1: (pytest.approx(40 + 50 * 10 / 26), 0),
    }
    found = railway.page.evaluate(f"{VIEWER}.film.marks._movers(3, 0)")
    ticks = [each["x"] for each in found if each["seat"] == 1 and each["name"] == "train"]
    assert ticks == [pytest.approx(10 + 30 * 11 / 16)] * 2  # of 16 ticks five are left
    assert [each["turn"] for each in found if each["seat"] == 2] == [pytest.approx(np.pi)]


def test_rails_and_trains_stand_on_the_map_and_are_named(railway: Any) -> None:
    film, shown = film_with_railway(), railway.page
    shown.evaluate(f"{VIEWER}.shown.names = {VIEWER}.shown.arrows = false")
    shown.evaluate(f"{VIEWER}._seek({film.ticks[3]})")
    # the train of seat 0 has run 10 of its 31 ticks from (40, 0) to (40, 60)
    x, y = shown.evaluate(
        f"""(() => {{ const v = {VIEWER}, view = v.board.view();
        return [(view.x + 40.5 * view.scale) / view.w,
                (view.y + (0.5 + 60 * 10 / 31) * view.scale) / view.h]; }})()"""
    )
    box = shown.locator(".tv-board").bounding_box()
    shown.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    assert shown.inner_text(".tv-tip").endswith(f"train of {film_names()[0]}")
    with_train = bright_share(shown, x, y)
    shown.keyboard.press("c")
    assert with_train > bright_share(shown, x, y) + 20


def film_names() -> list[str]:
    return [seat["name"] for seat in film_payload(film_with_railway())["seats"]]


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "m.html"
    path.write_text(viewer_html(payload()), encoding="utf-8")
    return path


def frame_with(is_so: Any) -> int:
    return next(i for i, marks in enumerate(film_2026().marks) if is_so(i, marks))


def test_the_script_reads_the_marks_that_python_wrote(open_page: Any, page: Path) -> None:
    opened = open_page(page)
    shown = ready(opened)
    assert shown.inner_text(".tv-badge") == f"✓ {len(film_2026())} frames fit their hashes"
    for frame, marks in enumerate(film_2026().marks):
        found = shown.evaluate(f"{VIEWER}.film.marks.numbers({frame})")
        assert found == marks.numbers().tolist()
    # one that sails on is the same boat, whatever its number is here
    frame = frame_with(lambda i, m: set(m.boats[:, 0]) & set(film_2026().marks[i + 1].boats[:, 0]))
    ids = f"[{frame}, {frame + 1}].map(f => {VIEWER}.film.marks.boats[f].map(boat => boat.id))"
    before, after = shown.evaluate(ids)
    boats = [film_2026().marks[each].boats[:, 0].tolist() for each in (frame, frame + 1)]
    assert len(set(before) & set(after)) == len(set(boats[0]) & set(boats[1]))
    assert opened.requests == [page.as_uri()] and not opened.problems


def more_gold(sections: dict[str, bytes]) -> None:
    """Seat 0 has a piece more in frame 40, and one less again in the next."""
    gold = np.stack([marks.gold for marks in film_2026().marks])
    gold[40, 0] += 1
    sections["gold"] = signed(np.diff(gold, axis=0, prepend=0 * gold[:1]))


def another_city(sections: dict[str, bytes]) -> None:
    """The first change of a structure is of another seat."""
    numbers = from_varints(sections["structures"])
    at = int(np.flatnonzero(numbers)[0])  # the first frame with a change: how many, gap, kind, seat
    numbers[at + 3] = (numbers[at + 3] + 1) % 6
    sections["structures"] = varints(numbers)


@pytest.mark.parametrize("change", [more_gold, another_city])
def test_a_mark_that_was_tampered_with_is_noticed(
    open_page: Any, tmp_path: Path, change: Any
) -> None:
    sections = unpack(payload())
    change(sections)
    path = tmp_path / "m.html"
    path.write_text(viewer_html({**payload(), **pack(sections)}), encoding="utf-8")
    shown = ready(open_page(path))
    assert "not fit their hash" in shown.inner_text(".tv-badge")


def test_the_table_and_the_card_have_gold_cities_and_allies(open_page: Any, page: Path) -> None:
    film = film_2026()
    shown = ready(open_page(page))
    frame = frame_with(lambda i, m: m.traitors(int(film.ticks[i])) and m.levels.any())
    marks, tick = film.marks[frame], int(film.ticks[frame])
    shown.evaluate(f"{VIEWER}._seek({tick})")
    order = sorted(range(film.n_seats), key=lambda seat: -int(film.tiles[frame, seat]))
    for place, seat in enumerate(order):
        if film.tiles[frame, seat] == 0:
            continue
        row = shown.locator(".tv-row").nth(place)
        assert row.locator(".tv-c-gold").inner_text() == shown.evaluate(
            f"TerritoryViewer.short({marks.gold[seat]})"
        )
        assert row.locator(".tv-c-cities").inner_text() == (str(marks.levels[seat] or "\u2013"))
        assert row.locator(".tv-c-allies i").count() == min(len(marks.allies_of(seat)), 4)
        is_traitor = seat in marks.traitors(tick)
        assert row.locator(".tv-c-allies svg").count() == int(is_traitor)
    # who plays a seat is said where its name does not
    assert shown.locator(".tv-terms").all_inner_texts() == ["nation"]
    assert "tribe 1" in shown.locator(".tv-name").all_inner_texts()
    seat = marks.traitors(tick)[0]
    shown.evaluate(f"{VIEWER}._setFollow({seat})")
    card = shown.inner_text(".tv-card")
    assert f"traitor until tick {marks.traitor_until[seat]}" in card
    assert f"city levels {marks.levels[seat]}" in card
    shown.click("[data-kind=gold]")
    assert state(shown, "kind") == "gold"


def test_who_betrayed_whom_is_listed_among_those_who_fell(open_page: Any, page: Path) -> None:
    film = film_2026()
    betrayals: list[tuple[int, int, list[int]]] = []
    for frame, (before, after) in enumerate(itertools.pairwise(film.marks), start=1):
        for seat in np.flatnonzero(after.traitor_until > before.traitor_until).tolist():
            lost = set(before.allies_of(seat)) - set(after.allies_of(seat))
            living = sorted(ally for ally in lost if film.tiles[frame, ally] > 0)
            betrayals.append((int(after.traitor_until[seat]) - TRAITOR_TICKS, seat, living))
    betrayals.sort(key=lambda each: each[0])
    assert any(living for _, _, living in betrayals)
    shown = ready(open_page(page))
    items = [text.split("\n") for text in shown.locator(".tv-fates li").all_inner_texts()]
    found = [item for item in items if "betrays" in item]
    names = shown.evaluate(f"{VIEWER}.film.seats.map(seat => seat.name)")
    assert found == [
        [str(tick), names[seat], "betrays", names[living[0]]]
        for tick, seat, living in betrayals
        if living
    ]
    ticks = [int(item[0]) for item in items]
    assert ticks == sorted(ticks)


def test_a_city_stands_on_its_tile_and_c_takes_it_away(open_page: Any, page: Path) -> None:
    film = film_2026()
    shown = ready(open_page(page))
    frame = frame_with(lambda i, m: ((m.structures[:, 1] == 1) & (m.structures[:, 4] == 1)).any())
    structures = film.marks[frame].structures.tolist()
    tile, seat, level = next((t, s, n) for t, kind, s, n, done in structures if kind == 1 and done)
    y, x = divmod(tile, film.map.width)
    shown.evaluate(f"{VIEWER}.shown.names = {VIEWER}.shown.arrows = false")
    shown.evaluate(f"{VIEWER}._seek({film.ticks[frame]})")
    spot = shown.evaluate(
        f"""(() => {{ const v = {VIEWER}, view = v.board.view();
        return [(view.x + {x + 0.5} * view.scale) / view.w,
                (view.y + {y + 0.5} * view.scale) / view.h]; }})()"""
    )
    with_city = bright_share(shown, *spot)
    shown.keyboard.press("c")
    assert state(shown, "shown.marks") is False
    # the seat's colour, half way to white, against the land's
    assert with_city > bright_share(shown, *spot) + 20
    shown.keyboard.press("c")
    box = shown.locator(".tv-board").bounding_box()
    shown.mouse.move(box["x"] + spot[0] * box["width"], box["y"] + spot[1] * box["height"])
    name = shown.evaluate(f"{VIEWER}.film.seats[{seat}].name")
    assert shown.inner_text(".tv-tip").endswith(f"city of {name}, level {level}")


def test_the_legend_explains_what_there_is_to_see(open_page: Any, page: Path) -> None:
    shown = ready(open_page(page))
    told = shown.locator(".tv-legend li").all_inner_texts()
    assert "city, with its level" in told and "being built" in told
    assert any(text.startswith("boat, ") for text in told)
    assert any(text.startswith("ally ") for text in told)
    assert any(text.startswith("traitor, ") for text in told)
    assert not any("SAM" in text or "silo" in text for text in told)  # nobody builds them
    shown.keyboard.press("?")
    assert "cities, boats and railways" in shown.inner_text(".tv-help")


@pytest.mark.parametrize(
    "size, dark",
    [((1280, 800), False), ((1280, 800), True), ((900, 700), False), ((390, 844), True)],
)
def test_nothing_is_wider_than_the_screen(
    open_page: Any, page: Path, size: tuple[int, int], dark: bool
) -> None:
    opened = open_page(page, width=size[0], height=size[1], dark=dark)
    shown = ready(opened)
    frame = frame_with(lambda i, m: m.levels.any() and len(m.allies))
    shown.evaluate(f"{VIEWER}._seek({film_2026().ticks[frame]}); {VIEWER}._setFollow(2)")
    assert shown.evaluate("document.documentElement.scrollWidth") == size[0]
    for name in (".tv-map", ".tv-table", ".tv-legend", ".tv-card"):
        box = shown.locator(name).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= size[0], name
    # A name has room for some letters at least.
    width = shown.locator(".tv-row >> nth=0 >> .tv-c-seat").bounding_box()["width"]
    assert width >= 80
    if size[0] == 1280:
        assert shown.evaluate("document.documentElement.scrollHeight") <= size[1]
    opened.picture(f"viewer-2026-{size[0]}-{'dark' if dark else 'light'}", full=True)
    assert not opened.problems
