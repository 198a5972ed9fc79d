"""`league compare`: two families of networks, over several training seeds."""

from __future__ import annotations

from pathlib import Path

import click

from league.cli.match_options import workers_option
from league.cli.options import (
    Duration,
    PathOf,
    examples,
    json_option,
    league_option,
    league_roots,
    league_was_named,
    print_json,
    say,
)
from league.cli.working import working

DEFAULT_ROOT = Path("compare-data")


@click.command(
    epilog=examples(
        "league compare --run small --training-seeds 3 --for 20m",
        "league compare attention baseline --seeds compare-data",
        "league compare attention baseline --league league-data --matches 40 --json",
    )
)
@click.argument("a", default="attention")
@click.argument("b", default="baseline")
@click.option(
    "--seeds",
    "roots",
    metavar="DIR",
    type=PathOf(),
    multiple=True,
    help="League of a training seed, or folder that holds one league per seed; repeatable.  "
    "[default: ./compare-data, unless --league names one league]",
)
@click.option(
    "--run",
    "preset",
    metavar="small|classic|real",
    help="Train what is missing first, with this preset, in DIR/seed-1 and so on.  [default: off]",
)
@click.option(
    "--training-seeds",
    "n_seeds",
    type=click.IntRange(1, 100),
    default=3,
    show_default=True,
    help="Leagues that --run trains, each with a seed of its own.",
)
@click.option(
    "--for",
    "for_s",
    type=Duration(),
    default=1200.0,
    help="How long --run trains each league.  [default: 20m]",
)
@click.option(
    "--set",
    "sets",
    metavar="KEY=VALUE",
    multiple=True,
    help="Change a setting of the leagues that --run trains; repeatable.  [default: none]",
)
@click.option(
    "--matches",
    "n_matches",
    type=click.IntRange(min=4),
    default=100,
    show_default=True,
    help="Matches of each pairing five against five, and as many among the scripts.",
)
@click.option(
    "--decisions",
    type=click.IntRange(min=1),
    help="Compare at this many trained decisions.  [default: the most that all lineages reached]",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0.0, min_open=True),
    help="Compare at this training time in minutes.  [default: the latest that all reached]",
)
@workers_option("Worker processes that play.")
@json_option
@league_option
def compare(
    a: str,
    b: str,
    roots: tuple[Path, ...],
    preset: str | None,
    n_seeds: int,
    for_s: float,
    sets: tuple[str, ...],
    n_matches: int,
    decisions: int | None,
    minutes: float | None,
    n_workers: int | None,
    as_json: bool,
) -> int:
    """Say which of two families is stronger, at equal decisions and at equal minutes.

    A and B are families (attention, baseline) or names of lineages that train in one league per
    training seed. In each league their snapshots of equal training play each other, five against
    five and among the scripts. Matches are stored, and the same command goes on where it was
    interrupted, with training too. Exit code: 0 an answer from three training seeds or more; 2 bad
    input; 4 fewer seeds, so that it speaks of these snapshots alone; 75 the machine's trouble did
    not pass; 130 interrupted.
    """
    from league.compare.run import CompareRequest
    from league.compare.run import compare as play
    from league.compare.text import comparison_json, exit_code, format_comparison

    if preset is None and sets:
        raise click.UsageError("--set changes what --run trains: give --run too")
    named = league_roots(()) if league_was_named() else [DEFAULT_ROOT]
    leagues = list(roots) or named
    if preset is not None:
        leagues = _train(leagues, preset, n_seeds, for_s, sets)
    request = CompareRequest(
        a=a,
        b=b,
        roots=leagues,
        n_matches=n_matches,
        levels={"decisions": decisions, "minutes": minutes},
        n_workers=n_workers,
    )
    with working("reading the leagues", after_s=0.5) as task:
        found = play(request, lambda line, done, total: task.update(done, total, line))
    if as_json:
        print_json(comparison_json(found))
    else:
        for line in format_comparison(found):
            say(line)
    return exit_code(found)


def _train(
    roots: list[Path], preset: str, n_seeds: int, for_s: float, sets: tuple[str, ...]
) -> list[Path]:
    """Train what is missing; return the leagues to compare."""
    from league.compare.training import TrainingPlan, train_missing

    if len(roots) != 1:
        raise click.UsageError("--run trains in one folder: give --seeds once")
    plan = TrainingPlan(roots[0], preset, n_seeds, for_s, sets)
    train_missing(plan, lambda line: say(line, to_stderr=True))
    return [folder.root for folder in plan.folders()]
