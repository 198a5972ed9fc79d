"""`league bench manager`: what a manager does for each match, and what of it grows."""

from __future__ import annotations

import click

from league.cli.bench_options import tell
from league.cli.options import answer, count_option, examples, json_option, league_option


@click.command(
    epilog=examples(
        "league bench manager --matches 2000 --recorded 64",
        "league bench manager --database postgresql://me@localhost/empty",
    )
)
@count_option("--members", default=200, least=12, most=10_000, text="Members of the league.")
@count_option("--matches", default=100_000, least=100, most=10_000_000, text="Matches before.")
@count_option("--recorded", default=480, least=32, most=1_000_000, text="Matches to record.")
@click.option(
    "--database",
    "url",
    metavar="URL",
    help="Measure in this empty database on a server.  [default: a SQLite file]",
)
@json_option
@league_option
def manager(members: int, matches: int, recorded: int, url: str | None, as_json: bool) -> None:
    """Measure recording, rating and planning in a long league, and which queries grow with it."""
    from league.bench import manager as subject

    result = subject.run(members, matches, recorded, url, tell)
    answer("\n".join(subject.lines(result)), result, as_json=as_json)
