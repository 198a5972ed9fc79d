"""`league bench settings`: groups of settings of the learner, side by side at equal cost."""

from __future__ import annotations

from pathlib import Path

import click

from league.cli.bench_options import family_option, preset_option, sets_option, tell
from league.cli.options import (
    Duration,
    PathOf,
    answer,
    count_option,
    examples,
    json_option,
    league_option,
)


@click.command(
    epilog=examples(
        "league bench settings --arm base --arm bonus:learner.ent_coef=0.003 --out screening",
        "league bench settings --arm base --arm free:learner.relation_mask=off --cpu 15m --json",
    )
)
@preset_option
@click.option(
    "--arm",
    "arms",
    metavar="NAME[: KEY=VALUE ..]",
    multiple=True,
    required=True,
    help="A group of settings to compare; repeatable, the others are compared with the first.",
)
@sets_option("Change a setting of all arms")
@family_option(default="baseline")
@click.option(
    "--cpu",
    "cpu_s",
    type=Duration(),
    default="5m",
    show_default=True,
    help="Processor time of each training.",
)
@click.option(
    "--decisions",
    type=click.IntRange(1),
    help="Decisions of each training instead of processor time, where other work makes a second "
    "of it worth more or less.  [default: none]",
)
@count_option("--seeds", default=1, most=100, text="Trainings of each arm, each with a seed.")
@count_option("--matches", default=400, most=100_000, text="Matches of each in mixed company.")
@count_option("--pairs", default=50, most=100_000, text="Mirrored pairs of each against expander.")
@click.option(
    "--out",
    type=PathOf(),
    default="bench-settings",
    show_default=True,
    help="Folder that keeps what was trained and played; the same command goes on.",
)
@json_option
@league_option
def settings(
    preset: str,
    arms: tuple[str, ...],
    sets: tuple[str, ...],
    family: str,
    cpu_s: float,
    decisions: int | None,
    seeds: int,
    matches: int,
    pairs: int,
    out: Path,
    as_json: bool,
) -> None:
    """Compare settings of the learner at equal processor time or decisions, in mixed company."""
    from league.bench import settings as subject

    asked = subject.Comparison(
        arms=tuple(subject.parse_arm(text) for text in arms),
        out=out,
        preset=preset,
        family=family,
        sets=sets,
        cpu_s=cpu_s,
        decisions=decisions,
        seeds=tuple(range(seeds)),
        matches=matches,
        pairs=pairs,
    )
    result = subject.run(asked, tell=tell)
    answer("\n".join(subject.lines(result)), result, as_json=as_json)
