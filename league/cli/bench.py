"""`league bench`: measure the hot paths on this machine, and audit the invariants."""

from __future__ import annotations

from typing import Any

import click

from league.cli.bench_ages import ages
from league.cli.bench_learner import learner
from league.cli.bench_manager import manager
from league.cli.bench_options import preset_option, tell
from league.cli.bench_scale import scale
from league.cli.bench_settings import settings
from league.cli.options import (
    Duration,
    answer,
    count_option,
    examples,
    json_option,
    league_option,
    print_json,
    say,
)

EXIT_BROKEN = 1
QUICK_MAP = "generated:continents:256x256:1"

_device = click.option(
    "--device",
    type=click.Choice(("auto", "cpu", "cuda", "mps")),
    default="auto",
    show_default=True,
    help="Device that networks run on.",
)


@click.group(
    invoke_without_command=True,
    epilog=examples("league bench", "league bench networks --preset classic --json"),
)
@json_option
@league_option
@click.pass_context
def bench(context: click.Context, as_json: bool) -> None:
    """Measure the hot paths; without a subcommand, each of them briefly (about a minute)."""
    if context.invoked_subcommand is not None:
        return
    from league.bench import arena as arena_bench
    from league.bench import learner as learner_bench
    from league.bench import networks as networks_bench
    from league.bench import ratings as ratings_bench
    from league.bench import territory as territory_bench

    tell("territory")
    results: dict[str, Any] = {}
    results["territory"] = territory_bench.run(QUICK_MAP, ticks=1_000, runs=3, with_processes=False)
    tell("networks")
    results["networks"] = networks_bench.run(batch=64, repeats=5)
    tell("arena")
    results["arena"] = arena_bench.run(matches=4, per_worker=2)
    tell("learner")
    results["learner"] = learner_bench.run(seconds=1.0, sets=("learner.n_steps=512",))
    tell("ratings")
    results["ratings"] = ratings_bench.run(matches=2_000)
    if as_json:
        print_json(results)
        return
    modules = (territory_bench, networks_bench, arena_bench, learner_bench, ratings_bench)
    for module, result in zip(modules, results.values(), strict=True):
        say("\n".join(module.lines(result)))


for _command in (ages, learner, manager, scale, settings):
    bench.add_command(_command)


@bench.command(
    epilog=examples(
        "league bench territory --map generated:plains:512x512:3 --json",
        "league bench territory --edition 2026",
        "league bench territory --edition 2026 --boats --map generated:islands:128x128:1",
    )
)
@click.option(
    "--map",
    "reference",
    metavar="PATH",
    default=QUICK_MAP,
    show_default=True,
    help="Map folder, PNG file or generated:PRESET:WIDTHxHEIGHT:SEED.",
)
@count_option("--bots", default=10, most=64, text="Seats, all played by bots of the engine.")
@count_option(
    "--ticks",
    default=3_000,
    least=100,
    most=100_000,
    text="Length of a match in ticks of 0.1 s.",
)
@count_option("--runs", default=5, most=1_000, text="Matches to play; the median is reported.")
@click.option(
    "--edition",
    type=click.Choice(["2025", "2026"]),
    default="2025",
    show_default=True,
    help="2026: its tick beside that of 2025, without and with cities and boats.",
)
@click.option(
    "--boats",
    "with_boats",
    is_flag=True,
    help="With --edition 2026: what boats cost, their landings and ways.  [default: off]",
)
@json_option
@league_option
def territory(
    reference: str,
    bots: int,
    ticks: int,
    runs: int,
    edition: str,
    with_boats: bool,
    as_json: bool,
) -> None:
    """Measure the game: ticks, observations, memory, compilation."""
    if with_boats:
        if edition != "2026":
            raise click.UsageError("expected --boats with --edition 2026, which has them")
        from league.bench import boats

        found = boats.run(reference, seats=bots, ticks=ticks, runs=runs, tell=tell)
        shown = "\n".join(boats.lines(found))
        answer(shown, found, as_json=as_json, schema="league-bench-boats/1")
        return
    if edition == "2026":
        from league.bench import editions

        found = editions.run(reference, seats=bots, ticks=ticks, rounds=runs, tell=tell)
        shown = "\n".join(editions.lines(found))
        answer(shown, found, as_json=as_json, schema="league-bench-editions/1")
        return
    from league.bench import territory as subject

    result = subject.run(reference, bots=bots, ticks=ticks, runs=runs, tell=tell)
    answer("\n".join(subject.lines(result)), result, as_json=as_json)


