"""The commands that look after the store of a league's files (`store.url`)."""

from __future__ import annotations

from pathlib import Path

import click

from league.cli.options import answer, examples, existing_league, json_option, league_option, say
from league.cli.working import working


@click.group(
    epilog=examples("league store copy s3://bucket/league --switch", "league store copy off"),
)
@league_option
def store() -> None:
    """Copy a league's files between its folder and a store."""


@store.command(
    epilog=examples(
        "league store copy s3://bucket/league --switch",
        "league store copy /mnt/shared/league --league big",
    )
)
@click.argument("target", metavar="URL")
@click.option(
    "--switch",
    "with_switch",
    is_flag=True,
    help="Then write URL into league.toml as store.url: the next start keeps its files there.  "
    "[default: off]",
)
@json_option
@league_option
def copy(target: str, with_switch: bool, as_json: bool) -> None:
    """Copy snapshots, checkpoints, replays and maps to URL; the league must be stopped.

    URL is a folder, an fsspec URL such as s3://bucket/league, or off for the league's own folder.
    Nothing is removed where the files are now. A copy that was interrupted goes on.
    """
    from league.daemon.lock import hold_lock
    from league.folder.moving import copy_to, switch

    folder = existing_league()
    url = None if target == "off" else target
    if url is not None and "://" not in url:
        url = str(Path(url).expanduser().resolve())  # in league.toml it starts at the league
    with hold_lock(folder), working("copying the league's files") as task:
        moved = copy_to(folder, url, task.update)
        if with_switch:
            switch(folder, url)
    answer(
        f"{moved.n_files:,} files are there, {moved.n_files - moved.n_there:,} of them new "
        f"({moved.n_bytes / 1e6:,.1f} MB)",
        {
            "files": moved.n_files,
            "already_there": moved.n_there,
            "bytes": moved.n_bytes,
            "switched": with_switch,
        },
        as_json=as_json,
    )
    if not with_switch:
        say("the league still uses its old place; --switch changes league.toml", to_stderr=True)
