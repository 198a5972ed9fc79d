"""`league prune`: remove replays and snapshots above a disk budget, now."""

from __future__ import annotations

from dataclasses import replace

import click

from league.cli.options import (
    examples,
    existing_league,
    json_option,
    league_option,
    print_json,
    say,
)
from league.cli.working import working
from league.errors import UsageError

_MEGABYTES = click.IntRange(min=1)


@click.command(
    epilog=examples("league prune --dry-run", "league prune --replays 500 --snapshots 200 --json")
)
@click.option(
    "--replays",
    metavar="MB",
    type=_MEGABYTES,
    help="Budget of the replays, for this run.  [default: keep.replays]",
)
@click.option(
    "--snapshots",
    metavar="MB",
    type=_MEGABYTES,
    help="Budget of the snapshots, for this run.  [default: keep.snapshots]",
)
@click.option(
    "--dry-run", is_flag=True, help="Say what would go and why; change nothing.  [default: off]"
)
@json_option
@league_option
def prune(replays: int | None, snapshots: int | None, dry_run: bool, as_json: bool) -> None:
    """Remove the oldest replays and the snapshots of the weakest members until they fit.

    Never removed are the replays of the latest 1,000 matches and of matches that an event names,
    nor the snapshots of anchors, champions, living ancestors, members of cycles and of pits.
    The journal gets the reason of each removal. A league that runs does this itself.
    """
    from league.config.layers import resolve
    from league.daemon.budget import GRACE_S
    from league.daemon.lock import hold_lock, status
    from league.pruning.prune import prune_league
    from league.pruning.record import MB, Budgets
    from league.pruning.text import document, sentences

    folder = existing_league()
    budgets = Budgets.of(resolve(None, folder.toml).to_json())
    if replays is not None:
        budgets = replace(budgets, replays=replays * MB)
    if snapshots is not None:
        budgets = replace(budgets, snapshots=snapshots * MB)
    if budgets.is_off:
        raise UsageError(
            f"expected a budget, found keep.replays and keep.snapshots off in {folder.toml}; set "
            "them there, or give --replays MB or --snapshots MB"
        )
    runs = status(folder.root).state != "stopped"
    with working("choosing what goes"):
        if runs or dry_run:
            done = prune_league(folder, budgets, grace_s=GRACE_S, dry_run=dry_run)
        else:
            with hold_lock(folder):  # no daemon starts meanwhile: nothing holds a snapshot
                done = prune_league(folder, budgets, nobody_runs=True)
    if runs and done.snapshots and not dry_run:
        say(
            f"the league is running: the files of snapshots go in {GRACE_S / 60:.0f} minutes, when "
            "no learner can need them",
            to_stderr=True,
        )
    if as_json:
        print_json(document(done, budgets, dry_run=dry_run))
        return
    for line in sentences(done, budgets, dry_run=dry_run):
        say(line)
