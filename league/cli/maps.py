"""`league maps`: check, generate and draw maps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from league.cli.options import (
    PathOf,
    Reference,
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
    from arena.territory.maps import TerritoryMap


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
        "league maps check --json generated:continents:64x64:1",
    )
)
@click.argument("reference", metavar="PATH", type=Reference())
@json_option
@league_option
def check(reference: str, as_json: bool) -> None:
    """Check whether PATH (a folder, a PNG or generated:...) is a map that can be played."""
    territory = _load(reference)
    facts = _facts(territory)
    if as_json:
        print_json({"ok": True, **facts})
        return
    say(
        f"{facts['name']}: a playable map of {facts['width']} x {facts['height']} tiles, "
        f"{facts['n_land']} land, {facts['n_playable']} playable, room for "
        f"{facts['max_seats']} seats"
    )
    for warning in territory.warnings:
        say(f"warning: {warning}")


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
@league_option
def generate(preset: str, size: str, seed: int, out: Path | None) -> None:
    """Generate a map and write it to a folder."""
    from arena.territory.maps import generate_map, save_map

    width, cross, height = size.partition("x")
    if not (cross and width.isdecimal() and height.isdecimal()):
        raise UsageError(f"--size: expected WIDTHxHEIGHT such as 128x128, found {size!r}")
    folder = out or Path(f"{preset}-{size}-{seed}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"--out: expected a new or empty folder, found {folder}; name another one")
    territory = generate_map(preset, int(width), int(height), seed)
    say(save_map(territory, folder))


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
    from arena.territory.engine.rules import FULL_DISC_TILES, MAX_SEATS

    return {
        "name": territory.name,
        "width": territory.width,
        "height": territory.height,
        "n_land": territory.n_land,
        "n_playable": territory.n_playable,
        "max_seats": min(territory.n_playable // FULL_DISC_TILES, MAX_SEATS),
        "sha256": territory.sha256,
        "warnings": list(territory.warnings),
    }
