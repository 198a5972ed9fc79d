"""`league replay`: recorded matches, played back, shown, exported."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from league.cli.options import (
    PathOf,
    Reference,
    count_option,
    examples,
    existing_league,
    has_league,
    json_option,
    league_option,
    league_root,
    print_json,
    say,
    say_over,
)
from league.cli.progress import PIPE_PAUSE_S

if TYPE_CHECKING:
    from league.folder.layout import LeagueFolder
    from league.viewer.found import FoundMatch

QUIET_S = 1.0  # what is done sooner says nothing on the way


@click.group(epilog=examples("league replay show 12", "league replay verify match.replay"))
@league_option
def replay() -> None:
    """Recorded matches: play them back, show them, export them."""


@replay.command(
    epilog=examples("league replay verify 12", "league replay verify match.replay --json")
)
@click.argument("match", type=Reference())
@json_option
@league_option
def verify(match: str, as_json: bool) -> None:
    """Play MATCH (its number in the league, or a replay file) back and compare the final state."""
    from arena.replay import verify as play_and_compare
    from league.inspect.look import find_replay, map_loader

    recorded, _ = find_replay(match, existing_league() if match.isdecimal() else None)
    sha256 = play_and_compare(recorded, map_loader(match, league_root().resolve()))
    if as_json:
        print_json(
            {
                "match": match,
                "ticks": recorded.ticks,
                "final_state_sha256": sha256,
                "placements": list(recorded.placements),
            }
        )
    else:
        say(f"{match}: {recorded.ticks} ticks played back to the same final state {sha256[:16]}")


@replay.command(
    epilog=examples(
        "league replay show 12",
        "league replay show 12 --html match.html --seat 3 --attention",
    )
)
@click.argument("match", type=Reference())
@click.option(
    "--html",
    "html_path",
    metavar="FILE",
    type=PathOf(dir_okay=False),
    help="Write a page for the browser, one file that asks no server.  [default: none]",
)
@click.option(
    "--seat",
    "seats",
    type=int,
    multiple=True,
    help="Seat to follow from the start, counted from 0; repeatable with --attention.",
)
@click.option(
    "--attention",
    "with_attention",
    is_flag=True,
    help="Lay the attention of --seat's network over the map, by default of the best one that has "
    "it; only with --html.  [default: off]",
)
@click.option(
    "--every",
    metavar="TICKS",
    type=click.IntRange(min=1),
    help="Ticks between two rows of the table.  [default: a twentieth of the match]",
)
@json_option
@league_option
def show(
    match: str,
    html_path: Path | None,
    seats: tuple[int, ...],
    with_attention: bool,
    every: int | None,
    as_json: bool,
) -> None:
    """Show MATCH (its number in the league, or a replay file).

    With --html as a page for the browser; else it plays on a terminal (space, arrows, f, q), and on
    a pipe it is a table of who held how much land when.
    """
    from league.inspect.look import map_loader
    from league.viewer.show import check_seats, write_page

    if with_attention and html_path is None:
        raise click.UsageError("expected --html FILE with --attention, found --attention alone")
    found, folder = _find(match)
    check_seats(found, seats)
    load_map = map_loader(match, league_root().resolve())
    if html_path is not None:
        with _progress("playing back, tick") as progress:
            size = write_page(
                found,
                load_map,
                folder,
                html_path,
                seats=seats,
                with_attention=with_attention,
                progress=progress,
            )
        if as_json:
            page = {"match": match, "html": str(html_path), "bytes": size}
            print_json(page, "league-replay-page/1")
        else:
            say(f"{html_path}: {found.title}, {size / 1000:,.0f} kB; open it in a browser")
        return
    from arena.viewer.film import record_film
    from league.viewer.table import film_json, film_lines

    with _progress("playing back, tick") as progress:
        film = record_film(found.replay, load_map, progress=progress)
    if as_json:
        print_json({"match": match, **film_json(film, found, every)})
    elif sys.stdout.isatty() and sys.stdin.isatty() and every is None:
        from league.viewer.terminal import play

        play(film, found, next(iter(seats), None))
    else:
        for line in film_lines(film, found, every):
            say(line)


@replay.command(
    epilog=examples("league replay export 12 match.gif", "league replay export 12 match.mp4")
)
@click.argument("match", type=Reference())
@click.argument("file", type=PathOf(dir_okay=False))
@count_option(
    "--side", default=640, least=64, most=4096, text="Pixels of the map's longer side, about."
)
@json_option
@league_option
def export(match: str, file: Path, side: int, as_json: bool) -> None:
    """Write MATCH (its number in the league, or a replay file) as GIF, or as MP4 with ffmpeg.

    FILE ends in .gif or .mp4. The pictures show the map and its seats; at most half a minute.
    """
    from arena.viewer.export import export_film, find_writer
    from arena.viewer.film import record_film
    from league.inspect.look import map_loader

    find_writer(file)  # before a long match is played back in vain
    found, _ = _find(match)
    load_map = map_loader(match, league_root().resolve())
    with _progress("playing back, tick") as progress:
        film = record_film(found.replay, load_map, progress=progress)
    with _progress("drawing") as progress:
        size = export_film(film, found.names, found.title, file, side=side, progress=progress)
    if as_json:
        print_json({"match": match, "file": str(file), "bytes": size})
    else:
        say(f"{file}: {found.title}, {size / 1000:,.0f} kB")


def _find(match: str) -> tuple[FoundMatch, LeagueFolder | None]:
    """Return a match, and the league that it is of or that was named with its file."""
    from league.viewer.found import find_match

    folder = existing_league() if match.isdecimal() or has_league() else None
    return find_match(match, folder), folder


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Yield what shows progress and the time left: on one line of a terminal, else now and then."""
    on_terminal = sys.stderr.isatty()
    pause = 0.25 if on_terminal else PIPE_PAUSE_S
    begun: tuple[float, int] | None = None  # what comes before the first report is no measure
    shown = 0.0

    def report(done: int, all_of_it: int) -> None:
        nonlocal begun, shown
        now = time.monotonic()
        if begun is None:
            begun, shown = (now, done), now + QUIET_S - pause
        if now - shown < pause or done <= begun[1]:
            return
        shown = now
        left = (now - begun[0]) * (all_of_it - done) / (done - begun[1])
        line = f"{what}: {done:,} of {all_of_it:,}, {left:.0f} s left"
        if on_terminal:
            say_over(line)
        else:
            say(line, to_stderr=True)

    try:
        yield report
    finally:
        if on_terminal:
            say_over("")
