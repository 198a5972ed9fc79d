"""The page of `league report --html` in a browser: quiet, sortable, light and dark, also narrow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from league.page.write import write_page
from tests.browser.conftest import PHONE
from tests.league.page.known import EVIL, add_recorded_match, make_known_league

RANKS = "[...document.querySelectorAll('#standings tbody tr')].map(r => r.cells[0].textContent)"
PAPER = "getComputedStyle(document.body).backgroundColor"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_known_league(tmp_path_factory.mktemp("browser") / "my-league", evil=EVIL)
    add_recorded_match(folder)
    return write_page(folder, folder.root.parent / "report.html")


def test_the_page_makes_one_request_and_has_no_problem(open_page: Any, report: Path) -> None:
    for dark in (False, True):
        opened = open_page(report, dark=dark)
        opened.page.wait_for_load_state("networkidle")
        assert opened.requests == [report.as_uri()]
        assert opened.problems == []
        assert opened.page.title().startswith("League my-league")
        opened.picture(f"report-{'dark' if dark else 'light'}")


def test_a_click_and_a_key_sort_the_standings_and_back(open_page: Any, report: Path) -> None:
    page = open_page(report).page
    before = page.evaluate(RANKS)
    assert before == ["1", "2", "3", "4", "-"]
    head = page.locator("#standings th", has_text="rank").first
    head.click()
    assert head.get_attribute("aria-sort") == "ascending"
    head.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert page.evaluate(RANKS) == ["4", "3", "2", "1", "-"]  # who has none stays last
    name = page.locator("#standings th", has_text="name").first
    name.click()
    assert head.get_attribute("aria-sort") is None
    names = page.locator("#standings tbody th").all_text_contents()
    assert names == sorted(names, key=str.lower)


def test_numbers_stand_at_the_right_and_names_at_the_left(open_page: Any, report: Path) -> None:
    page = open_page(report).page
    aligned = "e => getComputedStyle(e).textAlign"
    assert page.locator("#standings tbody td.n").first.evaluate(aligned) == "right"
    assert page.locator("#standings tbody th").first.evaluate(aligned) == "left"


def test_the_button_turns_light_into_dark_and_back(open_page: Any, report: Path) -> None:
    page = open_page(report).page
    light = page.evaluate(PAPER)
    page.click("#theme")
    assert page.evaluate(PAPER) == "rgb(17, 21, 28)" != light
    page.click("#theme")
    assert page.evaluate(PAPER) == light
    assert open_page(report, dark=True).page.evaluate(PAPER) == "rgb(17, 21, 28)"


def test_print_is_black_on_white_whatever_the_screen_is(open_page: Any, report: Path) -> None:
    for click in (False, True):
        page = open_page(report, dark=not click).page
        if click:
            page.click("#theme")
        assert page.evaluate(PAPER) == "rgb(17, 21, 28)"
        page.emulate_media(media="print")
        assert page.evaluate(PAPER) == "rgb(255, 255, 255)"
        assert not page.locator("#theme").is_visible() and not page.locator("nav").is_visible()


def test_the_axis_is_switched_with_and_without_scripts(open_page: Any, report: Path) -> None:
    for scripts in (True, False):
        page = open_page(report, scripts=scripts).page
        by_decisions, by_minutes = (
            page.locator(f"#progress .switch > .{axis}") for axis in ("decisions", "minutes")
        )
        assert by_decisions.is_visible() and not by_minutes.is_visible()
        page.click("label[for=progress-m]")
        assert by_minutes.is_visible() and not by_decisions.is_visible()


def test_a_match_can_be_watched_in_the_page(open_page: Any, report: Path) -> None:
    opened = open_page(report)
    film = opened.page.locator(".film .tv").first
    film.scroll_into_view_if_needed()
    film.get_by_text("frames fit their hashes").wait_for()
    # Its keys are its own: with the page in focus, space scrolls and plays nothing.
    film.focus()
    opened.page.keyboard.press("End")
    film.get_by_text("tick 200 / 200").wait_for()
    opened.picture("report-match")
    assert opened.problems == [] and opened.requests == [report.as_uri()]


def test_without_scripts_everything_is_there(open_page: Any, report: Path) -> None:
    page = open_page(report, scripts=False).page
    assert page.locator("section").count() == 10
    assert page.locator("#standings tbody tr").count() == 5
    assert not page.locator("#theme").is_visible()


@pytest.mark.parametrize("width", [1280, PHONE[0]])
def test_nothing_is_wider_than_the_window(open_page: Any, report: Path, width: int) -> None:
    opened = open_page(report, width=width, height=844 if width == PHONE[0] else 800)
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    opened.picture(f"report-{width}", full=True)
