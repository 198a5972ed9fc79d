"""Keys: what each does to how one looks, and what it asks for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from league.screen.keys import Action, click, press
from league.screen.state import Look
from tests.league.screen.states import state

SIZE = (120, 40)


def after(*keys: str, look: Look | None = None, size: tuple[int, int] = SIZE) -> Look:
    """The look after some keys, none of which asks for anything."""
    found = look or Look()
    for key in keys:
        found, action = press(state(), found, key, *size)
        assert action is None or action.what == "watch", action
    return found


@pytest.mark.parametrize("panel", range(1, 8))
def test_a_number_enlarges_its_panel_and_takes_it_back(panel: int) -> None:
    large = after(str(panel))
    assert (large.enlarged, large.focus) == (panel, panel)
    assert after(str(panel), look=large).enlarged is None
    assert after("escape", look=large).enlarged is None


def test_tab_goes_through_the_panels_that_are_shown() -> None:
    assert [after(*["tab"] * n).focus for n in range(8)] == [1, 2, 3, 4, 5, 6, 7, 1]
    assert [after(*["tab"] * n, size=(80, 24)).focus for n in range(4)] == [1, 3, 7, 1]
    assert after("shift+tab").focus == 7


@pytest.mark.parametrize(
    ("key", "what"),
    [("q", "leave"), ("s", "stop"), ("ctrl+c", "interrupt"), ("r", "report"), ("t", "theme")],
)
def test_keys_that_change_the_world_are_actions(key: str, what: str) -> None:
    assert press(state(), Look(), key, *SIZE)[1] == Action(what)  # type: ignore[arg-type]


def test_the_cursor_stays_within_the_rows() -> None:
    assert after("j", "j", "k").row(1) == 1
    assert after("k").row(1) == 0
    assert after("end").row(1) == 23  # of 24 members
    assert after("pagedown", "home").row(1) == 0


def test_finding_shows_the_names_that_contain_what_is_typed() -> None:
    look = after("/", "s", "t", "r", "q", "backspace")
    assert (look.find, look.is_typing) == ("str", True)  # q was a letter here
    look = after("enter", look=look)
    assert (look.find, look.is_typing, look.focus) == ("str", False, 1)
    assert after("end", look=look).row(1) == 2  # strategist, -patient, -eager
    assert after("escape", look=look).find == ""


def test_enter_opens_a_member_and_escape_closes_it() -> None:
    look = after("j", "enter")
    assert look.member_id == 2
    assert after("escape", look=look).member_id is None


def test_enter_on_a_match_and_w_watch_it() -> None:
    at_matches = after("5", "5", "j", "j")
    look, action = press(state(), at_matches, "enter", *SIZE)
    assert (look.enlarged, look.focus) == (6, 6) and action == Action("watch", 12_392)
    assert press(state(), Look(), "w", *SIZE)[1] == Action("watch", 12_394)  # the newest
    assert press(state(), look, "w", *SIZE)[0].enlarged is None
    nothing = replace(state(), matches=())
    look, action = press(nothing, Look(), "w", *SIZE)
    assert action is None and look.message == "no match is finished yet"


def test_a_match_is_paused_stepped_and_sped_up() -> None:
    look = after("6", "space")
    assert look.is_paused
    assert press(state(), look, "right", *SIZE)[1] == Action("step", 1)
    assert press(state(), look, "left", *SIZE)[1] == Action("step", -1)
    assert after("+", "+", "-", look=look).speed == 2
    assert after("-", look=look).speed == 1 and after(*"+++++", look=look).speed == 8


@pytest.mark.parametrize(
    ("key", "by"), [("j", 1), ("k", -1), ("pagedown", 10), ("home", -1_000_000)]
)
def test_in_the_match_on_screen_moving_asks_for_earlier_and_later_matches(
    key: str, by: int
) -> None:
    look = after("6")
    assert press(state(), look, key, *SIZE) == (look, Action("other", by))


def test_the_log_and_the_alarms_are_a_key_away_also_where_panel_7_is_not_shown() -> None:
    assert after("l").lines == "log" and after("l", "l").lines == "events"
    assert after("f").lines == "alarms" and after("f").enlarged is None
    assert (after("f", size=(100, 30)).enlarged, after("f", size=(100, 30)).lines) == (7, "alarms")


def test_arrows_show_other_learners() -> None:
    assert after("3", "right", "right", "left").learner == 1


def test_help_opens_and_closes() -> None:
    look = after("?")
    assert look.has_help and not after("?", look=look).has_help
    assert not after("q", look=look).has_help  # and does not leave


def test_a_click_gives_the_focus() -> None:
    assert click(Look(), 100, 5, *SIZE).focus == 2
    assert click(Look(), 5, 38, *SIZE).focus == 7
    assert click(Look(), 0, 0, *SIZE).focus == 1  # the head: as it was
