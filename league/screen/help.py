"""What `?` explains: every key, and what the figures mean."""

from __future__ import annotations

from rich.text import Text

from league.screen.lines import page_of
from league.screen.state import ScreenState

KEYS = (
    (
        "q",
        "leave the screen; the league goes on (`league watch` comes back, `league stop` stops it)",
    ),
    ("s", "stop the league with everything committed; once more: stop it immediately"),
    ("Ctrl-C", "the same where `league start` shows it; elsewhere it leaves, as q"),
    ("1 to 7", "enlarge a panel, or back; escape: all panels"),
    ("tab", "next panel; shift-tab the one before; a click too"),
    ("j k ↑ ↓", "move in the panel, page up and down by ten, home and end"),
    ("◀ ▶", "other learners in 3 and 4; a step in 6"),
    ("j k in 6", "an earlier match, a later one; home: the newest, and on with the newest"),
    ("/", "find members by a part of their name; enter keeps it, escape ends it"),
    ("enter", "open: a member's page in 1, the match in 5"),
    ("w", "watch the match under the cursor of 5, else the newest; space, + and - there"),
    ("l, f", "the log in 7; alarms and warnings alone"),
    ("r", "write report.html into the league's folder"),
    ("t", "ink and paper: the terminal's, dark, light"),
)
FIGURES = (
    ("95 %", "ranks and ±: intervals that hold the company a member plays in"),
    ("rating", "its line: mu over time, relative to the scale's anchor, all on one scale"),
    ("places", "how often it came first (left) to last (right)"),
    ("held out", "share of the members that no learner meets that its snapshots place above"),
    ("x, share", "its probability of beating a foe; how often matchmaking draws that foe"),
    ("next", "time until a learner's next snapshot is due at the latest"),
    ("6: ⌂ 2 +", "edition 2026: a city, its level from 2 on, one that is being built; → a boat"),
    (
        "6: ● †",
        "an ally, by its colour, and a traitor; with room, gold stands before the land",
    ),
    ("dim rates", "fewer than eight common matches: they say nothing yet"),
)


def help_lines(state: ScreenState, width: int, height: int) -> list[Text]:
    """Explain keys and figures in exactly `height` lines of `width` columns."""
    lines = [Text("─ Keys " + "─" * max(width - 7, 0), "bold")]
    lines += [_row(key, said) for key, said in KEYS]
    lines += [Text("─ Figures " + "─" * max(width - 10, 0), "bold")]
    lines += [_row(key, said) for key, said in FIGURES]
    return page_of(lines, width, height)


def _row(key: str, said: str) -> Text:
    return Text.assemble((f" {key:<10} ", "bold"), said)
