"""`league report`: the state of a league on the screen, as JSON or as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from league.cli.options import (
    PathOf,
    count_option,
    examples,
    existing_league,
    json_option,
    league_option,
    league_root,
    league_was_named,
    print_json,
    program_name,
    say,
    stdout_console,
)

if TYPE_CHECKING:
    from league.report.payoff import PayoffState


@click.command(
    epilog=examples(
        "league report",
        "league report --live",
        "league report --payoff --top 12",
        "league report --svg report.svg",
    )
)
@click.option(
    "--live",
    is_flag=True,
    help="Show the live screen until q, as `league watch`.  [default: off]",
)
@click.option(
    "--svg",
    "svg_path",
    metavar="FILE",
    type=PathOf(dir_okay=False),
    help="Write the report as an SVG picture.  [default: none]",
)
@click.option(
    "--next",
    "with_next",
    is_flag=True,
    help="Add three lines: what to look at next.  [default: off]",
)
@click.option(
    "--payoff",
    is_flag=True,
    help="Show who beats whom, and what one number does not say.  [default: off]",
)
@count_option(
    "--top", default=24, most=10_000, text="With --payoff: members in the tables, the best ones."
)
@json_option
@league_option
def report(
    live: bool, svg_path: Path | None, with_next: bool, payoff: bool, top: int, as_json: bool
) -> None:
    """Show standings with 95 % intervals, learners, latest matches and throughput.

    With --payoff: beat rates and places of all pairs of members, a ranking that copies of a member
    do not move, how many matches hold places 1 and 2 apart, cycles, and pairs whose matches or
    head-to-heads contradict their ratings.
    """
    from league.report.state import StateReader

    if live + as_json + (svg_path is not None) > 1:
        raise click.UsageError("give only one of --live, --json and --svg")
    if with_next and (live or as_json or svg_path is not None):
        raise click.UsageError("--next goes without --live, --json and --svg")
    if payoff and (live or with_next or svg_path is not None):
        raise click.UsageError("--payoff goes with --json alone")
    if live:
        from league.cli.watch import show_live

        show_live(existing_league())
        return
    with StateReader(existing_league()) as reader:
        if payoff:
            _show_payoff(reader.read_payoff(), top, as_json)
            return
        state = reader.read()
    if as_json:
        from league.report.document import report_document

        print_json(report_document(state))
    elif svg_path is not None:
        from league.report.picture import write_svg

        say(write_svg(state, svg_path))
    else:
        from league.report.screen import report_screen

        stdout_console().print(report_screen(state))
        if with_next:
            from league.report.next_steps import next_steps

            named = str(league_root()) if league_was_named() else None
            say("What to look at next:")
            say("\n".join(next_steps(state, program_name(), named)))


def _show_payoff(state: PayoffState, top: int, as_json: bool) -> None:
    if as_json:
        from league.report.payoff_document import payoff_document

        print_json(payoff_document(state))
        return
    from league.report.payoff_screen import WIDTH, payoff_screen

    console = stdout_console()
    width = min(console.width, WIDTH)
    console.print(payoff_screen(state, max_members=top, width=width), width=width)
