"""`league watch`, and the live screen of `league start` and `league report --live`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from league.cli.options import (
    PathOf,
    examples,
    league_option,
    league_was_named,
    place_named,
    program_name,
    readable_league,
    say,
    stdout_console,
)

if TYPE_CHECKING:
    from league.config.tree import LeagueConfig
    from league.folder.layout import LeagueFolder

    SizeType = click.ParamType[tuple[int, int]]
else:  # generic for type checkers only: older click has no such subscript
    SizeType = click.ParamType

_ONCE = (120, 40)  # columns and lines of one page where there is no terminal
_REPORT_LIMIT_S = 600.0


class Size(SizeType):
    """Columns and lines of a screen, such as 120x40."""

    name = "size"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Return (columns, lines); fail with a sentence if the text is no size of a screen."""
        if isinstance(value, tuple):
            return value
        match = re.fullmatch(r"(\d{1,4})x(\d{1,4})", str(value))
        if match is None or not all(20 <= int(side) <= 1_000 for side in match.groups()):
            self.fail(f"expected columns x lines such as 120x40, found {value!r}")
        return int(match[1]), int(match[2])


@click.command(epilog=examples("league watch", "league watch 745 --league big"))
@click.argument("match", type=click.IntRange(1), required=False)
@click.option(
    "--once", is_flag=True, help="Print the screen once, as it is now, and exit.  [default: off]"
)
@click.option(
    "--svg",
    "svg_path",
    metavar="FILE",
    type=PathOf(dir_okay=False),
    help="With --once, write an SVG picture of the screen instead.  [default: none]",
)
@click.option(
    "--size",
    type=Size(),
    help="With --once, columns x lines, such as 200x60.  [default: the terminal's, else 120x40]",
)
@league_option
def watch(
    match: int | None, once: bool, svg_path: Path | None, size: tuple[int, int] | None
) -> None:
    """Show a league live: standings, learners, matches; with MATCH, that match as it was played.

    `?` explains the keys. `q` leaves the screen; the league goes on. Where there is no terminal, a
    line every ten seconds.
    """
    if once:
        _print_once(readable_league(), match, size, svg_path)
        return
    if svg_path is not None or size is not None:
        raise click.UsageError("--svg and --size go with --once")
    show_live(readable_league(), match_id=match)


def show_live(folder: LeagueFolder, *, match_id: int | None = None) -> None:
    """Show the screen of a league that runs elsewhere, or not at all."""
    from league.screen.attach import Elsewhere, can_show, show

    if can_show():
        show(folder, Elsewhere(folder), write_report=report_writer(folder), match_id=match_id)
        _say_how_it_is(folder)
    else:
        from league.report.live import run_live
        from league.report.state import StateReader

        with StateReader(folder) as reader:
            run_live(reader.read, stdout_console())


def _print_once(
    folder: LeagueFolder, match_id: int | None, size: tuple[int, int] | None, svg_path: Path | None
) -> None:
    """Print one page, or draw it; with a match, or for a picture, a moment of it is shown."""
    from dataclasses import replace

    from league.screen.attach import moment_of
    from league.screen.page import page
    from league.screen.reading import ScreenReader
    from league.screen.state import Look

    console = stdout_console()
    there = (console.width, console.height - 1) if console.is_terminal else _ONCE
    width, height = size or there
    with ScreenReader(folder) as reader:
        reader.read()
        state = reader.read()  # the parts that rest on one another are complete now
    shown = match_id or next((row.id for row in state.matches if row.has_replay), None)
    if shown is not None and (match_id is not None or svg_path is not None):
        state = replace(state, scene=moment_of(folder, shown))
    elif shown is not None:  # playing it back would take longer than all the rest
        state = replace(state, scene_note=f"newest recorded: match {shown} (`watch {shown}`)")
    look = Look(focus=0, enlarged=None if match_id is None else 6)
    lines = page(state, look, width, height)
    if svg_path is None:
        for line in lines:
            console.print(line, width=width)
    else:
        from league.report.picture import draw_svg

        say(draw_svg(lines, width, f"league watch ({state.league})", svg_path))


