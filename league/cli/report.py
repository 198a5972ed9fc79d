"""`league report`: the state of a league on the screen, as JSON or as a picture."""

from __future__ import annotations

from pathlib import Path

import click

from league.cli.options import (
    PathOf,
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


@click.command(
    epilog=examples("league report", "league report --live", "league report --svg report.svg")
)
@click.option("--live", is_flag=True, help="Redraw once a second until Ctrl-C.  [default: off]")
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
@json_option
@league_option
def report(live: bool, svg_path: Path | None, with_next: bool, as_json: bool) -> None:
    """Show standings, learners, latest matches and throughput."""
    from league.report.state import StateReader

    if live + as_json + (svg_path is not None) > 1:
        raise click.UsageError("give only one of --live, --json and --svg")
    if with_next and (live or as_json or svg_path is not None):
        raise click.UsageError("--next goes without --live, --json and --svg")
    with StateReader(existing_league()) as reader:
        if live:
            from league.report.live import run_live

            run_live(reader.read, stdout_console())
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
