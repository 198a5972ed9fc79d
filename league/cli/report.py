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
    print_json,
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
@json_option
@league_option
def report(live: bool, svg_path: Path | None, as_json: bool) -> None:
    """Show standings, learners, latest matches and throughput."""
    from league.report.state import StateReader

    if live + as_json + (svg_path is not None) > 1:
        raise click.UsageError("give only one of --live, --json and --svg")
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
