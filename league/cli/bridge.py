"""`league bridge`: our members in the original engine, from the user's own checkout of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from league.cli.evaluate import evaluated, plan_options, request_of
from league.cli.match_options import workers_option
from league.cli.options import (
    Decorated,
    PathOf,
    answer,
    count_option,
    examples,
    json_option,
    league_if_any,
    league_option,
    print_json,
    say,
)
from league.cli.progress import interruptible, line_of_progress
from league.cli.words import AGAINST, MemberOrFile

if TYPE_CHECKING:
    from league.bridge.game import GameRequest

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
        "league bridge evaluate expander --engine ../OpenFrontIO --against nations:hard",
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


def lobby_options(command: Decorated) -> Decorated:
    """Add the options of a game of the original's lobby; `lobby_of` takes their values."""
    for option in reversed(
        (
            click.option(
                "--map",
                "place",
                metavar="NAME",
                default="pangaea",
                show_default=True,
                help="Map of the checkout, by the name of its folder.",
            ),
            click.option(
                "--full-size",
                is_flag=True,
                help="Play on the whole map.  [default: the compact one]",
            ),
            click.option(
                "--difficulty",
                type=click.Choice(("easy", "medium", "hard", "impossible")),
                default="medium",
                show_default=True,
                help="Of the nations.",
            ),
            click.option(
                "--nations",
                type=click.IntRange(0, 249),
                help="Number of nations.  [default: those of the map]",
            ),
            count_option("--tribes", default=100, least=0, most=249, text="Number of tribes."),
            count_option(
                "--ticks", default=6000, most=100_000, text="Longest play, ticks of 0.1 s."
            ),
            count_option(
                "--seed", default=1, least=0, most=2**61, text="Seed of the (first) game."
            ),
        )
    ):
        command = option(command)
    return command


def lobby_of(
    member: str,
    *,
    place: str,
    full_size: bool,
    difficulty: str,
    nations: int | None,
    tribes: int,
    ticks: int,
    seed: int,
) -> GameRequest:
    """Return the game that was asked for, from the values of `lobby_options`."""
    from league.bridge.game import GameRequest

    return GameRequest(
        member=member,
        map=place,
        compact=not full_size,
        difficulty=difficulty,
        nations=nations,
        tribes=tribes,
        max_ticks=ticks,
        seed=seed,
        created_at=int(1000 * time.time()),
    )


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


@bridge.command(
    epilog=examples(
        "league bridge evaluate attention-0003 --engine ../OpenFrontIO --against nations:hard",
        "league bridge evaluate expander --engine ../OpenFrontIO --against tribes:human --json",
    )
)
@click.argument("member", type=MemberOrFile())
@engine_option
@edition_option
@click.option(
    "--against",
    type=click.Choice(AGAINST),
    default="nations:medium",
    show_default=True,
    help="Who holds the other seats: minds of the original. `tribes:human` are tribes on the terms "
    "of a human, as scripted:tribe is in a match of ours.",
)
@plan_options
@click.option(
    "--land-only",
    is_flag=True,
    help="Leave out structures, boats and alliances.  [default: off]",
)
@json_option
@league_option
def evaluate(
    member: str,
    engine: Path,
    edition: str | None,
    against: str,
    land_only: bool,
    as_json: bool,
    **plan: Any,
) -> int:
    """Play a member among the original's own minds: first places and mean place.

    `league evaluate` plays the same plan in our engine. MEMBER is a member's name, a snapshot's
    hash prefix or file, or an agent spec. Nothing is stored. Exit code: 0 all matches were played;
    2 bad input; 70 the engine's process crashed or hung three times in a match; 130 interrupted.
    What was played by then is printed.
    """
    from league.bridge.checkout import bundled, find_checkout
    from league.bridge.evaluate import run_bridged_evaluation

    request = request_of(member, against, **plan)
    bundle = bundled(find_checkout(engine, edition))
    folder = league_if_any()
    return evaluated(
        lambda progress: run_bridged_evaluation(
            request, bundle, folder, progress, land_only=land_only
        ),
        as_json,
    )


@bridge.command(
    epilog=examples(
        "league bridge play attention-0003 --engine ../OpenFrontIO --out game.json",
        "league bridge play expander --engine ../OpenFrontIO --map world --tribes 40 --out g.json",
    )
)
@click.argument("member", type=MemberOrFile())
@engine_option
@edition_option
@click.option(
    "--out",
    metavar="FILE",
    type=PathOf(),
    required=True,
    help="File that the record is written to.",
)
@lobby_options
@json_option
@league_option
def play(
    member: str, engine: Path, edition: str | None, out: Path, as_json: bool, **lobby: Any
) -> int:
    """Play a member in a game of the original's lobby and write its record.

    The record opens in the original's own replay viewer; it has been checked by the original's
    schema, and by playing it again. Exit code: 0 it is written; 2 bad input; 70 the engine's
    process crashed or hung; 130 interrupted.
    """
    from league.bridge.checkout import bundled, find_checkout
    from league.bridge.game import play_game
    from league.bridge.text import format_game, game_json

    request = lobby_of(member, **lobby)
    bundle = bundled(find_checkout(engine, edition))
    with interruptible(), line_of_progress() as show:
        report = play_game(
            request,
            bundle,
            league_if_any(),
            out,
            lambda tick, last, rank, share: show(
                lambda: f"tick {tick:,}, place {rank}, {100 * share:.1f} % of all land", tick, last
            ),
        )
    answer("\n".join(format_game(report)), game_json(report), as_json=as_json)
    return 0


@bridge.command(
    epilog=examples(
        "league bridge games attention-0003 --engine ../OpenFrontIO --games 12",
        "league bridge games expander --engine ../OpenFrontIO --difficulty hard --records games",
    )
)
@click.argument("member", type=MemberOrFile())
@engine_option
@edition_option
@count_option("--games", default=12, most=10_000, text="Games, each on a seed of its own.")
@lobby_options
@workers_option()
@click.option(
    "--records",
    metavar="DIR",
    type=PathOf(),
    help="Write the records of the games into this folder, as `play` does.  [default: none]",
)
@json_option
@league_option
def games(
    member: str,
    engine: Path,
    edition: str | None,
    games: int,
    n_workers: int | None,
    records: Path | None,
    as_json: bool,
    **lobby: Any,
) -> int:
    """Play a member in many games of the original's lobby: how often it wins.

    A game is won with more than 80 % of all land, and counts as not won at --ticks. Nothing is
    stored in the league. Exit code: 0 all games were played; 2 bad input, or the member failed; 70
    the engine's process crashed or hung three times in a game; 130 interrupted. What was played by
    then is printed.
    """
    from league.bridge.checkout import bundled, find_checkout
    from league.bridge.games import GamesRequest, play_games
    from league.bridge.text import format_games, games_json

    request = GamesRequest(lobby_of(member, **lobby), games, n_workers, records)
    bundle = bundled(find_checkout(engine, edition))
    with interruptible(), line_of_progress() as show:
        report = play_games(
            request,
            bundle,
            league_if_any(),
            lambda done, total, won: show(
                lambda: f"{done} of {total} games, {won} won", done, total
            ),
        )
    answer("\n".join(format_games(report)), games_json(report), as_json=as_json)
    return report.exit_code
