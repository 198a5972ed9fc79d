"""The browser that the other tests of this folder use sees requests and errors, so that none is
taken for good because nobody looked."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def test_a_clean_page_makes_one_request_and_has_no_problem(open_page: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><title>clean</title><img src='data:image/png;base64,'>")
    opened = open_page(page)
    assert opened.requests == [page.as_uri()]
    assert not opened.problems
    assert opened.picture("clean").stat().st_size > 0


def test_requests_errors_and_warnings_of_a_page_are_noticed(open_page: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        "<!doctype html><title>x</title><img src='other.png'>"
        "<script>console.warn('careful'); missing()</script>"
    )
    opened = open_page(page)
    opened.page.wait_for_load_state("networkidle")
    assert (tmp_path / "other.png").as_uri() in opened.requests
    assert "careful" in opened.problems
    assert any("missing" in problem for problem in opened.problems)


def test_dark_pages_and_pages_without_scripts_are_so(open_page: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        "<!doctype html><title>x</title><style>p { color: rgb(1, 1, 1) }"
        "@media (prefers-color-scheme: dark) { p { color: rgb(2, 2, 2) } }</style><p>text</p>"
        "<script>document.title = 'ran'</script>"
    )
    colour = "getComputedStyle(document.querySelector('p')).color"
    light, dark = open_page(page), open_page(page, dark=True)
    assert light.page.evaluate(colour) == "rgb(1, 1, 1)"
    assert dark.page.evaluate(colour) == "rgb(2, 2, 2)"
    assert light.page.title() == "ran"
    assert open_page(page, scripts=False).page.title() == "x"
