"""`league bench ages`: the places of snapshots in mixed company over the training of lineages."""

from __future__ import annotations

from pathlib import Path

import click

from league.cli.bench_options import tell
from league.cli.match_options import workers_option
from league.cli.options import (
    PathOf,
    answer,
    count_option,
    examples,
    json_option,
    league_option,
    league_roots,
)


@click.command(
    epilog=examples(
        "league bench ages --png ages.png",
        "league bench ages seed-1 seed-2 seed-3 --ages 6 --matches 400 --planner 80 --png ages.png",
    )
)
@click.argument("folders", nargs=-1, metavar="[FOLDER]...", type=PathOf())
@count_option("--ages", default=6, least=2, most=100, text="Snapshots of each lineage at most.")
@count_option(
    "--matches", default=400, least=16, most=100_000, text="Matches of each in mixed company."
)
@count_option(
    "--planner",
    default=0,
    least=0,
    most=100_000,
    text="Matches of a planner in the same company; some ten seconds of a core each.",
)
@click.option(
    "--png",
    "png_path",
    metavar="FILE",
    type=PathOf(dir_okay=False),
    help="Draw all leagues into one picture (needs the extra `plot`).  [default: none]",
)
@click.option(
    "--against",
    type=click.Choice(["decisions", "minutes"]),
    default="decisions",
    show_default=True,
    help="What the picture's horizontal axis counts.",
)
@workers_option("Processes that play.")
@click.option(
    "--out",
    type=PathOf(),
    default="bench-ages",
    show_default=True,
    help="Folder that keeps what was played; the same command goes on.",
)
@json_option
@league_option
def ages(
    folders: tuple[Path, ...],
    ages: int,
    matches: int,
    planner: int,
    png_path: Path | None,
    against: str,
    n_workers: int | None,
    out: Path,
    as_json: bool,
) -> None:
    """Play snapshots of each lineage in mixed company, from its first to its newest.

    The company is the same for all: the five scripts and both held-out strategists, on equal maps,
    seeds and seats. Prints mean places and first places by age, and whether the newest is better
    than two thirds of the way. The leagues, each in FOLDER, are only read, running or not.
    """
    from league.bench.ages import Asked, run
    from league.bench.ages_text import document, lines
    from league.folder.layout import open_folder

    if png_path is not None:
        from league.report.figures import require_matplotlib

        require_matplotlib()
    asked = Asked(out, ages, matches, planner, n_workers)
    leagues = [open_folder(root) for root in league_roots(folders)]
    found = run(leagues, asked, tell)
    if png_path is not None:
        from league.bench.ages_picture import draw_ages

        draw_ages(found, png_path, against=against)
    shown = [*lines(found), *([] if png_path is None else [str(png_path)])]
    answer("\n".join(shown), document(found), as_json=as_json)
