"""The page at the four sizes: as on file, of an exact size, and no figure is ever cut."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from league.report.state import ReportState
from league.screen.page import Painter, page
from league.screen.state import PANELS, Look, ScreenState
from tests.league.screen.states import NOON, SIZES, member, report, scene, state

PICTURES = Path(__file__).parent / "pages"
_FIGURE = re.compile(r"[\d][\d.,:]*")
_WIDE = (400, 200)


def text(found: ScreenState, look: Look, width: int, height: int) -> str:
    """A page without spaces at the ends of its lines."""
    return "\n".join(line.plain.rstrip() for line in page(found, look, width, height)) + "\n"


@pytest.mark.parametrize("size", SIZES)
def test_the_page_is_the_one_on_file(size: tuple[int, int]) -> None:
    """After a wanted change: `python tests/league/screen/test_page.py` writes them anew."""
    width, height = size
    expected = (PICTURES / f"{width}x{height}.txt").read_text(encoding="utf-8")
    assert text(state(), Look(), width, height) == expected


@pytest.mark.parametrize("panel", PANELS)
def test_an_enlarged_panel_is_the_one_on_file(panel: int) -> None:
    expected = (PICTURES / f"panel{panel}.txt").read_text(encoding="utf-8")
    assert text(state(), Look(enlarged=panel, focus=panel), 100, 30) == expected


def figures(found: ScreenState, look: Look, width: int, height: int) -> set[str]:
    """All figures of a page; names and headings, which may be cut, hold none here."""
    return set(_FIGURE.findall(text(found, look, width, height)))


def without_digits(found: ScreenState) -> ScreenState:
    """The same state with names that hold no digits."""

    def renamed(name: str) -> str:
        return re.sub(r"-\d+", lambda m: "-" + "".join(chr(97 + int(d)) for d in m[0][1:]), name)

    assert found.report is not None and found.beating is not None and found.scene is not None
    members = tuple(
        replace(row, name=renamed(row.name), agent_spec="x") for row in found.report.members
    )
    return replace(
        found,
        report=replace(found.report, members=members),
        beating=replace(found.beating, names=tuple(map(renamed, found.beating.names))),
        matches=tuple(
            replace(row, podium=tuple(map(renamed, row.podium)), map="lakes")
            for row in found.matches
        ),
        scene=replace(
            found.scene,
            seats=tuple(replace(seat, name=renamed(seat.name)) for seat in found.scene.seats),
        ),
    )


@pytest.mark.parametrize("enlarged", [None, *PANELS])
@pytest.mark.parametrize("size", [*SIZES, (60, 18), (47, 15), (133, 33)])
def test_no_figure_is_cut(size: tuple[int, int], enlarged: int | None) -> None:
    """Every figure of a small page is one of a page that has room for everything."""
    found = without_digits(state())
    whole = set[str]()
    for panel in (None, *PANELS):
        whole |= figures(found, Look(enlarged=panel, focus=0), *_WIDE)
    # the two lines of a learner, where there are few lines, name their figures in their own forms
    whole |= figures(found, Look(focus=0), 200, 24)
    shown = figures(found, Look(enlarged=enlarged, focus=0), *size)
    assert shown - whole - _hidden_counts(found, *size) == set()


def _hidden_counts(found: ScreenState, width: int, height: int) -> set[str]:
    """Numbers of rows that are not shown: they depend on the size."""
    counts = set(re.findall(r"(\d+) more", text(found, Look(focus=0), width, height)))
    for panel in PANELS:
        shown = text(found, Look(enlarged=panel, focus=0), width, height)
        counts |= set(re.findall(r"(\d+) more", shown))
    return counts


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 230), st.integers(1, 70), st.sampled_from([None, *PANELS]), st.booleans())
def test_a_page_has_exactly_the_size_of_the_terminal(
    width: int, height: int, enlarged: int | None, has_help: bool
) -> None:
    lines = page(state(), Look(enlarged=enlarged, has_help=has_help), width, height)
    assert [line.cell_len for line in lines] == [width] * height


def test_a_page_of_a_league_that_has_nothing_yet_says_what_it_waits_for() -> None:
    nothing = ScreenState("new", NOON, "starting", "compiling the game, about 12 s left")
    for size in SIZES:
        assert "compiling the game, about 12 s left" in text(nothing, Look(), *size)


def test_names_of_any_width_and_letters_keep_the_size() -> None:
    odd = ("東京東京東京東京東京東京東京東京", "a\x1b[31mb", "‮evil", "x" * 200, "🂡")
    rows = tuple(member(at, name) for at, name in enumerate(odd, start=1))
    found = state(report=report(members=rows))
    for size in SIZES:
        lines = page(found, Look(), *size)
        assert [line.cell_len for line in lines] == [size[0]] * size[1]
        assert all(line.plain.isprintable() for line in lines)


def test_a_dim_edge_does_not_dim_its_panel() -> None:
    line = page(state(), Look(focus=0), 120, 40)[4]
    at = line.plain.index("expander", 75)
    styles = [str(span.style) for span in line.spans if span.start <= at < span.end]
    assert str(line.style) == "" and "dim" not in " ".join(styles)


def test_places_do_not_move_while_numbers_change() -> None:
    """The headings and rules of a page stay where they are when every figure grows."""
    before, after = state(), state(report=_grown(report()))
    for size in SIZES:
        pairs = zip(page(before, Look(), *size), page(after, Look(), *size), strict=True)
        for old, new in pairs:
            if "─" in old.plain:
                edges = [at for at, letter in enumerate(old.plain) if letter in "┬┼"]
                assert [at for at, letter in enumerate(new.plain) if letter in "┬┼"] == edges


def _grown(found: ReportState) -> ReportState:
    rows = tuple(replace(row, matches=row.matches * 900) for row in found.members)
    return replace(found, members=rows, arena=replace(found.arena, finished=1_123_456))


def test_a_painter_draws_what_a_page_is_and_draws_again_only_what_has_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: list[int] = []
    from league.screen import page as module

    def counted(panel: int, *rest: object) -> object:
        drawn.append(panel)
        return before(panel, *rest)  # type: ignore[arg-type]

    before = module.panel_lines
    monkeypatch.setattr(module, "panel_lines", counted)
    painter, first = Painter(), state()
    assert painter.page(first, Look(), 120, 40) == page(first, Look(), 120, 40)
    drawn.clear()
    second = replace(first, scene=scene(11), at=NOON)
    assert [line.plain for line in painter.page(second, Look(), 120, 40)] == [
        line.plain for line in page(second, Look(), 120, 40)
    ]
    assert drawn[:1] == [6] and drawn.count(6) == 2  # by the painter, then by the whole page


def test_the_match_on_screen_says_that_it_is_recorded_and_what_has_ended_since() -> None:
    def said(found: ScreenState) -> str:
        look = Look(enlarged=6, focus=6)
        return page(found, look, 100, 30)[-3].plain.rstrip()  # above the bar and the foot

    earlier = replace(scene(), match_id=12_391, ended_at=NOON - timedelta(days=1, seconds=1))
    other = replace(scene(), match_id=12, ended_at=None)
    assert said(state()) == "newest recorded  ended 12:00:00 UTC"
    # 12,394 to 12,392 are newer; another day is named
    assert said(state(scene=earlier)) == "recorded, 3 newer  ended 2026-02-28 11:59 UTC"
    assert said(state(scene=other)) == "recorded"  # not among the latest
    coming = state(scene_note="playing match 12393 back")
    assert said(coming) == "playing match 12393 back"


def write_pictures() -> None:
    """Write the pages on file anew."""
    PICTURES.mkdir(exist_ok=True)
    for width, height in SIZES:
        drawn = text(state(), Look(), width, height)
        (PICTURES / f"{width}x{height}.txt").write_text(drawn, encoding="utf-8")
    for panel in PANELS:
        drawn = text(state(), Look(enlarged=panel, focus=panel), 100, 30)
        (PICTURES / f"panel{panel}.txt").write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    write_pictures()
