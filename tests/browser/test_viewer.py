"""The viewer in a real browser: one request, no problem, keys that do what they say, and frames
that were tampered with are noticed."""

from __future__ import annotations

import base64
import time
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arena.replay import read_replay
from arena.territory.maps import load_map
from arena.viewer.film import Film, record_film
from arena.viewer.packing import pack, unpack, varints
from arena.viewer.page import POLICY, viewer_embed, viewer_html, viewer_script, viewer_style
from arena.viewer.payload import Insight, Says, film_payload

# An old replay on 128 x 128: 108 frames, 10 ticks a decision, 1,070 ticks.
RECORDED = Path("docs/images/observation.replay")
VIEWER = "document.querySelector('.tv').viewer"
NASTY = '<b>seat</b> & "Ω" </script>'


@lru_cache(1)
def film() -> Film:
    return record_film(read_replay(RECORDED), load_map)


def thoughts() -> Mapping[int, Insight]:
    """Seat 4 thinks: value 0.5, 60 % on action 7, 40 % on the WAITs; attends to one corner."""
    n = len(film()) - 1
    chances = np.zeros((n, 45), np.float32)
    chances[:, 7], chances[:, 40:] = 0.6, 0.08
    corner = np.full((n, 4, 4), 0.4, np.float32)
    corner[:, 0, 3] = 10.0
    return {
        4: Insight(
            "attention",
            np.full(n, 0.5, np.float32),
            chances,
            np.tile(np.float32([0.5, 0.3, 0.2]), (n, 1)),
            {"global": [corner], "local": [corner, corner]},
        )
    }


@lru_cache(1)
def payload() -> dict[str, Any]:
    names = [NASTY, *[f"member-{seat}" for seat in range(1, 10)]]
    says = Says("A match", names, [27.0, None] * 5, silent={0: "A script."})
    return film_payload(film(), says, thoughts())


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "m.html"
    path.write_text(viewer_html(payload()), encoding="utf-8")
    return path


def ready(opened: Any) -> Any:
    """Wait until all frames are checked; return playwright's page."""
    opened.page.wait_for_selector(".tv-right, .tv-wrong", timeout=60_000)
    return opened.page


def state(page: Any, expression: str) -> Any:
    return page.evaluate(f"{VIEWER}.{expression}")


def until(is_so: Callable[[], bool]) -> None:
    """Wait in Python: playwright's own waiting for expressions evals, which pages forbid."""
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_page_makes_one_request_and_all_its_frames_fit(open_page: Any, page: Path) -> None:
    opened = open_page(page)
    shown = ready(opened)
    assert shown.inner_text(".tv-badge") == "✓ 108 frames fit their hashes"
    shown.keyboard.press(" ")
    shown.wait_for_timeout(300)
    assert opened.requests == [page.as_uri()]
    assert not opened.problems


def test_the_script_reads_what_python_wrote(open_page: Any, page: Path) -> None:
    shown = ready(open_page(page))
    for index in (0, 40, 107, 39):
        owner = list(film().frames())[index]
        found = shown.evaluate(f"Array.from({VIEWER}.film.owner({index}))")
        assert found == owner.ravel().tolist()
    troops = shown.evaluate(f"Array.from({VIEWER}.film.troops)")
    assert troops == film().troops.ravel().tolist()
    boxes = shown.evaluate(f"Array.from({VIEWER}.film.boxes)")
    assert boxes == film().boxes.ravel().tolist()
    terrain = shown.evaluate(f"Array.from({VIEWER}.film.terrain)")
    assert terrain == film().map.terrain.ravel().tolist()
    each = "frame => frame.map(attack => [attack.from, attack.onto, attack.troops])"
    attacks = shown.evaluate(f"{VIEWER}.film.attacks.map({each})")
    assert attacks == [frame.tolist() for frame in film().attacks]