@bench.command(
    epilog=examples(
        "league bench networks --preset classic", "league bench networks --batch 32 --json"
    )
)
@preset_option
@click.option(
    "--batch",
    type=click.IntRange(1, 100_000),
    help="Observations per forward pass and per update.  [default: small 256, classic 64]",
)
@_device
@count_option("--threads", default=1, most=256, text="Threads that torch uses.")
@json_option
@league_option
def networks(preset: str, batch: int | None, device: str, threads: int, as_json: bool) -> None:
    """Measure the networks of all kinds: parameters, times of forward pass and update."""
    from league.bench import networks as subject

    result = subject.run(preset, batch=batch, device=device, threads=threads)
    answer("\n".join(subject.lines(result)), result, as_json=as_json)


@bench.command(
    epilog=examples(
        "league bench arena",
        "league bench arena --members 46",
        "league bench arena --workers 2 --ray",
    )
)
@preset_option
@count_option("--workers", default=1, most=1_024, text="Worker processes.")
@count_option("--matches", default=24, most=100_000, text="Matches to play.")
@click.option(
    "--ray",
    "with_ray",
    is_flag=True,
    help="Also by as many workers on a Ray cluster of this machine, in turn, there and back.",
)
@click.option(
    "--members",
    type=click.IntRange(10, 1_000),
    help="Play as a league of so many members does, scripts and untrained networks, by the "
    "processor time of one worker.  [default: six scripts in all seats, by the clock]",
)
@json_option
@league_option
def arena(
    preset: str, workers: int, matches: int, with_ray: bool, members: int | None, as_json: bool
) -> None:
    """Measure rated matches per second, with scripted members in all seats or as in a league."""
    from league.bench import arena as subject

    if members is not None:
        if with_ray or workers > 1:
            raise click.UsageError(
                "expected --members without --ray and --workers: it measures one worker's "
                "processor time"
            )
        from league.bench import crowd

        result = crowd.run(preset, members=members, matches=matches, tell=tell)
        answer("\n".join(crowd.lines(result)), result, as_json=as_json)
        return

    if with_ray:
        result = subject.run_engines(preset, workers=workers, matches=matches, tell=tell)
        answer("\n".join(subject.engines_lines(result)), result, as_json=as_json)
        return
    result = subject.run(preset, workers=workers, matches=matches)
    answer("\n".join(subject.lines(result)), result, as_json=as_json)


@bench.command(
    epilog=examples("league bench ratings", "league bench ratings --matches 10000 --json")
)
@count_option(
    "--matches", default=100_000, least=10, most=10_000_000, text="Matches of the log to rate anew."
)
@json_option
@league_option
def ratings(matches: int, as_json: bool) -> None:
    """Measure the rating engines: matches rated per second, and a long log rated anew."""
    from league.bench import ratings as subject

    result = subject.run(matches, tell=tell)
    answer("\n".join(subject.lines(result)), result, as_json=as_json)


@bench.command(
    epilog=examples(
        "league bench store", "league bench store --url s3://bucket/bench --seconds 5m --json"
    )
)
@click.option(
    "--url",
    metavar="URL",
    help="Store to measure against a folder, for this alone.  [default: an S3 server (moto) here]",
)
@count_option("--files", default=32, least=1, most=10_000, text="Files that are put and got.")
@click.option(
    "--mb",
    "megabytes",
    type=click.FloatRange(0.001, 1_000.0),
    default=1.0,
    show_default=True,
    help="Size of each file, in MB (10^6 bytes).",
)
@click.option(
    "--seconds",
    type=Duration(),
    default="60s",
    show_default=True,
    help="How long each of four leagues plays.",
)
@json_option
@league_option
def store(url: str | None, files: int, megabytes: float, seconds: float, as_json: bool) -> None:
    """Measure a store against a folder: MB/s put and got, and rated matches per second."""
    from league.bench import store as subject

    result = subject.run(url, files=files, megabytes=megabytes, seconds=seconds, tell=tell)
    answer("\n".join(subject.lines(result)), result, as_json=as_json)


