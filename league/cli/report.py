"""`league report`: the state of a league on the screen, as JSON or as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from league.cli.options import (
    PathOf,
    count_option,
    examples,
    json_option,
    league_option,
    league_was_named,
    open_page,
    place_named,
    print_json,
    program_name,
    readable_league,
    say,
    stdout_console,
)
from league.cli.working import working

if TYPE_CHECKING:
    from league.report.payoff import PayoffState


@click.command(
    epilog=examples(
        "league report",
        "league report --live",
        "league report --payoff --top 12",
        "league report --html report.html --open",
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
    "--html",
    "html_path",
    metavar="FILE",
    type=PathOf(dir_okay=False),
    help="Write everything as one page that any browser opens, without a network.  [default: none]",
)
@click.option(
    "--quick",
    is_flag=True,
    help="With --html: without replays and attention, for which matches are played back.  "
    "[default: off]",
)
@click.option(
    "--open", "with_open", is_flag=True, help="With --html: open the page.  [default: off]"
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
    live: bool,
    svg_path: Path | None,
    html_path: Path | None,
    quick: bool,
    with_open: bool,
    with_next: bool,
    payoff: bool,
    top: int,
    as_json: bool,
) -> None:
    """Show standings with 95 % intervals, learners, latest matches and throughput.

    With --payoff: beat rates and places of all pairs of members, a ranking that copies of a member
    do not move, how many matches hold places 1 and 2 apart, cycles, and pairs whose matches or
    head-to-heads contradict their ratings.

    With --html: standings, progress, who beats whom, places, maps and seats, training, opponents,
    matches to watch, attention and the run, each with its question and the answer in a sentence.
    """
    from league.report.state import StateReader

    drawn = (svg_path is not None) + (html_path is not None)
    if live + as_json + drawn > 1:
        raise click.UsageError("give only one of --live, --json, --svg and --html")
    if with_next and (live or as_json or drawn):
        raise click.UsageError("--next goes without --live, --json, --svg and --html")
    if payoff and (live or with_next or drawn):
        raise click.UsageError("--payoff goes with --json alone")
    if (quick or with_open) and html_path is None:
        raise click.UsageError("--quick and --open go with --html FILE")
    if html_path is not None:
        from league.page.write import write_page

        with working("reading the league") as task:
            page = write_page(readable_league(), html_path, is_quick=quick, progress=task.update)
        say(page)
        if with_open:
            open_page(html_path)
        return
    if live:
        from league.cli.watch import show_live

        show_live(readable_league())
        return
    with StateReader(readable_league()) as reader:
        if payoff:
            with working("counting who beats whom"):
                state_of_payoff = reader.read_payoff()
            _show_payoff(state_of_payoff, top, as_json)
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

            named = place_named() if league_was_named() else None
            say("What to look at next:")
            say("\n".join(next_steps(state, program_name(), named)))


def _show_payoff(state: PayoffState, top: int, as_json: bool) -> None:
    if as_json:
        from league.report.payoff_document import payoff_document

        print_json(payoff_document(state), "league-payoff/1")
        return
    from league.report.payoff_screen import WIDTH, payoff_screen

    console = stdout_console()
    width = min(console.width, WIDTH)
    console.print(payoff_screen(state, max_members=top, width=width), width=width)
