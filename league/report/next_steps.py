"""Three lines after a report: what to look at next, as commands that can be run as they stand."""

from __future__ import annotations

import shlex

from league.plain_text import visible
from league.report.state import MemberRow, ReportState

_GO_ON = "go on where it stopped"


def next_steps(state: ReportState, program: str, league: str | None) -> list[str]:
    """Return three commands, each with the reason to run it.

    The first shows progress, the second compares the best trained network with the best script, the
    third goes on with the league. While there is no trained network, or nothing to compare it with,
    other commands take their places.

    Args:
        program: how the user calls `league`.
        league: the folder as the user named it; None if it need not be named.
    """
    place = "" if league is None else f" --league {shlex.quote(league)}"
    trained = [row for row in state.members if row.family != "scripted" and row.trained_decisions]
    scripts = [row for row in state.members if row.family == "scripted"]
    steps = []
    if trained:
        steps.append((f"curves{place}", "how far each learner has come, and what it is above"))
    else:
        steps.append((f"bench learner --seconds 30s{place}", "how fast this machine trains"))
    if trained and scripts:
        pair = " ".join(shlex.quote(_best(rows).name) for rows in (trained, scripts))
        steps.append((f"pit {pair}{place}", "the best network against the best script, 5 a side"))
    else:
        steps.append((f"members list{place}", "who plays here"))
    steps.append((f"start --for 30m{place}", _GO_ON))
    commands = [f"{program} {command}" for command, _ in steps]
    width = max(map(len, commands))
    return [
        visible(f"{command:<{width}}  {why}")
        for command, (_, why) in zip(commands, steps, strict=True)
    ]


def _best(rows: list[MemberRow]) -> MemberRow:
    """Return the member with the highest mu - 3 sigma; one that was never rated comes last."""
    return max(
        rows, key=lambda row: float("-inf") if row.conservative is None else row.conservative
    )
