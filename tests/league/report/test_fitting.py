"""On a narrow screen figures stay whole; words and names give way, and JSON keeps all."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta

import pytest

from league.folder.layout import LeagueFolder
from league.report.console import PlainConsole
from league.report.document import report_document
from league.report.screen import report_screen
from league.report.state import ReportState, StateReader
from tests.league.hand_made import NOON

LONG = "a-very-long-name-of-a-member-that-somebody-gave-to-it-in-a-good-mood"


@pytest.fixture
def state(hand_made_league: LeagueFolder) -> ReportState:
    """The best member has a long name."""
    with StateReader(hand_made_league) as reader:
        read = reader.read(at=NOON + timedelta(seconds=30))
    first, *others = read.members
    return replace(read, members=(replace(first, name=LONG), *others))


def lines(state: ReportState, width: int) -> list[str]:
    console = PlainConsole(width=width, file=io.StringIO(), is_plain=True)
    with console.capture() as capture:
        console.print(report_screen(state))
    return capture.get().splitlines()


@pytest.mark.parametrize("width", [118, 100, 80, 60, 45])
def test_figures_are_whole_at_every_width(state: ReportState, width: int) -> None:
    shown = lines(state, width)
    first = next(line for line in shown if "a-very" in line)
    # mu and mu - 3 sigma of the best member
    assert {"40.54", "25.78"} <= set(first.split())
    assert all(len(line.rstrip()) <= width for line in shown)
    assert "\u2026" not in "\n".join(shown)  # nothing was cut by the terminal's library


def test_at_eighty_columns_words_go_first_then_names_are_cut(state: ReportState) -> None:
    shown = lines(state, 80)
    heading = next(line for line in shown if line.startswith("rank"))
    shown_columns = "rank 95 % tier name mu +-95 % mu-3s matches first % place"
    assert " ".join(heading.split()) == shown_columns
    first = next(line for line in shown if "a-very" in line)
    assert first.split()[3].endswith("..") and len(first.split()[3]) >= 8
    assert any("left out on this narrow screen: family, status" in line for line in shown)


def test_on_a_wide_screen_nothing_is_left_out(state: ReportState) -> None:
    shown = "\n".join(lines(state, 200))
    assert LONG in shown and "left out" not in shown


def test_json_keeps_names_whole(state: ReportState) -> None:
    assert report_document(state)["members"][0]["name"] == LONG
