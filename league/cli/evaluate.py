"""`league evaluate`: a member among seats of one kind; and what `league bridge evaluate` shares."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from league.cli.match_options import game_options, maps_option, workers_option
from league.cli.options import (
    Decorated,
    PathOf,
    answer,
    count_option,
    examples,
    json_option,
    league_if_any,
    league_option,
)
from league.cli.progress import interruptible, line_of_progress
from league.cli.words import MemberOrFile, Opponent

if TYPE_CHECKING:
    from league.evaluation.plan import EvaluateRequest
    from league.evaluation.played import Evaluation, Progress


def plan_options(command: Decorated) -> Decorated:
    """Add the options of an evaluation's plan, which are the same in every engine."""
    for option in reversed(
        (
            count_option(
                "--matches", default=48, most=100_000, text="Matches, each on a seed of its own."
            ),
            click.option(
                "--seats",
                "n_seats",
                type=click.IntRange(2, 250),
                help="Seats, the member's included.  [default: those of the rules, mostly 10]",
            ),
            click.option(
                "--ticks",
                "max_ticks",
                type=click.IntRange(min=1, max=100_000),
                help="Length of a match, ticks of 0.1 s.  [default: that of the rules]",
            ),
            maps_option,
            count_option(
                "--seed",
                default=1,
                least=0,
                most=2**61,
                text="Seed of the first match; each further match takes the next one.",
            ),
            workers_option(),
            game_options,
        )
    ):
        command = option(command)
    return command


def request_of(
    member: str,
    against: str,
    *,
    matches: int,
    n_seats: int | None,
    max_ticks: int | None,
    maps: tuple[str, ...],
    seed: int,
    n_workers: int | None,
    preset: str | None,
    sets: tuple[str, ...],
) -> EvaluateRequest:
    """Return what was asked for, from the values of `plan_options`."""
    from league.evaluation.plan import EvaluateRequest
    from league.pit.table import Game

    return EvaluateRequest(
        *(member, against, matches, n_seats, max_ticks, maps, seed, n_workers),
        game=Game(preset, sets),
    )


def evaluated(play: Callable[[Progress], Evaluation], as_json: bool) -> int:
    """Play with a line of progress, print what was found, and return the exit code."""
    from league.evaluation.text import evaluation_json, format_evaluation

    with interruptible(), line_of_progress() as show:
        report = play(
            lambda done, total, firsts, mean: show(
                lambda: f"{done} of {total} matches, first in {firsts:g}, mean place {mean:.2f}",
                done,
                total,
            ),
        )
    answer("\n".join(format_evaluation(report)), evaluation_json(report), as_json=as_json)
    return report.exit_code


@click.command(
    epilog=examples(
        "league evaluate attention-0003 --against nations:hard --matches 48",
        "league evaluate expander --against tribes:human --preset real --json",
    )
)
@click.argument("member", type=MemberOrFile())
@click.option(
    "--against",
    type=Opponent(),
    default="nations:medium",
    show_default=True,
    help="Who holds the other seats: nations:easy, nations:medium, nations:hard, "
    "nations:impossible, tribes, tribes:human (on the terms of a human), or a member, agent spec "
    "or file.",
)
@plan_options
@click.option(
    "--replays",
    metavar="DIR",
    type=PathOf(),
    help="Write the matches into this folder, to be watched.  [default: none]",
)
@json_option
@league_option
def evaluate(
    member: str,
    against: str,
    replays: Path | None,
    as_json: bool,
    **plan: Any,
) -> int:
    """Play a member in one seat among seats of one kind: first places and mean place.

    MEMBER is a member's name, a snapshot's hash prefix or file, or an agent spec. In a league its
    own rules and maps are played. Nothing is stored. Exit code: 0 all matches were played; 2 bad
    input, or an agent that failed three times in a match; 70 matches failed though no agent did;
    130 interrupted. What was played by then is printed.
    """
    from league.evaluation.run import run_evaluation

    request = request_of(member, against, **plan)
    folder = league_if_any()
    return evaluated(
        lambda progress: run_evaluation(request, folder, progress, replays=replays), as_json
    )