def start_live(folder: LeagueFolder, config: LeagueConfig, for_s: float | None) -> int:
    """Start a league with a screen; return the exit code of `league start`."""
    from league.daemon.say import say as say_without_fail
    from league.screen.attach import start_with_screen

    code, left_running = start_with_screen(
        folder, config, for_s, write_report=report_writer(folder), say=say_without_fail
    )
    try:
        _print_end(folder, left_running)
    except OSError:  # the terminal is gone; Python would flush to it at its exit, and fail
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123
    return code


def _say_how_it_is(folder: LeagueFolder) -> None:
    from league.daemon.lock import status

    found = status(folder.root)
    if found.state == "stopped":
        say("The league is not running.")
    _print_end(folder, found.pid)


def _print_end(folder: LeagueFolder, pid: int | None) -> None:
    """Print what stays on the terminal: the standings, and how to go on.

    Args:
        pid: of the league if it goes on.
    """
    _print_standings(folder)
    if pid is None:
        _print_next(folder)
    else:
        say(f"The league goes on, PID {pid}.")
        _print_commands((("watch", "comes back to the screen"), ("stop", "stops the league")))


def _print_standings(folder: LeagueFolder) -> None:
    """Print the standings as they are now: the screen is gone, and they stay on the terminal."""
    from db.errors import DatabaseError
    from league.report.screen import standings_table, summary_line
    from league.report.state import StateReader

    console = stdout_console()
    try:
        with StateReader(folder) as reader:
            state = reader.read()
    except DatabaseError:
        return  # it was stopped before it had any
    if state.members:
        console.print(standings_table(state.members, max(console.height - 9, 5)))
        console.print(summary_line(state), highlight=False, soft_wrap=True, markup=False)


def _print_next(folder: LeagueFolder) -> None:
    say("What to look at next:")
    newest = _newest_replay(folder)
    commands = [("report --next", "everything in one page, and more commands")]
    if newest is not None:
        commands.append((f"watch {newest}", "the latest match, as it was played"))
    commands += [
        ("curves", "how far each learner has come"),
        ("start --for 30m", "go on where it stopped"),
    ]
    _print_commands(commands)


def _newest_replay(folder: LeagueFolder) -> int | None:
    from db import queries
    from db.errors import DatabaseError
    from league.folder.connect import reading

    try:
        with reading(folder) as session:
            rows = queries.recent_results(session, 1)
    except DatabaseError:
        return None
    return rows[0].id if rows and rows[0].replay_path is not None else None


def _print_commands(commands: tuple[tuple[str, str], ...] | list[tuple[str, str]]) -> None:
    import shlex

    place = f" --league {shlex.quote(place_named())}" if league_was_named() else ""
    calls = [f"{program_name()} {command}{place}" for command, _ in commands]
    wide = max(map(len, calls))
    for call, (_, why) in zip(calls, commands, strict=True):
        say(f"  {call:<{wide}}  {why}")


def report_writer(folder: LeagueFolder) -> Callable[[], str] | None:
    """Return what writes report.html into the league's folder; None if no command does."""
    from league.cli.report import report

    if not any("--html" in parameter.opts for parameter in report.params):
        return None
    path = folder.root / "report.html"

    def write() -> str:
        command = [sys.executable, "-m", "league", "report", "--html", str(path)]
        try:
            done = subprocess.run(
                [*command, "--league", str(folder.root)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_REPORT_LIMIT_S,
                check=False,
                env=os.environ,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"report.html could not be written: {error}"
        if done.returncode == 0:
            return f"written: {path}"
        said = (done.stderr.strip().splitlines() or ["no reason was given"])[-1]
        return f"report.html could not be written: {said}"

    return write
