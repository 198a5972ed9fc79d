"""`league pit`: play two agents head to head, or several in mixed company."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from league.cli.match_options import game_options, maps_option, workers_option
from league.cli.options import (
    PathOf,
    answer,
    count_option,
    examples,
    json_option,
    league_if_any,
    league_option,
    league_url,
    league_was_named,
    place_named,
    print_json,
    say,
)
from league.cli.progress import interruptible, line_of_progress
from league.cli.words import MemberOrFile
from league.cli.working import working

if TYPE_CHECKING:
    from league.folder.layout import LeagueFolder
    from league.pit.mixed.run import MixedRequest
    from league.pit.report import PitReport
    from league.pit.run import PitRequest


@click.command(
    epilog=examples(
        "league pit scripted:tribe scripted:random",
        "league pit attention-0003 attention-0001 --matches 40 --json",
        "league pit expander tribe attention-0003 --mixed --matches 300",
    )
)
@click.argument("names", type=MemberOrFile(), nargs=-1, required=True, metavar="A B [C ...]")
@click.option(
    "--matches",
    "n_matches",
    type=click.IntRange(min=2),
    help="Play exactly this many matches.  [default: until SPRT decides; 200 with --mixed]",
)
@click.option(
    "--cap",
    type=click.IntRange(min=2),
    default=1000,
    show_default=True,
    help="Matches after which SPRT gives up.",
)
@count_option(
    "--seed",
    default=1,
    least=0,
    most=2**61,
    text="Seed of the first pair; each further pair takes the next one.",
)
@click.option(
    "--field",
    "with_field",
    is_flag=True,
    help="Give A and B one seat each, among scripted members; all seats are drawn.  [default: off]",
)
@click.option(
    "--mixed",
    is_flag=True,
    help="Draw every seat among two names or more, equal seats for all.  [default: off]",
)
@maps_option
@click.option(
    "--nelo",
    nargs=2,
    type=float,
    default=(0.0, 50.0),
    show_default=True,
    metavar="LOW HIGH",
    help="Hypotheses of SPRT in normalised Elo.",
)
@click.option(
    "--plan",
    "effect",
    type=float,
    metavar="EFFECT",
    help="Say how many matches and minutes it takes to show this many nElo, after a few pairs.",
)
@workers_option()
@click.option(
    "--replays",
    metavar="DIR",
    type=PathOf(),
    help="Write the matches into this folder, to be watched.  [default: a league's own folder, or "
    "none]",
)
@click.option(
    "--bridge",
    "engine",
    metavar="PATH",
    type=PathOf(),
    help="Play in the original engine, from your checkout of it; nothing is stored.  [default: in "
    "ours]",
)
@game_options
@click.option("--short", is_flag=True, help="Print the verdict alone.  [default: off]")
@json_option
@league_option
def pit(
    names: tuple[str, ...],
    n_matches: int | None,
    cap: int,
    seed: int,
    with_field: bool,
    mixed: bool,
    maps: tuple[str, ...],
    nelo: tuple[float, float],
    effect: float | None,
    n_workers: int | None,
    replays: Path | None,
    engine: Path | None,
    preset: str | None,
    sets: tuple[str, ...],
    short: bool,
    as_json: bool,
) -> int:
    """Play A against B in mirrored pairs and say who is stronger.

    A and B are member names, snapshot hash prefixes, snapshot files or agent specs. In a league the
    matches are stored, and the same command continues where it was interrupted; without one, files,
    specs and scripted agents play on generated maps. An odd number of matches is rounded up. With
    --mixed, two names or more meet in mixed company: mean place, first places, who beats whom. Exit
    code: 0 A is stronger, or --matches have been played; 1 it is not shown to be; 2 bad input; 4
    undecided at --cap; 70 the original engine crashed or hung again and again; 130 interrupted.
    """
    from league.pit.mixed.run import DEFAULT_MATCHES, MixedRequest
    from league.pit.run import PitRequest
    from league.pit.sprt import SprtSettings
    from league.pit.table import Game

    game = Game(preset, sets)
    if engine is not None and (mixed or effect is not None or replays is not None):
        raise click.UsageError("expected --bridge without --mixed, --plan and --replays")
    if mixed:
        if with_field or effect is not None:
            raise click.UsageError("expected --mixed alone, found it with --field or --plan")
        with interruptible():
            wanted = MixedRequest(
                names, n_matches or DEFAULT_MATCHES, seed, maps, n_workers, replays, game
            )
            return _play_mixed(wanted, league_if_any(), short, as_json)
    if len(names) != 2:
        raise click.UsageError(
            f"expected two names, A and B, found {len(names)}; --mixed takes more"
        )
    request = PitRequest(
        a=names[0],
        b=names[1],
        n_matches=n_matches,
        cap=cap,
        seed=seed,
        with_field=with_field,
        maps=maps,
        sprt=SprtSettings(*nelo),
        n_workers=n_workers,
        replays=replays,
        game=game,
    )
    if (n_matches or cap) % 2:
        _remark(
            f"{n_matches or cap} matches are not whole pairs: {2 * request.max_pairs} are played"
            + ("" if n_matches else " at most")
        )
    folder = league_if_any()
    with interruptible():
        if effect is not None:
            return _plan(request, effect, folder, as_json)
        return _play(request, folder, short, as_json, engine)


def _plan(request: PitRequest, effect: float, folder: LeagueFolder | None, as_json: bool) -> int:
    from league.pit.length import format_plan, plan_json
    from league.pit.run import plan_pit

    with working("measuring speed and spread in the first pairs", after_s=0.5) as task:
        found = plan_pit(request, effect, folder, progress=task.update)
    shown = "\n".join(format_plan(found, request.a, request.b))
    answer(shown, plan_json(found), as_json=as_json, schema="league-pit-plan/1")
    return 0


def _play(
    request: PitRequest,
    folder: LeagueFolder | None,
    short: bool,
    as_json: bool,
    engine: Path | None,
) -> int:
    from league.pit.run import run_pit
    from league.pit.text import format_report, report_json, verdict

    play: Callable[..., PitReport] = run_pit
    if engine is not None:
        from league.bridge.pit import run_bridged_pit

        play = partial(run_bridged_pit, engine=engine)
    with line_of_progress() as show:
        report = play(
            request,
            folder,
            lambda now: show(now.line, now.n_pairs, now.max_pairs),
            say=_remark,
        )
    if as_json:
        print_json(report_json(report))
    else:
        watch = [] if engine is not None else _watch(report.watch)
        for line in [verdict(report)] if short else [*format_report(report), *watch]:
            say(line)
    if report.decision == "interrupted" and report.failure is None:
        _say_how_to_go_on(folder if engine is None else None)
    return report.exit_code


def _play_mixed(
    request: MixedRequest, folder: LeagueFolder | None, short: bool, as_json: bool
) -> int:
    from league.pit.mixed.run import run_mixed
    from league.pit.mixed.text import format_report, report_json, verdict

    n_played = request.n_seeds * len(request.names)
    if n_played != request.n_matches:
        _remark(
            f"{request.n_matches} matches are not whole seeds of {len(request.names)}: {n_played} "
            "are played"
        )
    with line_of_progress() as show:
        report = run_mixed(request, folder, lambda now: show(now.line, now.n_seeds, now.max_seeds))
    if as_json:
        print_json(report_json(report), "league-pit-mixed/1")
    else:
        for line in [verdict(report)] if short else [*format_report(report), *_watch(report.watch)]:
            say(line)
    if report.interrupted:
        _say_how_to_go_on(folder)
    return report.exit_code


def _watch(matches: Sequence[str]) -> list[str]:
    """Return the line that says how the matches can be watched."""
    if not matches or league_url() is not None:
        return ["Watch: nothing was kept; --replays DIR keeps the matches for `league replay show`"]
    where = ["--league", place_named()] if league_was_named() else []
    command = shlex.join(["league", "replay", "show", matches[-1], *where, "--html", "match.html"])
    others = f"   ({len(matches)} matches, from {matches[0]} on)" if len(matches) > 1 else ""
    return [f"Watch: {command}{others}"]


def _say_how_to_go_on(folder: LeagueFolder | None) -> None:
    command = shlex.join(["league", *sys.argv[1:]])
    _remark(
        f"interrupted; to go on from here: {command}"
        if folder is not None
        else f"interrupted; without a league nothing is stored: {command} begins anew"
    )


def _remark(text: str) -> None:
    say(f"league: {text}", to_stderr=True)
