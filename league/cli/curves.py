"""`league curves`: the progress of the learners, as tables, as JSON, as a picture or as a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from league.cli.options import (
    PathOf,
    examples,
    json_option,
    league_option,
    league_roots,
    league_url,
    print_json,
    readable_league,
    say,
    stdout_console,
)
from league.cli.working import working

if TYPE_CHECKING:
    from league.folder.layout import LeagueFolder

# What is drawn -> the sections of the page that show it (league.page.render).
SECTIONS = {
    "rating": ("progress",),
    "training": ("training", "opponents"),
    "payoff": ("beats",),
    "placements": ("places",),
}


@click.command(
    epilog=examples(
        "league curves",
        "league curves --png curves.png --by minutes",
        "league curves --what training --html training.html",
        "league curves --what payoff --png payoff.png",
        "league curves seed-1 seed-2 seed-3 --png seeds.png",
    )
)
@click.argument("folders", nargs=-1, metavar="[FOLDER]...", type=PathOf())
@click.option(
    "--what",
    type=click.Choice(list(SECTIONS)),
    default="rating",
    show_default=True,
    help="What to show: ratings of snapshots, updates of the learners, who beats whom, or places. "
    "The last two need --png or --html.",
)
@click.option(
    "--png",
    "png_path",
    metavar="FILE",
    type=PathOf(dir_okay=False),
    help="Draw it into a picture, ratings of all leagues into one (needs the extra `plot`).  "
    "[default: none]",
)
@click.option(
    "--html",
    "html_path",
    metavar="FILE",
    type=PathOf(dir_okay=False),
    help="Write it as a page that any browser opens; needs no extra.  [default: none]",
)
@click.option(
    "--against",
    "--by",
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
    what: str,
    png_path: Path | None,
    html_path: Path | None,
    against: str,
    min_matches: int | None,
    as_json: bool,
) -> None:
    """Show the progress of the learners of a league, or of each league in FOLDER.

    For every snapshot: trained decisions, minutes since the first start, rating, rated matches and
    mean placement. For every lineage: the first snapshot whose mu - 3 sigma is above those of
    tribe, expander, turtle and opportunist by today's ratings, and since when the newest snapshot
    has been above them by the ratings at each moment. With --what training: losses, entropy, places
    and speed of every stored update. Only reads, whether the league is running or not.
    """
    from league.folder.layout import open_folder

    if what in ("payoff", "placements") and png_path is None and html_path is None:
        raise click.UsageError(
            f"--what {what} goes with --png or --html; `league report --payoff` prints it"
        )
    if as_json and what in ("payoff", "placements"):
        raise click.UsageError("--json goes with --what rating and --what training")
    if png_path is not None:
        from league.report.figures import require_matplotlib

        require_matplotlib()
    by_url = league_url() is not None and not folders
    roots = [readable_league().root] if by_url else league_roots(folders)
    if len(roots) > 1 and (what != "rating" or html_path is not None):
        raise click.UsageError(
            f"expected one league for --what {what}{' --html' if html_path else ''}, found "
            f"{len(roots)}"
        )
    leagues = [readable_league()] if by_url else [open_folder(root) for root in roots]
    if html_path is not None:
        from league.page.write import write_page

        with working("reading the league") as task:
            page = write_page(leagues[0], html_path, only=SECTIONS[what], progress=task.update)
        say(page)
    if what == "rating":
        _ratings(roots, leagues, png_path, against, min_matches, as_json, html_path is None)
        return
    if png_path is not None:
        from league.page.facts import read_facts
        from league.page.plots import PLOTS

        say(PLOTS[what](read_facts(leagues[0]), png_path, against))
    if what == "training" and (as_json or (png_path is None and html_path is None)):
        from league.curves.training import read_updates, training_screen, updates_document

        if as_json:
            name = leagues[0].name
            document = updates_document(name, read_updates(leagues[0]))
            print_json(document, "league-training/1")
        else:
            stdout_console().print(training_screen(read_updates(leagues[0])), highlight=False)


def _ratings(
    roots: list[Path],
    leagues: list[LeagueFolder],
    png_path: Path | None,
    against: str,
    min_matches: int | None,
    as_json: bool,
    may_print: bool,
) -> None:
    """Show ratings of snapshots: a picture, JSON, or tables where nothing was written."""
    if png_path is None and not as_json and not may_print:
        return
    from league.curves.lineages import MIN_MATCHES, curves_document, league_curves
    from league.report.state import StateReader

    # Seeds are often kept as seed-1/league, seed-2/league: then the last part tells none of them
    # apart.
    named = len({root.resolve().name for root in roots}) == len(roots)
    found = []
    for root, league in zip(roots, leagues, strict=True):
        with working(f"reading {root}"), StateReader(league) as reader:
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
