"""`league bench scale`: what N machines would give, from what the parts cost here."""

from __future__ import annotations

import click

from league.cli.bench_options import family_option, numbers, preset_option, sets_option, tell
from league.cli.options import (
    Duration,
    answer,
    count_option,
    examples,
    json_option,
    league_option,
)


def _counts(_context: click.Context, _option: click.Parameter, value: str) -> tuple[int, ...]:
    """Return the counts of `1,4,16`."""
    return numbers(value, 100_000)


@click.command(
    epilog=examples(
        "league bench scale --nodes 1,4,16 --cores 16",
        "league bench scale --nodes 4 --cores 64 --gpus 8 --lineages 4 --gbit 25 --json",
        "league bench scale --preset classic --seconds 60s",
    )
)
@preset_option
@family_option()
@click.option(
    "--nodes",
    metavar="N,N..",
    default="1,4,16",
    show_default=True,
    callback=_counts,
    help="Numbers of machines to predict.",
)
@count_option("--cores", default=16, most=4_096, text="Cores of each machine.")
@count_option("--gpus", default=0, least=0, most=64, text="GPUs of each machine.")
@click.option(
    "--lineages",
    type=click.IntRange(0, 1_000),
    help="Learners.  [default: those of the preset]",
)
@click.option(
    "--ranks",
    type=click.IntRange(1, 10_000),
    help="Processes of each learner.  [default: one per GPU, or half of the cores, as far as the "
    "settings can be shared]",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 1_000_000),
    help="Worker processes.  [default: the cores that manager and learners leave]",
)
@click.option(
    "--gbit",
    type=click.FloatRange(0.001, 10_000.0),
    default=10.0,
    show_default=True,
    help="Speed of each machine's connection, 10^9 bits a second.",
)
@count_option("--members", default=46, least=10, most=1_000, text="Members of the measured league.")
@click.option(
    "--engine",
    type=click.Choice(("local", "ray")),
    default="local",
    show_default=True,
    help="Engine of the arena whose calls are measured.",
)
@click.option(
    "--seconds",
    type=Duration(),
    default="20s",
    show_default=True,
    help="How long each measurement of a learner and each run of the check takes.",
)
@click.option(
    "--check/--no-check",
    "checks",
    default=True,
    show_default=True,
    help="Compare the prediction with real runs of 1 and 2 workers and of 1 and 2 ranks here.",
)
@sets_option()
@json_option
@league_option
def scale(
    preset: str,
    family: str,
    nodes: tuple[int, ...],
    cores: int,
    gpus: int,
    lineages: int | None,
    ranks: int | None,
    workers: int | None,
    gbit: float,
    members: int,
    engine: str,
    seconds: float,
    checks: bool,
    sets: tuple[str, ...],
    as_json: bool,
) -> None:
    """Predict matches/s and decisions/s of N machines, and check the prediction here.

    Measured here are a match, its recording, a call, what is sent, a decision and a sum of
    gradients; docs/speed.md has the formulas.
    """
    from league.bench import scale as subject

    asked = subject.Asked(
        nodes=nodes,
        cores=cores,
        gpus=gpus,
        lineages=lineages,
        ranks=ranks,
        workers=workers,
        gbit=gbit,
        members=members,
        engine=engine,
        seconds=seconds,
        checks=checks,
    )
    result = subject.run(preset, family, asked, sets=sets, tell=tell)
    answer("\n".join(subject.lines(result)), result, as_json=as_json)
