"""Owns what keys do: a pure function from a key and how a person looks to how they look next.

What changes the world (leaving, stopping, a match to play) comes back as an `Action`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from league.screen.layout import places
from league.screen.standings import shown_members
from league.screen.state import PANELS, Look, ScreenState

PAGE = 10
SPEEDS = (1, 2, 4, 8)
_MOVES = {
    "j": 1,
    "down": 1,
    "k": -1,
    "up": -1,
    "pagedown": PAGE,
    "pageup": -PAGE,
    "home": -1_000_000,
    "end": 1_000_000,
}
_BACKWARDS = 7  # the panel whose newest line is at the bottom: up goes into the past


@dataclass(frozen=True)
class Action:
    """What a key asks for beyond the look.

    Attributes:
        number: a match; pictures to go on by; how many matches earlier to show.
    """

    what: Literal["leave", "stop", "interrupt", "report", "theme", "watch", "step", "other"]
    number: int = 0


Answer = tuple[Look, Action | None]


def press(state: ScreenState, look: Look, key: str, width: int, height: int) -> Answer:
    """Return the next look, and what is to be done, if anything.

    Args:
        key: name of a key as Textual gives it, or a character.
        width, height: of the terminal.
    """
    look = replace(look, message="")
    if look.is_typing:
        return _type(look, key), None
    if look.has_help and key in ("question_mark", "?", "escape", "enter", "q"):
        return replace(look, has_help=False), None
    actions: dict[str, Action] = {
        "q": Action("leave"),
        "s": Action("stop"),
        "ctrl+c": Action("interrupt"),
        "r": Action("report"),
        "t": Action("theme"),
    }
    if key in actions:
        return look, actions[key]
    if key == "w":
        return _watch(state, look)
    if key == "enter":
        return _open(state, look)
    if key in _MOVES and look.focus == 6:
        return look, Action("other", _MOVES[key])
    if key in _MOVES:
        return _move(state, look, _MOVES[key]), None
    if key in ("left", "right"):
        return _sideways(look, 1 if key == "right" else -1)
    return _look(look, key, width, height), None


def _look(look: Look, key: str, width: int, height: int) -> Look:
    """Return the look after a key that changes nothing else."""
    if key.isdecimal() and int(key) in PANELS:
        panel = int(key)
        enlarged = None if look.enlarged == panel else panel
        return replace(look, enlarged=enlarged, focus=panel, has_help=False, member_id=None)
    shown = sorted(places(width, height, look.enlarged))
    at = shown.index(look.focus) if look.focus in shown else 0
    changed: dict[str, Look] = {
        "escape": _back(look),
        "tab": replace(look, focus=shown[(at + 1) % len(shown)]),
        "shift+tab": replace(look, focus=shown[at - 1]),
        "slash": replace(look, is_typing=True, find="", focus=1, member_id=None, cursor={}),
        "l": replace(look, lines="events" if look.lines == "log" else "log", cursor={}),
        "f": replace(look, lines="events" if look.lines == "alarms" else "alarms", cursor={}),
        "question_mark": replace(look, has_help=True),
        "space": replace(look, is_paused=not look.is_paused),
        "plus": _faster(look, 1),
        "minus": _faster(look, -1),
    }
    also = {"/": "slash", "?": "question_mark", " ": "space", "+": "plus", "-": "minus"}
    found = changed.get(also.get(key, key), look)
    if key in ("l", "f") and 7 not in shown:
        return replace(found, enlarged=7, focus=7)
    return found


def _back(look: Look) -> Look:
    """Close one thing after the other: a member's page, what is looked for, the large panel."""
    if look.member_id is not None:
        return replace(look, member_id=None)
    if look.find:
        return replace(look, find="")
    return replace(look, enlarged=None)


def _faster(look: Look, by: int) -> Look:
    at = min(max(SPEEDS.index(look.speed) + by, 0), len(SPEEDS) - 1)
    return replace(look, speed=SPEEDS[at])


def _type(look: Look, key: str) -> Look:
    if key == "enter":
        return replace(look, is_typing=False)
    if key == "escape":
        return replace(look, is_typing=False, find="")
    if key == "backspace":
        return replace(look, find=look.find[:-1])
    letter = {"space": " ", "minus": "-", "underscore": "_", "full_stop": "."}.get(key, key)
    return replace(look, find=look.find + letter) if len(letter) == 1 else look


def _n_rows(state: ScreenState, look: Look) -> int:
    if look.focus == 1:
        return len(shown_members(state, look))
    if look.focus == 2:
        return 0 if state.beating is None else len(state.beating.names)
    if look.focus == 5:
        return len(state.matches)
    if look.focus == 7:
        return len(state.log if look.lines == "log" else state.events)
    return 0


def _move(state: ScreenState, look: Look, by: int) -> Look:
    if look.focus in (3, 4):
        return replace(look, learner=look.learner + (1 if by > 0 else -1))
    n = _n_rows(state, look)
    row = look.row(look.focus) + (-by if look.focus == _BACKWARDS else by)
    return replace(look, cursor={**look.cursor, look.focus: min(max(row, 0), max(n - 1, 0))})


def _sideways(look: Look, by: int) -> Answer:
    if look.focus == 6:
        return replace(look, is_paused=True), Action("step", by)
    return replace(look, learner=look.learner + by), None


def _open(state: ScreenState, look: Look) -> Answer:
    if look.focus == 1 and look.member_id is None:
        members = shown_members(state, look)
        if members:
            row = members[min(look.row(1), len(members) - 1)]
            return replace(look, member_id=row.id), None
    elif look.focus == 1:
        return replace(look, member_id=None), None
    elif look.focus == 5:
        return _watch(state, look)
    return look, None


def _watch(state: ScreenState, look: Look) -> Answer:
    """Enlarge the match under the cursor of panel 5, or the newest one."""
    if look.enlarged == 6:
        return replace(look, enlarged=None, focus=5), None
    if not state.matches:
        return replace(look, message="no match is finished yet"), None
    row = min(look.row(5), len(state.matches) - 1) if look.focus == 5 else 0
    watching = replace(look, enlarged=6, focus=6, is_paused=False, member_id=None)
    return watching, Action("watch", state.matches[row].id)


def click(look: Look, x: int, y: int, width: int, height: int) -> Look:
    """Return the look after a click: the panel there has the focus."""
    for panel, place in places(width, height, look.enlarged).items():
        if place.x <= x < place.x + place.width and place.y <= y < place.y + place.height:
            return replace(look, focus=panel, message="")
    return look