@bench.command(epilog=examples("league bench audit", "league bench audit --seed 7 --json"))
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help="Seed of the random cases.",
)
@json_option
@league_option
def audit(seed: int, as_json: bool) -> int:
    """Check what must always hold: symmetries, replays, ratings, resuming.

    Exit code: 0 all invariants hold, 1 one does not.
    """
    from league.bench import audit as subject

    result = subject.run(seed, tell=tell)
    answer("\n".join(subject.lines(result)), result, as_json=as_json)
    return 0 if result["ok"] else EXIT_BROKEN


@bench.command(epilog=examples("league bench scripts", "league bench scripts --plans 60 --json"))
@preset_option
@count_option("--plans", default=24, most=10_000, text="Random plans to try.")
@count_option("--keep", default=5, most=100, text="Plans that play the second round.")
@count_option("--matches", default=200, most=100_000, text="Matches of each plan in that round.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help="Seed of plans and matches.",
)
@json_option
@league_option
def scripts(preset: str, plans: int, keep: int, matches: int, seed: int, as_json: bool) -> None:
    """Search the parameters of the scripted strategist, in mixed company."""
    from league.bench import scripts as subject

    result = subject.run(
        plans=plans, keep=keep, matches=matches, seed=seed, preset=preset, tell=tell
    )
    answer("\n".join(subject.lines(result)), result, as_json=as_json)


@bench.command(
    epilog=examples(
        "league bench ceiling --matches 20", "league bench ceiling --budget copies=12 --json"
    )
)
@preset_option
@click.option("--budget", default="", help="The planner's, as in its spec: decisions=10,copies=6.")
@click.option("--blind", is_flag=True, help="Also play a planner that learns nothing of others.")
@count_option("--matches", default=200, most=100_000, text="Matches of each agent at most.")
@click.option(
    "--for",
    "seconds",
    type=Duration(),
    default="10m",
    show_default=True,
    help="Begin no round of matches after this time.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help="Seed of the matches.",
)
@json_option
@league_option
def ceiling(
    preset: str,
    budget: str,
    blind: bool,
    matches: int,
    seconds: float,
    seed: int,
    as_json: bool,
) -> None:
    """Measure how far above the scripts a planner plays, in mixed company."""
    from league.bench import ceiling as subject

    result = subject.run(
        budget=budget,
        blind=blind,
        matches=matches,
        seconds=seconds,
        seed=seed,
        preset=preset,
        tell=tell,
    )
    answer("\n".join(subject.lines(result)), result, as_json=as_json)


@bench.command(
    epilog=examples("league bench planner", "league bench planner --matches 10000 --json")
)
@count_option("--members", default=200, least=20, most=2_000, text="Members of the timed league.")
@count_option(
    "--matches", default=100_000, least=100, most=1_000_000, text="Matches of the timed league."
)
@count_option("--pools", default=5, most=1_000, text="Simulated pools per spread of skill.")
@count_option(
    "--watched",
    default=24,
    least=0,
    most=10_000,
    text="Matches in which the agent `planner:` watches its neighbours; 0 leaves that out.",
)
@json_option
@league_option
def planner(members: int, matches: int, pools: int, watched: int, as_json: bool) -> None:
    """Measure the planning of rated matches, and what the agent `planner:` knows of neighbours.

    Of the first: time per line-up, information per match, a newcomer's matches. Of the second: how
    often it is right about the script that a neighbour plays.
    """
    from league.bench import beliefs
    from league.bench import planner as subject

    result = subject.run(n_members=members, n_matches=matches, n_pools=pools, tell=tell)
    lines = subject.lines(result)
    if watched:
        result["beliefs"] = beliefs.run(matches=watched, tell=tell)
        lines += beliefs.lines(result["beliefs"])
    answer("\n".join(lines), result, as_json=as_json)
