"""`league bench learner`: how fast a learner trains, and what threads, ranks and halves bring."""

from __future__ import annotations

from typing import Any

import click

from league.cli.bench_options import family_option, numbers, preset_option, sets_option
from league.cli.options import Duration, answer, examples, json_option, league_option

_MOST = 256


def _numbers(
    _context: click.Context, option: click.Parameter, value: str | None
) -> tuple[int, ...]:
    """Return the counts of `1,2`."""
    if value is None:
        return ()
    return numbers(value, 2 if option.name == "halves" else _MOST)


@click.command(
    epilog=examples(
        "league bench learner --family baseline",
        "league bench learner --threads 1,2",
        "league bench learner --ranks 1,2",
        "league bench learner --halves 1,2",
        "league bench learner --preset classic --seconds 120s --set learner.n_matches=2",
    )
)
@preset_option
@family_option()
@click.option(
    "--seconds",
    metavar="DURATION",
    default="60",
    show_default=True,
    help="Measure for at least this long, in seconds or as 5m; whole PPO cycles are measured.",
)
@sets_option()
@click.option(
    "--threads",
    metavar="N,N...",
    callback=_numbers,
    help="Train in turn, there and back, with each of these values of arena.n_threads.  "
    "[default: that of the preset alone]",
)
@click.option(
    "--ranks",
    metavar="N,N...",
    callback=_numbers,
    help="The same with values of learner.n_ranks, processes of their own at equal total batch.  "
    "[default: that of the preset alone]",
)
@click.option(
    "--halves",
    metavar="N,N",
    callback=_numbers,
    help="The same with values of learner.n_halves.  [default: that of the preset alone]",
)
@json_option
@league_option
def learner(
    preset: str,
    family: str,
    seconds: str,
    sets: tuple[str, ...],
    threads: tuple[int, ...],
    ranks: tuple[int, ...],
    halves: tuple[int, ...],
    as_json: bool,
) -> None:
    """Measure training: decisions per second, and the share of time of each phase."""
    length = Duration().convert(seconds if not seconds.isdigit() else f"{seconds}s", None, None)
    if sum(bool(asked) for asked in (threads, ranks, halves)) > 1:
        raise click.UsageError(
            "expected at most one of --threads, --ranks and --halves: each is compared on its own; "
            "fix threads and halves with --set"
        )
    from league.bench import learner as subject

    result: dict[str, Any]
    if ranks:
        from league.bench import ranks as by_ranks

        result = by_ranks.run(ranks, preset, family, seconds=length, sets=sets)
        lines = subject.arms_lines(result)
    elif threads or halves:
        what = subject.THREADS if threads else subject.HALVES
        result = subject.run_arms(
            what, threads or halves, preset, family, seconds=length, sets=sets
        )
        lines = subject.arms_lines(result)
    else:
        result = subject.run(preset, family, seconds=length, sets=sets)
        lines = subject.lines(result)
    answer("\n".join(lines), result, as_json=as_json)
