"""Pages that the league writes, opened in a real browser: Chromium, driven by playwright.

Both are optional: without one of them the tests of this folder are skipped with the reason. Of the
browser builds that playwright would download none is used: the system's Chromium is.

    open_page(path)                          1280 x 800, light
    open_page(path, dark=True, width=390, height=844)
    open_page(path, scripts=False)           as in a mail program

BROWSER_PICTURES=DIR keeps the screenshots of `Opened.picture` there, to be looked at.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PHONE = (390, 844)
DESK = (1280, 800)


@dataclass
class Opened:
    """A page in the browser, and what it did since it was asked for.

    Attributes:
        page: playwright's page.
        requests: addresses that were asked for, but those inside the page itself (data, blob).
        problems: errors and warnings of its console, and exceptions of its scripts.
    """

    page: Any
    folder: Path
    requests: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def listen(self) -> None:
        """Note requests and problems from now on."""
        self.page.on("request", lambda request: self._asked(request.url))
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))

    def _asked(self, address: str) -> None:
        if not address.startswith(("data:", "blob:")):
            self.requests.append(address)

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(message.text)

    def picture(self, name: str, *, full: bool = False) -> Path:
        """Write a screenshot and return its path."""
        path = self.folder / f"{name}.png"
        self.page.screenshot(path=str(path), full_page=full)
        return path


OpenPage = Callable[..., Opened]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A running Chromium; skips where it or playwright is missing.

    Of a module, not of the session: while playwright runs, its event loop does too, and tests of
    other folders that run one of their own would fail.
    """
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    driver = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install -e '.[browser]'"
    )
    with driver.sync_playwright() as playwright:
        # Root has no sandbox, and containers a small /dev/shm.
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Any, tmp_path: Path) -> Iterator[OpenPage]:
    """Return a function that opens a file and gives an `Opened`; see the head of this file."""
    contexts: list[Any] = []
    kept = os.environ.get("BROWSER_PICTURES")
    folder = Path(kept) if kept else tmp_path

    def opened(
        path: Path,
        *,
        width: int = DESK[0],
        height: int = DESK[1],
        dark: bool = False,
        scripts: bool = True,
    ) -> Opened:
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
        )
        contexts.append(context)
        folder.mkdir(parents=True, exist_ok=True)
        result = Opened(context.new_page(), folder)
        result.listen()
        result.page.goto(path.resolve().as_uri())
        return result

    yield opened
    for context in contexts:
        context.close()