def test_sha256_is_sha256(open_page: Any, page: Path) -> None:
    import hashlib

    shown = ready(open_page(page))
    for length in (0, 1, 55, 56, 63, 64, 65, 1000):
        content = bytes(range(256)) * 4
        found = shown.evaluate(
            f"TerritoryViewer.sha256([new Uint8Array({list(content[:length])})])"
        )
        assert found == hashlib.sha256(content[:length]).hexdigest()


def test_keys_do_what_they_say(open_page: Any, page: Path) -> None:
    shown = ready(open_page(page))
    press = shown.keyboard.press
    # 107 s of game time at 4 times take 27 s, at twice 54 s
    assert state(shown, "speed") == 4
    press("ArrowRight")
    press("ArrowRight")
    assert (state(shown, "tick"), state(shown, "playing")) == (20, False)
    press("ArrowLeft")
    assert state(shown, "tick") == 10
    press("End")
    assert state(shown, "tick") == 1070
    press("Home")
    assert state(shown, "tick") == 0
    press("s")
    assert state(shown, "speed") == 8
    press("S")
    assert state(shown, "speed") == 4
    press(" ")
    assert state(shown, "playing")
    until(lambda: state(shown, "tick") > 5)
    press(" ")
    assert not state(shown, "playing")
    press("f")
    first = state(shown, "follow")
    assert first is not None
    press("f")
    press("F")
    assert state(shown, "follow") == first
    press("Escape")
    assert state(shown, "follow") is None
    press("n")
    press("x")
    assert state(shown, "shown.names") is False and state(shown, "shown.arrows") is False
    press("+")
    assert state(shown, "board.zoom") == 1.5
    press("0")
    assert state(shown, "board.zoom") == 1
    press("?")
    assert shown.is_visible(".tv-help")
    press("Escape")
    assert not shown.is_visible(".tv-help")
    press("t")
    assert shown.evaluate("document.documentElement.dataset.theme") == "dark"


def test_buttons_table_timeline_and_map_do_what_they_say(open_page: Any, page: Path) -> None:
    shown = ready(open_page(page))
    shown.click("[title='to the end (end)']")
    assert state(shown, "tick") == 1070
    shown.click("[title='one decision back (←)']")
    assert state(shown, "tick") == 1060
    box = shown.locator(".tv-stream").bounding_box()
    shown.mouse.click(box["x"] + box["width"] / 2, box["y"] + 10)
    assert state(shown, "tick") == pytest.approx(535, abs=3)
    shown.click(".tv-row >> nth=1")
    followed = state(shown, "follow")
    name = shown.inner_text(".tv-row >> nth=1 >> .tv-name")
    assert shown.inner_text(".tv-card-head b") == name
    shown.click(".tv-row >> nth=1")
    assert state(shown, "follow") is None
    # on the map: the middle of that seat's land
    spot = shown.evaluate(
        f"""(() => {{ const v = {VIEWER}, at = v.board._placeNames(v.frame)[{followed}],
        view = v.board.view(), box = v.canvas.getBoundingClientRect();
        return [box.x + view.x + at.x * view.scale, box.y + view.y + at.y * view.scale]; }})()"""
    )
    shown.mouse.click(*spot)
    assert state(shown, "follow") == followed
    shown.click(".tv-death >> nth=0")
    first_out = min(tick for tick in film().eliminated_tick if tick is not None)
    assert state(shown, "tick") == first_out
    shown.click("[data-kind=troops]")
    assert state(shown, "kind") == "troops"


def test_the_table_holds_the_numbers_of_the_frame(open_page: Any, page: Path) -> None:
    shown = ready(open_page(page))
    shown.evaluate(f"{VIEWER}._seek(400)")
    rows = shown.locator(".tv-row")
    assert rows.count() == 10
    order = sorted(range(10), key=lambda seat: -int(film().tiles[40, seat]))
    assert int(rows.nth(0).locator(".tv-number").inner_text()) == order[0]
    for place, seat in enumerate(order[:7]):
        count = rows.nth(place).locator(".tv-c-tiles").inner_text()
        assert count == f"{film().tiles[40, seat]:,}"
        place_at_end = rows.nth(place).locator(".tv-c-place").inner_text()
        assert int(place_at_end) == film().replay.placements[seat]
    out = rows.nth(9).locator(".tv-c-order").inner_text()
    assert out.strip() == f"out {film().eliminated_tick[order[9]]}"


