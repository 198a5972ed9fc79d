"""`league curves`: the progress of the learners, as tables, as JSON or as a picture."""

from __future__ import annotations

from pathlib import Path

import click

from league.cli.options import (
    PathOf,
    examples,
    json_option,
    league_option,
    league_roots,
    print_json,
    say,
    stdout_console,
)


@click.command(
    epilog=examples(
        "league curves",
        "league curves --png curves.png --against minutes",
        "league curves seed-1 seed-2 seed-3 --png seeds.png",
    )
)
@click.argument("folders", nargs=-1, metavar="[FOLDER]...", type=PathOf())
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
    help="What the picture's horizontal axis counts: trained decisions, or minutes since the first "
    "start, including pauses.",
)
@click.option(
    "--min-matches",
    type=click.IntRange(min=1),
    metavar="N",
    help="Rated matches that a member needs before its rating counts.  [default: 30]",
)
@json_option
@league_option
def curves(
    folders: tuple[Path, ...],
    png_path: Path | None,
    against: str,
    min_matches: int | None,
    as_json: bool,
) -> None:
    """Show the progress of the learners of a league, or of each league in FOLDER.

    For every snapshot: trained decisions, minutes since the first start, rating, rated matches and
    mean placement. For every lineage: the first snapshot whose mu - 3 sigma is above those of
    tribe, expander, turtle and opportunist by today's ratings, and since when the newest snapshot
    has been above them by the ratings at each moment. Only reads, whether the league is running or
    not.
    """
    from league.curves.lineages import MIN_MATCHES, curves_document, league_curves
    from league.folder.layout import open_folder
    from league.report.state import StateReader

    if png_path is not None:
        from league.report.figures import require_matplotlib

        require_matplotlib()
    roots = league_roots(folders)
    # Seeds are often kept as seed-1/league, seed-2/league: then the last part tells none of them
    # apart.
    named = len({root.resolve().name for root in roots}) == len(roots)
    found = []
    for root in roots:
        with StateReader(open_folder(root)) as reader:
            state, moments = reader.read(), reader.read_moments()
        name = None if named else str(root)
        found.append(
            league_curves(state, moments, min_matches=min_matches or MIN_MATCHES, name=name)
        )
    if png_path is not None:
        from league.curves.picture import draw_curves

        draw_curves(found, png_path, against=against)
    if as_json:
        print_json(curves_document(found))
    elif png_path is not None:
        say(png_path)
    else:
        from league.curves.screen import curves_screen

        stdout_console().print(curves_screen(found), highlight=False)
