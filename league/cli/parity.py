"""`league parity`: replay recorded scenarios of the original engine and check fixed gates."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from league.cli.options import PathOf, examples, json_option, league_option, print_json, say

if TYPE_CHECKING:
    from arena.parity import Gate

EDITIONS = ("2025", "2026")
EXIT_MISSED = 1
_HEADER = f"{'scenario':32} {'gate':36} {'gap':>10} {'allowed':>9} {'unit':9}"


@click.command(
    epilog=examples(
        "league parity reference/duel_BH_plains.json",
        "league parity reference/bots10_256_seedA0001.json --maps maps --json",
        "league parity --edition 2026 reference2026/duel_HH_plains_equal.json",
    )
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=PathOf())
@click.option(
    "--maps",
    metavar="DIR",
    type=PathOf(),
    help="Folder of the scenarios' maps.  [default: ../maps beside the first FILE's folder]",
)
@click.option(
    "--edition",
    type=click.Choice(EDITIONS),
    default="2025",
    show_default=True,
    help="Edition of the original engine that recorded the scenarios.",
)
@json_option
@league_option
def parity(files: tuple[Path, ...], maps: Path | None, edition: str, as_json: bool) -> int:
    """Replay the recorded scenario in each FILE and compare its curves with ours.

    Prints one row per gate: the measured gap and the allowed one. Exit code: 0 all gates are held,
    1 a gate is missed.
    """
    folder = maps or files[0].resolve().parent.parent / "maps"
    gates = _check(files, folder, edition)
    held = _print_document(gates) if as_json else _print_rows(gates)
    return 0 if held else EXIT_MISSED


def _check(files: tuple[Path, ...], maps: Path, edition: str) -> Iterator[Gate]:
    """Yield the gates of all files in order, those of a file as soon as it has been replayed."""
    from arena.parity import check_file

    for path in files:
        yield from check_file(path, maps, edition)


def _print_rows(gates: Iterator[Gate]) -> bool:
    """Print the gates as they come (a large scenario takes seconds); return if all are held."""
    held = True
    for number, gate in enumerate(gates):
        if number == 0:
            say(_HEADER)
        held &= gate.is_held
        say(
            f"{gate.scenario:32} {gate.what:36} {gate.gap:10.3f} {gate.allowed:9.2f} "
            f"{gate.unit:9}{'' if gate.is_held else '  MISSED'}"
        )
    return held


def _print_document(gates: Iterator[Gate]) -> bool:
    """Print all gates as JSON; return whether all are held."""
    rows = [_row(gate) for gate in gates]
    held = all(row["held"] for row in rows)
    print_json({"held": held, "gates": rows})
    return held


def _row(gate: Gate) -> dict[str, Any]:
    return {
        "scenario": gate.scenario,
        "gate": gate.what,
        # JSON has no NaN: a formula that gave NaN misses its gate, and the gap is unknown.
        "gap": gate.gap if math.isfinite(gate.gap) else None,
        "allowed": gate.allowed,
        "unit": gate.unit,
        "held": gate.is_held,
    }