def test_names_are_shown_as_they_are(open_page: Any, page: Path) -> None:
    opened = open_page(page)
    shown = ready(opened)
    names = shown.locator(".tv-name").all_inner_texts()
    assert NASTY in names
    assert shown.locator(".tv b:text-is('seat')").count() == 0


def test_what_a_network_thought_is_shown_for_the_seat_that_is_followed(
    open_page: Any, page: Path
) -> None:
    shown = ready(open_page(page))
    shown.evaluate(f"{VIEWER}._setFollow(4)")
    card = shown.inner_text(".tv-card")
    assert "0.50" in card
    # action 7 is NE, the third of five shares of troops: 45 %
    assert shown.inner_text(".tv-fact >> nth=1").split("\n") == ["NE 45 %", "60 %"]
    assert shown.inner_text(".tv-fact >> nth=2").split("\n")[-1] == "40 %"
    assert "global 50 %" in card
    shown.keyboard.press("a")
    assert state(shown, "shown.attention") == {"view": "global", "layer": 0}
    shown.keyboard.press("a")
    assert state(shown, "shown.attention") == {"view": "local", "layer": 1}
    shown.keyboard.press("a")
    assert state(shown, "shown.attention") is None
    shown.evaluate(f"{VIEWER}._setFollow(0)")
    assert "A script." in shown.inner_text(".tv-card")


def bright_share(shown: Any, x: float, y: float) -> float:
    """Mean brightness of 9 pixels of the map, at shares of its width and height."""
    pixels = shown.evaluate(
        f"""(() => {{ const c = {VIEWER}.canvas, g = c.getContext('2d');
        return Array.from(g.getImageData({x} * c.width, {y} * c.height, 3, 3).data); }})()"""
    )
    return float(np.mean(np.reshape(pixels, (-1, 4))[:, :3]))


def test_attention_glows_where_the_network_attends(open_page: Any, page: Path) -> None:
    shown = ready(open_page(page))
    shown.evaluate(f"{VIEWER}._setFollow(4)")
    before = [bright_share(shown, *spot) for spot in ((0.88, 0.12), (0.2, 0.8))]
    shown.keyboard.press("a")
    after = [bright_share(shown, *spot) for spot in ((0.88, 0.12), (0.2, 0.8))]
    # The corner in the north-east glows, the south-west is dimmed.
    assert after[0] > before[0] + 20
    assert after[1] < before[1]


def tampered(change: Any) -> dict[str, Any]:
    sections = unpack(payload())
    change(sections)
    return {**payload(), **pack(sections)}


def one_tile(sections: dict[str, bytes]) -> None:
    """One run of frame 50 goes to the next seat."""
    runs = [len(change.starts) for change in film().changes]
    at = sum(runs[:50]) + 3
    owners = bytearray(sections["owners"])
    owners[at] = owners[at] % 10 + 1
    sections["owners"] = bytes(owners)


def more_troops(sections: dict[str, bytes]) -> None:
    """Seat 3 has one more from the start."""
    first = varints(np.array([2 * int(film().troops[0, 3]), 2 * int(film().troops[0, 3]) + 2]))
    size = len(first) // 2
    at = 3 * size
    assert sections["troops"][at : at + size] == first[:size]
    sections["troops"] = sections["troops"][:at] + first[size:] + sections["troops"][at + size :]


@pytest.mark.parametrize("change, first_tick", [(one_tile, 500), (more_troops, 0)])
def test_a_frame_that_was_tampered_with_is_noticed(
    open_page: Any, tmp_path: Path, change: Any, first_tick: int
) -> None:
    path = tmp_path / "m.html"
    path.write_text(viewer_html(tampered(change)), encoding="utf-8")
    opened = open_page(path)
    shown = ready(opened)
    badge = shown.inner_text(".tv-badge")
    assert badge.endswith(f"frames do not fit their hash, the first at tick {first_tick}")
    shown.evaluate(f"{VIEWER}._seek({first_tick})")
    assert shown.is_visible(".tv-alarm")
    assert f"tick {first_tick}" in shown.inner_text(".tv-alarm")
    if first_tick:
        shown.evaluate(f"{VIEWER}._seek({first_tick - 10})")
        assert not shown.is_visible(".tv-alarm")
    assert not opened.problems


