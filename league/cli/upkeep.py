"""The commands that look after a league: recompute ratings, back up, restore, check for damage."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from league.cli.options import (
    PathOf,
    answer,
    examples,
    existing_league,
    json_option,
    league_option,
    league_root,
    print_json,
    say,
)
from league.cli.working import working

if TYPE_CHECKING:
    from league.folder.backup import Backup

EXIT_FOUND_PROBLEM = 1


@click.command(
    epilog=examples(
        "league rerate",
        "league rerate --smooth --league big",
        "league rerate --engine compiled --league old",
    )
)
@click.option(
    "--smooth",
    "with_smooth",
    is_flag=True,
    help="Also compute ratings that do not depend on the order of matches.  [default: off]",
)
@click.option(
    "--engine",
    type=click.Choice(("compiled", "trueskill")),
    help="First rate all matches anew by this engine, and use it from now on; the league must be "
    "stopped.  [default: keep the league's]",
)
@json_option
@league_option
def rerate(with_smooth: bool, engine: str | None, as_json: bool) -> int:
    """Recompute the ratings from the match log and compare them with the stored ones.

    Exit code: 0 if they are equal bit for bit, otherwise 1.
    """
    from league.folder.rerate import rerate as replay_log

    if engine is not None:
        _change_engine(engine)
    with working("replaying the match log") as task:
        found = replay_log(existing_league(), with_smooth=with_smooth, progress=task.update)
    same = found.first_difference_seq is None
    if as_json:
        print_json(
            {
                "changes": found.n_changes,
                "rating_version": ", ".join(found.versions),
                "equal": same,
                "first_difference_seq": found.first_difference_seq,
                "online": {name: list(rating) for name, rating in found.online.items()},
                "smoothed": {name: list(rating) for name, rating in found.smoothed.items()},
            }
        )
        return 0 if same else EXIT_FOUND_PROBLEM
    verdict = (
        "equal to the stored ratings, bit for bit"
        if same
        else f"different from the stored ratings from seq {found.first_difference_seq} on"
    )
    by = f" by {', '.join(found.versions)}" if found.versions else ""
    say(f"{found.n_changes} rating changes replayed{by}: {verdict}")
    width = max(map(len, found.smoothed), default=0)
    for name, (mu, sigma) in found.smoothed.items():
        online = found.online[name][0]
        say(
            f"{name:<{width}}  online {online:6.2f}  order-free {mu:6.2f} +/- {2 * sigma:5.2f}"
            f"  difference {mu - online:+6.2f}"
        )
    return 0 if same else EXIT_FOUND_PROBLEM


def _change_engine(engine: str) -> None:
    from league.daemon.lock import hold_lock
    from league.folder.rerate import change_engine

    folder = existing_league()
    with hold_lock(folder):  # a daemon would go on rating with the engine that it started with
        changed = change_engine(folder, engine)
    say(
        f"{changed.n_changes} rating changes rated anew by {changed.version}, before by "
        f"{', '.join(changed.versions) or 'none'}; the largest move of a rating is "
        f"{changed.largest_move:.2g}",
        to_stderr=True,
    )


@click.command(epilog=examples("league backup", "league backup --incremental /tmp/backups/monday"))
@click.argument("target", required=False, type=PathOf())
@click.option(
    "--incremental",
    is_flag=True,
    help="Link files that the newest backup beside TARGET already holds.  [default: off]",
)
@json_option
@league_option
def backup(target: Path | None, incremental: bool, as_json: bool) -> None:
    """Copy the league, running or not, to the new folder TARGET.  [default: backups/TIME]

    Database, replays, snapshots, offers, checkpoints, maps and settings are copied; logs and older
    backups are not. Standard error says how much.
    """
    from league.folder.backup import back_up

    with working("copying the league") as task:
        made = back_up(existing_league(), target, incremental=incremental, progress=task.update)
    answer(made.path, _copied(made), as_json=as_json)
    say(made.sentence(), to_stderr=True)


@click.command(
    epilog=examples(
        "league restore league-data/backups/20261125T120000Z --league restored",
        "league restore /tmp/backups/monday --league league-data",
    )
)
@click.argument("backup", type=PathOf())
@json_option
@league_option
def restore(backup: Path, as_json: bool) -> None:
    """Make a league of the folder BACKUP, in a new or empty folder; `league start` goes on there.

    The backup stays as it is.
    """
    from league.folder.backup import restore as make_league

    root = league_root()
    with working("copying the backup") as task:
        made = make_league(backup, root, progress=task.update)
    answer(made.path, _copied(made), as_json=as_json)
    say(made.sentence(), to_stderr=True)
    say(f"check it with `league doctor --league {root}`", to_stderr=True)


def _copied(made: Backup) -> dict[str, Any]:
    """Return a copy of a league for a `--json` document."""
    parts = {
        kind: {"files": part.n_files, "linked": part.n_linked, "bytes": part.n_bytes}
        for kind, part in made.parts.items()
    }
    return {"path": str(made.path), "copied": parts}


@click.command(
    epilog=examples("league doctor --all", "league doctor --repair --league big"),
)
@click.option(
    "--repair",
    "with_repair",
    is_flag=True,
    help="First heal what can be healed without losing anything; the league must be stopped.  "
    "[default: off]",
)
@click.option(
    "--all",
    "thorough",
    is_flag=True,
    help="Replay all ratings and all matches, which may take hours.  [default: off: a sample]",
)
@json_option
@league_option
def doctor(with_repair: bool, thorough: bool, as_json: bool) -> int:
    """Check a league, running or not, for damage: one line for each check.

    A line begins with ok, note (worth knowing, nothing to do), or WRONG.

    Exit code: 0 nothing is wrong, 1 something is.
    """
    from league.daemon.lock import hold_lock, status
    from league.folder.doctor import examine, repair

    folder = existing_league()
    repairs: list[str] = []
    if with_repair:
        with hold_lock(folder):  # raises while a daemon runs, and keeps one from starting
            repairs = repair(folder)
    found = status(folder.root)
    since = None if found.state == "stopped" else found.since
    with working("looking for damage") as task:
        findings = examine(
            folder,
            running_since=since,
            thorough=thorough,
            progress=task.update,
        )
    healthy = not any(finding.is_wrong for finding in findings)
    if as_json:
        rows = [
            {"level": f.level, "ok": f.ok, "text": f.text, "details": list(f.details)}
            for f in findings
        ]
        print_json({"healthy": healthy, "repairs": repairs, "findings": rows})
    else:
        for sentence in repairs:
            say(f"done   {sentence}")
        if with_repair and not repairs:
            say("done   nothing: there was nothing that could be healed")
        for finding in findings:
            say(f"{finding.level:<5}  {finding.text}")
    return 0 if healthy else EXIT_FOUND_PROBLEM
