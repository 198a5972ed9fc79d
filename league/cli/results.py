"""`league results`: export results in one documented format; rate those of another game."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import click

from league.cli.options import (
    PathOf,
    count_option,
    examples,
    json_option,
    league_option,
    league_root,
    print_json,
    readable_league,
    say,
)
from league.cli.working import working
from league.errors import UsageError

FORMATS = ("jsonl", "csv")  # as results/reading, which loads pydantic


@click.group(
    epilog=examples(
        "league results export --format csv --out results.csv",
        "league results import results.csv --league chess4",
    )
)
@league_option
def results() -> None:
    """Export results in one documented format; import those of any n-player game, and rate them."""


@results.command(
    epilog=examples(
        "league results export --out results.jsonl",
        "league results export --format csv --purpose all",
    )
)
@click.option(
    "--format", "kind", type=click.Choice(FORMATS), help="[default: as --out ends, else jsonl]"
)
@click.option(
    "--purpose",
    type=click.Choice(["rating", "pit", "all"]),
    default="rating",
    show_default=True,
    help="Which matches: rated ones, head-to-heads, or all.",
)
@click.option(
    "--out", metavar="FILE", type=PathOf(), help="A new file.  [default: standard output]"
)
@league_option
def export(kind: str | None, purpose: str, out: Path | None) -> None:
    """Write every finished match: seats, places, ratings before and after, map, hashes.

    One JSON object per match (jsonl), or one row per seat (csv); docs/results.md is the format.
    """
    from league.folder.connect import reading
    from league.results.exporting import exported
    from league.results.reading import format_of
    from league.results.writing import write_results

    folder = readable_league()
    if out is not None and out.exists():
        raise UsageError(f"--out: expected a new file, found {out}; name another one")
    chosen = format_of(out or Path(), kind)
    with ExitStack() as stack:
        hear: Callable[[int, int], None] | None = None
        if out is not None or not sys.stdout.isatty():  # else the matches are seen to come
            hear = stack.enter_context(working("reading matches")).update
        session = stack.enter_context(reading(folder))
        n = write_results(exported(session, folder, purpose, hear), chosen, out)
    say(f"{n:,} matches written{'' if out is None else f' to {out}'}", to_stderr=True)


@results.command(
    "import",
    epilog=examples(
        "league results import poker.csv --league poker",
        "league results import chess4.jsonl --game chess4 --league chess4 --json",
    ),
)
@click.argument("file", type=PathOf(dir_okay=False))
@click.option("--format", "kind", type=click.Choice(FORMATS), help="[default: as FILE ends]")
@click.option(
    "--game", help="Name of the game, where the file gives none.  [default: the file's name]"
)
@json_option
@league_option
def import_(file: Path, kind: str | None, game: str | None, as_json: bool) -> None:
    """Rate the matches in FILE, of any game of two or more players, in a league of their own.

    The league is made if it is not there. `league report`, `league results payoff`, `league rerate`
    and `league results export` then read it. A table needs the columns match, player and place.
    Exit code: 0 imported, 2 the file does not hold the format, with the line that is wrong.
    """
    from league.results.foreign import import_results
    from league.results.reading import format_of, read_results

    with working(f"reading {file.name}") as task:
        matches = read_results(file, format_of(file, kind), game=game)

        def hear(done: int, total: int) -> None:
            task.update(done, total, f"{done:,} of {total:,} matches rated")

        done = import_results(league_root(), matches, file.name, hear)
    if as_json:
        print_json(
            {
                "game": done.game,
                "added": done.n_added,
                "known": done.n_known,
                "players": done.n_players,
                "not_for_rating": done.n_unrated,
            }
        )
        return
    known = f", {done.n_known:,} were known" if done.n_known else ""
    say(
        f"{done.n_added:,} matches of {done.game} with {done.n_players} players in "
        f"{league_root()}{known}; see `league report --league {league_root()}`"
    )


@results.command(
    epilog=examples("league results payoff", "league results payoff --members 20 --json")
)
@count_option(
    "--members", default=10, least=2, most=1_000, text="How many, the highest mu - 3 sigma first."
)
@json_option
@league_option
def payoff(members: int, as_json: bool) -> None:
    """Show who beats whom: shares of common matches, and cycles that are significant."""
    from league.folder.connect import reading
    from league.folder.memory import started_settings
    from league.rating.season import Season
    from league.results.beating import payoff_document, payoff_lines

    folder = readable_league()
    with reading(folder) as session:
        season = Season.of(started_settings(session, folder))
        found = payoff_document(session, season.rules_sha256, members)
    if as_json:
        print_json(found)
        return
    for line in payoff_lines(found):
        say(line)


@results.command(epilog=examples("league results schema", "league results schema --league big"))
@league_option
def schema() -> None:
    """Print the JSON schema of one match, draft 2020-12."""
    from league.results.schema import json_schema

    print_json(json_schema())