def test_a_film_that_is_not_one_is_told_and_nothing_else_breaks(
    open_page: Any, tmp_path: Path
) -> None:
    broken = {**payload(), "bytes": base64.b64encode(zlib.compress(b"x")[:-2]).decode()}
    path = tmp_path / "m.html"
    path.write_text(viewer_html(broken), encoding="utf-8")
    opened = open_page(path)
    opened.page.wait_for_selector(".tv-broken")
    assert opened.page.inner_text(".tv").startswith("This film cannot be shown: ")
    assert not opened.problems


def test_several_films_play_in_one_page_each_with_its_own_keys(
    open_page: Any, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    films = [viewer_embed(payload(), f"film-{i}") for i in (1, 2)]
    path.write_text(
        "<!doctype html><meta charset='utf-8'><title>two</title>"
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"{viewer_style()}{'<hr>'.join(films)}{viewer_script()}",
        encoding="utf-8",
    )
    opened = open_page(path)
    opened.page.wait_for_selector(".tv-right")
    opened.page.locator(".tv >> nth=1").scroll_into_view_if_needed()
    until(lambda: opened.page.locator(".tv-right").count() == 2)
    opened.page.locator(".tv >> nth=1").focus()
    opened.page.keyboard.press("End")
    ticks = opened.page.evaluate("[...document.querySelectorAll('.tv')].map(v => v.viewer.tick)")
    assert ticks == [0, 1070]
    assert opened.requests == [path.as_uri()] and not opened.problems


def test_names_that_are_out_of_sight_are_not_drawn(open_page: Any, page: Path) -> None:
    shown = ready(open_page(page))
    shown.evaluate(
        f"""(() => {{ const v = {VIEWER}; v.drawn = [];
        v.board._write = (context, text, x, y) => v.drawn.push([text, x, y]); v._seek(400); }})()"""
    )
    names = [text for text, _, _ in state(shown, "drawn")]
    assert {f"member-{seat}" for seat in (2, 3, 4, 5, 6, 7, 8)} <= set(names)
    shown.evaluate(f"(() => {{ const v = {VIEWER}; v.drawn = []; v._zoom(4, 20, 20); }})()")
    drawn = state(shown, "drawn")
    # The north-west quarter of a quarter belongs to seat 6; the others' names lie elsewhere.
    assert len(drawn) < len(names)
    width, height = shown.evaluate(f"[{VIEWER}.canvas.clientWidth, {VIEWER}.canvas.clientHeight]")
    assert all(0 <= x <= width and -20 <= y <= height + 20 for _, x, y in drawn)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_nothing_is_wider_than_the_screen(
    open_page: Any, page: Path, size: tuple[int, int], dark: bool
) -> None:
    opened = open_page(page, width=size[0], height=size[1], dark=dark)
    shown = ready(opened)
    shown.evaluate(f"{VIEWER}._seek(400); {VIEWER}._setFollow(4)")
    assert shown.evaluate("document.documentElement.scrollWidth") == size[0]
    for name in (".tv-map", ".tv-table", ".tv-stream", ".tv-lines", ".tv-card"):
        box = shown.locator(name).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= size[0], name
    # A desk shows all without scrolling but a phone.
    if size[0] == 1280:
        assert shown.evaluate("document.documentElement.scrollHeight") <= size[1]
    opened.picture(f"viewer-{size[0]}-{'dark' if dark else 'light'}", full=True)
    assert not opened.problems


def test_a_page_without_scripts_says_so(open_page: Any, page: Path) -> None:
    opened = open_page(page, scripts=False)
    assert "plays where scripts are allowed" in opened.page.inner_text("body")
