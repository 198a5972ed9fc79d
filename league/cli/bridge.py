"""`league bridge`: our members in the original engine, from the user's own checkout of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from league.cli.options import (
    PathOf,
    examples,
    json_option,
    league_option,
    print_json,
    say,
)

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

EDITIONS = ("2025", "2026")
EXIT_MISSING = 2


def engine_option(command: Decorated) -> Decorated:
    """Add `--engine PATH`, the user's checkout of the original."""
    return click.option(
        "--engine",
        metavar="PATH",
        type=PathOf(),
        envvar="LEAGUE_OPENFRONT",
        required=True,
        help="Your checkout of the original, OpenFrontIO.  [default: $LEAGUE_OPENFRONT]",
    )(command)


def edition_option(command: Decorated) -> Decorated:
    """Add `--edition`, which the checkout must be of."""
    return click.option(
        "--edition",
        type=click.Choice(EDITIONS),
        help="Edition that the checkout must be of.  [default: any that can be played: 2026]",
    )(command)


@click.group(
    epilog=examples(
        "league bridge check --engine ../OpenFrontIO",
        "league bridge check --engine ../OpenFrontIO --json",
    )
)
@league_option
def bridge() -> None:
    """Play in the original engine, from your own checkout of it.

    The engine (AGPL) is not part of this program: it is bundled on your machine from your checkout,
    and runs as a process of Node.js beside each worker. Exit codes: 0 done; 2 the checkout,
    Node.js, a package or the request; 70 the engine's process crashed or hung, and what was played
    by then is printed; 130 interrupted.
    """


@bridge.command(
    epilog=examples(
        "league bridge check --engine ../OpenFrontIO",
        "league bridge check --engine ../OpenFrontIO --rebuild --json",
    )
)
@engine_option
@edition_option
@click.option(
    "--rebuild", is_flag=True, help="Bundle the engine anew, even if it was.  [default: off]"
)
@json_option
@league_option
def check(engine: Path, edition: str | None, rebuild: bool, as_json: bool) -> int:
    """Say whether matches can be played in the original engine, and what is missing.

    Exit code: 0 they can, 2 something is missing.
    """
    from league.bridge.examine import examine

    found = examine(engine, edition, rebuild=rebuild)
    if as_json:
        print_json(
            {
                **{"ok": found.ok, "edition": found.edition, "commit": found.commit},
                **{"node": found.node, "esbuild": found.esbuild},
                "findings": [
                    {"step": each.step, "ok": each.ok, "text": each.text} for each in found.findings
                ],
            }
        )
    else:
        for each in found.findings:
            mark = {True: "ok", False: "MISSING", None: "-"}[each.ok]
            say(f"{each.step:9} {mark:8} {each.text}")
    return 0 if found.ok else EXIT_MISSING
