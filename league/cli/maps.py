"""`league maps`: check, generate and draw maps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from league.cli.options import (
    PathOf,
    Reference,
    answer,
    count_option,
    examples,
    json_option,
    league_option,
    league_root,
    print_json,
    say,
    stdout_console,
)
from league.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arena.territory.maps import TerritoryMap

EXIT_TOO_SMALL = 1


@click.group(
    epilog=examples(
        "league maps check generated:continents:128x128:7",
        "league maps generate --preset lakes --size 256x256 --seed 3 --out lakes-3",
    )
)
@league_option
def maps() -> None:
    """Check, generate and draw maps."""


@maps.command(
    epilog=examples(
        "league maps check generated:lakes:128x128:7",
        "league maps check --seats 4 --json generated:continents:64x64:1",
    )
)
@click.argument("reference", metavar="PATH", type=Reference())
@click.option(
    "--seats",
    "n_seats",
    type=click.IntRange(2, 64),
    help="Seats of the matches to be played.  [default: those of the league, else 10]",
)
@json_option
@league_option
def check(reference: str, n_seats: int | None, as_json: bool) -> int:
    """Check whether PATH (a folder, a PNG or generated:...) is a map that can be played.

    Says how the heights were read, how much of the land is plains, highland and mountain, and which
    land counts. Exit code: 0 it can, 1 it has too little land for so many seats.
    """
    territory = _load(reference)
    seats = n_seats or _seats_of_league()
    facts = _facts(territory)
    has_room = facts["max_seats"] >= seats
    if as_json:
        print_json({"ok": has_room, "seats": seats, **facts})
        return 0 if has_room else EXIT_TOO_SMALL
    for line in _description(facts, seats):
        say(line)
    for warning in territory.warnings:
        say(f"warning: {warning}")
    return 0 if has_room else EXIT_TOO_SMALL


def _seats_of_league() -> int:
    """Return the seats of the league that the command is about, or of a new one."""
    from league.config.layers import resolve
    from league.folder.layout import LeagueFolder

    folder = LeagueFolder(league_root())
    return resolve(None, folder.toml if folder.is_league() else None).rules.n_seats


def _description(facts: dict[str, Any], seats: int) -> Iterator[str]:
    size = f"{facts['width']} x {facts['height']} tiles, {facts['n_land']:,} land"
    room = f"room for {facts['max_seats']} seats"
    if facts["max_seats"] >= seats:
        yield f"{facts['name']}: a playable map of {size}, {room}"
    elif facts["max_seats"] < 2:
        yield f"{facts['name']}: no match can be played on this map of {size}: {room}"
    else:
        yield (
            f"{facts['name']}: too small for {seats} seats, a map of {size}: {room}; a league "
            f"on it needs --set rules.n_seats={facts['max_seats']} or fewer"
        )
    shares = ", ".join(f"{kind} {100 * share:.0f} %" for kind, share in facts["shares"].items())
    yield f"{facts['reading']}: {shares} of the land"
    counts = f"{facts['n_playable']:,} tiles, {100 * facts['playable_share']:.0f} % of the land"
    yield (
        f"matches are played on the largest land mass alone: {counts}; one ends when a seat holds "
        f"{100 * facts['win_share']:.0f} % of it"
    )


@maps.command(
    epilog=examples(
        "league maps convert image.png --reading openfront --out my-map",
        "league maps convert heights.png --out heights",
    )
)
@click.argument("picture", metavar="PNG", type=PathOf(dir_okay=False))
@click.option(
    "--reading",
    type=click.Choice(["brightness", "mask", "openfront"]),
    help="How heights are read (docs/territory.md).  [default: as the picture looks]",
)
@click.option("--out", metavar="FOLDER", type=PathOf(), required=True, help="A new folder.")
@json_option
@league_option
def convert(picture: Path, reading: Any, out: Path, as_json: bool) -> None:
    """Make a map folder of the picture PNG: its bytes then stay, however pictures are read."""
    from arena.territory.maps import map_from_png, save_map

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"--out: expected a new or empty folder, found {out}; name another one")
    territory = map_from_png(picture, reading)
    _say_written(save_map(territory, out), territory, as_json)
    say(territory.reading, to_stderr=True)
    for warning in territory.warnings:
        say(f"warning: {warning}", to_stderr=True)


@maps.command(
    epilog=examples(
        "league maps generate --out my-map",
        "league maps generate --preset highlands --size 256x256 --seed 3 --out highlands-3",
    )
)
@click.option("--preset", default="continents", show_default=True, help="Kind of landscape.")
@click.option("--size", default="128x128", show_default=True, help="Width x height in tiles.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the map.")
@click.option(
    "--out",
    metavar="FOLDER",
    type=PathOf(),
    help="Folder for map.bin and manifest.json.  [default: ./PRESET-WIDTHxHEIGHT-SEED]",
)
@json_option
@league_option
def generate(preset: str, size: str, seed: int, out: Path | None, as_json: bool) -> None:
    """Generate a map and write it to a folder."""
    from arena.territory.maps import generate_map, save_map

    width, cross, height = size.partition("x")
    if not (cross and width.isdecimal() and height.isdecimal()):
        raise UsageError(f"--size: expected WIDTHxHEIGHT such as 128x128, found {size!r}")
    folder = out or Path(f"{preset}-{size}-{seed}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"--out: expected a new or empty folder, found {folder}; name another one")
    territory = generate_map(preset, int(width), int(height), seed)
    _say_written(save_map(territory, folder), territory, as_json)


def _say_written(folder: Path, territory: TerritoryMap, as_json: bool) -> None:
    """Say where a map was written; as JSON, with what it is."""
    document = {"path": str(folder), **_facts(territory)} if as_json else {}
    answer(folder, document, as_json=as_json)


@maps.command(
    epilog=examples(
        "league maps show generated:continents:128x128:7",
        "league maps show generated:lakes:64x64:1 --columns 40",
    )
)
@click.argument("reference", metavar="PATH", type=Reference())
@count_option("--columns", default=80, most=500, text="Width of the drawing in characters.")
@click.option(
    "--png",
    "png_path",
    metavar="FILE",
    type=PathOf(dir_okay=False),
    help="Write a PNG with one pixel per tile instead, which loads as the same map.  "
    "[default: none]",
)
@league_option
def show(reference: str, columns: int, png_path: Path | None) -> None:
    """Draw the map at PATH (a folder, a PNG or generated:...): in colour on a terminal,
    otherwise in letters (~ water, . plains, n highland, ^ mountain)."""
    from arena.territory.maps import draw_map, map_to_png

    territory = _load(reference)
    if png_path is not None:
        say(map_to_png(territory, png_path))
        return
    console = stdout_console()
    in_colour = console.color_system is not None
    drawing = draw_map(territory, columns, columns, in_colour=in_colour)
    if in_colour:
        console.print(drawing)
    else:
        say(drawing.plain)


def _load(reference: str) -> TerritoryMap:
    """Load a map by its reference; a relative path may also be inside the league folder."""
    from arena.territory.maps import load_map

    is_path = not reference.startswith("generated:")
    in_league = is_path and not Path(reference).exists() and (league_root() / reference).exists()
    return load_map(reference, base=league_root() if in_league else None)


def _facts(territory: TerritoryMap) -> dict[str, Any]:
    import numpy as np

    from arena.territory.engine.rules import FULL_DISC_TILES, MAX_SEATS, WIN_SHARE
    from arena.territory.maps.terrain import HIGHLAND_MAGNITUDE, MOUNTAIN_MAGNITUDE

    heights = territory.magnitude[territory.land]
    kinds = np.digitize(heights, (HIGHLAND_MAGNITUDE, MOUNTAIN_MAGNITUDE))
    counts = np.bincount(kinds, minlength=3).tolist()
    names = ("plains", "highland", "mountain")
    return {
        "name": territory.name,
        "width": territory.width,
        "height": territory.height,
        "n_land": territory.n_land,
        "n_playable": territory.n_playable,
        "max_seats": min(territory.n_playable // FULL_DISC_TILES, MAX_SEATS),
        "playable_share": territory.n_playable / territory.n_land,
        "win_share": WIN_SHARE,
        "reading": territory.reading,
        "shares": {name: n / territory.n_land for name, n in zip(names, counts, strict=True)},
        "sha256": territory.sha256,
        "warnings": list(territory.warnings),
    }
