"""`league pit`: play two agents head to head."""

from __future__ import annotations

import sys

import click

from league.cli.options import (
    Reference,
    examples,
    existing_league,
    json_option,
    league_option,
    league_root,
    league_was_named,
    print_json,
    say,
    say_over,
)


@click.command(
    epilog=examples(
        "league pit scripted:tribe scripted:random",
        "league pit attention-0003 attention-0001 --matches 40 --json",
    )
)
@click.argument("a", type=Reference())
@click.argument("b", type=Reference())
@click.option(
    "--matches",
    "n_matches",
    type=click.IntRange(min=2),
    help="Play exactly this many matches, in pairs.  [default: until SPRT decides]",
)
@click.option(
    "--cap",
    type=click.IntRange(min=2),
    default=1000,
    show_default=True,
    help="Matches after which SPRT gives up.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0, max=2**61),
    default=1,
    show_default=True,
    help="Seed of the first pair; each further pair takes the next one.",
)
@click.option(
    "--field",
    "with_field",
    is_flag=True,
    help="Give A and B one seat each, among scripted members.  [default: off]",
)
@click.option(
    "--map",
    "maps",
    metavar="REFERENCE",
    type=Reference(),
    multiple=True,
    help="Map to play on; repeatable.  [default: the maps of the league's rated matches]",
)
@click.option(
    "--nelo",
    nargs=2,
    type=float,
    default=(0.0, 50.0),
    show_default=True,
    metavar="LOW HIGH",
    help="Hypotheses of SPRT in normalised Elo.",
)
@click.option(
    "--workers",
    "n_workers",
    type=click.IntRange(1, 1024),
    help="Worker processes.  [default: one per core]",
)
@json_option
@league_option
def pit(
    a: str,
    b: str,
    n_matches: int | None,
    cap: int,
    seed: int,
    with_field: bool,
    maps: tuple[str, ...],
    nelo: tuple[float, float],
    n_workers: int | None,
    as_json: bool,
) -> int:
    """Play A against B in mirrored pairs and say who is stronger.

    A and B are member names, snapshot hash prefixes, snapshot files or agent specs. In a league the
    matches are stored, and the same command continues where it was interrupted; without one, files,
    specs and scripted agents play on generated maps. Exit code: 0 A is stronger, or --matches have
    been played; 1 it is not; 2 bad input; 4 undecided at --cap.
    """
    from league.folder.layout import LeagueFolder
    from league.pit.run import PitRequest, run_pit
    from league.pit.statistics import SprtSettings
    from league.pit.text import format_report, report_json

    has_league = league_was_named() or LeagueFolder(league_root()).is_league()
    request = PitRequest(
        a=a,
        b=b,
        n_matches=n_matches,
        cap=cap,
        seed=seed,
        with_field=with_field,
        maps=maps,
        sprt=SprtSettings(*nelo),
        n_workers=n_workers,
    )
    on_terminal = sys.stderr.isatty()
    report = run_pit(
        request,
        existing_league() if has_league else None,
        say_over if on_terminal else lambda line: None,
    )
    if on_terminal:
        say_over("")
    if as_json:
        print_json(report_json(report))
    else:
        for line in format_report(report):
            say(line)
    return report.exit_code
