"""Draw all pictures of the documents from one real league, so that they agree with each other.

    PYTHONPATH=. python docs/images/make.py LEAGUE [--only NAME]... [--into FOLDER]

LEAGUE is a league that has trained for at least half an hour and kept its replays. Each picture is
what the command beside it draws (PICTURES). Those of pages need Chromium and playwright
(`pip install -e '.[browser]'`), the others matplotlib (`pip install -e '.[plot]'`). A picture that
cannot be drawn here is named with the reason, and the exit code is 1.

curves.png, attention.png and observation.png are of other leagues, by the commands beside them in
docs/learning.md and docs/observation.md.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
DESK, PHONE = (1280, 800), (390, 844)


class CannotDrawError(Exception):
    """A picture that this machine or this league cannot give; the message says why."""


class Studio:
    """What the pictures are drawn from: a league."""

    def __init__(self, league: Path) -> None:
        self.league = league
        self.scratch = Path(tempfile.mkdtemp(prefix="pictures-"))

    def close(self) -> None:
        """Remove what was written on the way."""
        shutil.rmtree(self.scratch, ignore_errors=True)

    def run(self, *arguments: str) -> str:
        """Run `league` on the league and return what it printed."""
        command = [sys.executable, "-m", "league", *arguments, "--league", str(self.league)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise CannotDrawError(done.stderr.strip() or f"exit code {done.returncode}")
        return done.stdout

    def screen(self, target: Path, size: str) -> None:
        """Draw the live screen as it is now."""
        self.run("watch", "--once", "--size", size, "--svg", str(target))

    def attended(self) -> tuple[int, int, int]:
        """Return match, seat and decision, in the middle of its life, of the best attention member.

        It is its newest match with a replay.
        """
        from league.folder.layout import open_folder
        from league.page.facts import read_facts
        from league.page.sights import newest_match

        facts = read_facts(open_folder(self.league))
        for member in facts.ranked:
            if member.family == "attention" and member.trained_decisions:
                found = newest_match(facts, member)
                if found is not None:
                    match, seat, died = found
                    per_decision = (facts.settings or {})["rules"]["ticks_per_decision"]
                    return match.id, seat, died // per_decision // 2
        raise CannotDrawError("no trained attention member has a match with a replay")

    def page(self, *arguments: str) -> Path:
        """Return a page that a command writes with --html, made once."""
        path = self.scratch / f"{'-'.join(arguments)}.html"
        if not path.exists():
            self.run(*arguments, "--html", str(path))
        return path

    def photograph(
        self,
        page: Path,
        target: Path,
        size: tuple[int, int] = DESK,
        *,
        dark: bool = False,
        at: str = "body",
        fragment: str = "",
    ) -> None:
        """Write what a browser shows of a page, scrolled to an element.

        Args:
            fragment: what stands behind # in its address.
        """
        found = next(filter(None, map(shutil.which, BROWSERS)), None)
        if found is None:
            raise CannotDrawError("no Chromium on this machine")
        try:
            from playwright.sync_api import sync_playwright
        except ImportError as error:
            raise CannotDrawError("playwright is not installed") from error
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=found, args=arguments)
            shown = browser.new_page(
                viewport={"width": size[0], "height": size[1]},
                color_scheme="dark" if dark else "light",
            )
            shown.goto(page.resolve().as_uri() + fragment)
            shown.eval_on_selector(at, "element => element.scrollIntoView()")
            shown.wait_for_timeout(5_000)  # a film unpacks and comes to rest
            shown.screenshot(path=str(target))
            browser.close()
        shrink(target)


def shrink(path: Path) -> None:
    """Reduce a PNG to 256 colours, a third of its size."""
    from PIL import Image

    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


def _look(studio: Studio, target: Path) -> None:
    match, seat, decision = map(str, studio.attended())
    asked = ("look", match, "--seat", seat, "--decision", decision, "--attention")
    studio.run(*asked, "--png", str(target))


def _viewer(studio: Studio, target: Path, size: tuple[int, int] = DESK) -> None:
    match, seat, decision = studio.attended()
    page = studio.page("replay", "show", str(match), "--seat", str(seat))
    studio.photograph(page, target, size, dark=True, fragment=f"#tick={25 * decision}")


def _viewer_2026(studio: Studio, target: Path, land: str, tick: int) -> None:
    """Photograph a match of edition 2026, which no league of the default preset has.

    Args:
        land: kind of the generated map.
    """
    folder = studio.scratch / f"2026-{land}"
    page = folder / "match.html"
    pit = ["pit", "nation", "builder", "--preset", "real", "--seed", "3", "--matches", "2"]
    where = ["--map", f"generated:{land}:128x128:1001", "--replays", folder]
    for command in ([*pit, *where], ["replay", "show", folder / "3-1.replay", "--html", page]):
        done = subprocess.run(
            [sys.executable, "-m", "league", *map(str, command)], capture_output=True, text=True
        )
        if done.returncode:
            raise CannotDrawError(done.stderr.strip() or f"exit code {done.returncode}")
    studio.photograph(page, target, dark=True, fragment=f"#tick={tick}")


Draw = Callable[[Studio, Path], object]
REPORT = ("report",)
PICTURES: dict[str, Draw] = {
    # name: what draws it, as the README and docs/ show it
    "dashboard.svg": lambda s, to: s.run("report", "--svg", str(to)),
    "screen-80x24.svg": lambda s, to: s.screen(to, "80x24"),
    "screen-100x30.svg": lambda s, to: s.screen(to, "100x30"),
    "screen-120x40.svg": lambda s, to: s.screen(to, "120x40"),
    "screen-200x60.svg": lambda s, to: s.screen(to, "200x60"),
    "ratings.png": lambda s, to: s.run("curves", "--png", str(to)),
    "training.png": lambda s, to: s.run("curves", "--what", "training", "--png", str(to)),
    "payoff.png": lambda s, to: s.run("curves", "--what", "payoff", "--png", str(to)),
    "placements.png": lambda s, to: s.run("curves", "--what", "placements", "--png", str(to)),
    "look.png": _look,
    "report-light.png": lambda s, to: s.photograph(s.page(*REPORT), to),
    "report-dark.png": lambda s, to: s.photograph(s.page(*REPORT), to, dark=True, at="#progress"),
    "report-phone.png": lambda s, to: s.photograph(s.page(*REPORT), to, PHONE),
    "report-matches.png": lambda s, to: s.photograph(s.page(*REPORT), to, at="#matches"),
    "viewer.png": _viewer,
    "viewer-2026.png": lambda s, to: _viewer_2026(s, to, "continents", 1450),
    "viewer-2026-railway.png": lambda s, to: _viewer_2026(s, to, "highlands", 2000),
    "viewer-phone.png": lambda s, to: _viewer(s, to, PHONE),
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Draw the pictures of the documents.")
    parser.add_argument("league", type=Path)
    parser.add_argument("--only", action="append", choices=list(PICTURES), metavar="NAME")
    parser.add_argument("--into", type=Path, default=HERE, help="folder of the pictures")
    options = parser.parse_args()
    studio = Studio(options.league)
    options.into.mkdir(parents=True, exist_ok=True)
    missing = 0
    try:
        for name in options.only or PICTURES:
            target = options.into / name
            try:
                PICTURES[name](studio, target)
            except CannotDrawError as error:
                missing += 1
                print(f"{name}: not drawn: {error}")
            else:
                print(f"{name}: {target.stat().st_size / 1000:,.0f} kB")
    finally:
        studio.close()
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
