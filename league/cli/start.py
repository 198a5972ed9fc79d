"""The commands that start and stop the daemon and show its state."""

from __future__ import annotations

from datetime import UTC

import click

from league.cli.options import (
    Duration,
    Reference,
    answer,
    examples,
    existing_league,
    json_option,
    league_option,
    league_root,
    league_url,
    print_json,
    readable_league,
    say,
)
from league.cli.words import SettingPair, complete_preset

ROLES = ("mains", "league")  # league.config.roles, which the help must not import
STATUS_EXIT_CODES = {"running": 0, "stopped": 3, "stale": 4}


@click.command(
    epilog=examples(
        "league start --for 5m",
        "league start --preset classic --set learner.n_matches=2 --league big --detach",
    )
)
@click.option(
    "--preset",
    metavar="small|classic|real",
    shell_complete=complete_preset,
    help="Settings of a new league.  [default: small]",
)
@click.option(
    "--map",
    "map_path",
    metavar="PATH",
    type=Reference(),
    help="Map folder, PNG or generated:PRESET:WxH:SEED to play on instead of the maps of the "
    "settings; SEED may be a range such as 0-63.  [default: generated]",
)
@click.option(
    "--roles",
    type=click.Choice(ROLES),
    help="Lineages to train: mains (one of each family) or league (these, a main exploiter and a "
    "league exploiter, as far as memory allows); a league that exists keeps its own unless this is "
    "given.  [default: mains]",
)
@click.option(
    "--for", "for_s", type=Duration(), help="Stop after this long, such as 5m.  [default: never]"
)
@click.option("--detach", is_flag=True, help="Run in the background.  [default: off]")
@click.option(
    "--plain",
    is_flag=True,
    help="Print lines instead of the live screen, as without a terminal.  [default: off]",
)
@click.option(
    "--set",
    "sets",
    metavar="KEY=VALUE",
    type=SettingPair(),
    multiple=True,
    help="Change a setting of league.toml for this start; repeatable.  [default: none]",
)
@league_option
def start(
    preset: str | None,
    map_path: str | None,
    roles: str | None,
    for_s: float | None,
    detach: bool,
    plain: bool,
    sets: tuple[str, ...],
) -> int:
    """Start a new league, or continue one where it stopped.

    On a terminal a live screen shows it: `?` explains its keys, `q` leaves the league running.

    Exit code: 0 stopped with everything committed (by `league stop`, Ctrl-C, SIGTERM, SIGHUP or
    --for), or running in the background; 2 it could not start or go on; 75 the machine's trouble
    did not pass; 130 stopped immediately by a second signal.
    """
    from league.folder.opening import open_for_start

    # Bad input is refused before the daemon's imports, which take seconds.
    opened = open_for_start(
        league_root(),
        preset,
        sets,
        map_path,
        roles,
        say=lambda text: say(text, to_stderr=True),
    )
    if opened.left_out:
        say(
            f"--roles {roles}: memory is too short for {' and '.join(opened.left_out)}, which will "
            "not train; a start with more free memory adds them",
            to_stderr=True,
        )
    if not detach and not plain:
        from league.screen.attach import can_show

        if can_show():
            from league.cli.watch import start_live

            return start_live(opened.folder, opened.config, for_s)
    from league.daemon import process

    return process.start(opened.folder.root, opened.config, for_s=for_s, detach=detach)


@click.command(epilog=examples("league stop", "league stop --grace 60s --league big"))
@click.option(
    "--grace",
    "grace_s",
    type=Duration(),
    default=30.0,
    help="How long to wait before the daemon is killed.  [default: 30s]",
)
@json_option
@league_option
def stop(grace_s: float, as_json: bool) -> int:
    """Stop the running league, with everything committed.

    Exit code: 0 stopped, or not running; 1 it did not stop in time and was killed.
    """
    from league.daemon import process

    said: list[str] = []
    code = process.stop(existing_league().root, grace_s, tell=said.append)
    answer(said[-1], {"stopped": code == 0, "message": said[-1]}, as_json=as_json)
    return code


@click.command(epilog=examples("league status", "league status --json --league big"))
@json_option
@league_option
def status(as_json: bool) -> int:
    """Show whether the league is running; with the URL of its database, where it is held.

    Exit code: 0 running, 3 stopped, 4 stale (it holds the lock but shows no sign of life).
    """
    from league.daemon import lock

    if league_url() is not None:
        return _status_by_url(as_json)
    found = lock.status(existing_league().root)
    since = None if found.since is None else str(found.since)
    at = None if found.since is None else found.since.astimezone(UTC).isoformat()
    pause = found.pause
    if as_json:
        document = {
            "state": found.state,
            "pid": found.pid,
            "since": at,
            "paused": found.paused,
            "pause": None if pause is None else pause.to_json(),
        }
        print_json(document)
    else:
        pid = "" if found.pid is None else f", PID {found.pid}"
        say(f"{found.state}{pid}" + ("" if since is None else f", since {since}"))
        if pause is not None:
            say(f"{pause}; it goes on by itself when this is over")
    return STATUS_EXIT_CODES[found.state]


def _status_by_url(as_json: bool) -> int:
    """Say who holds the league on its server: whether that daemon is well, its folder tells."""
    from db.hold import holder_of
    from league.folder.connect import reader

    with reader(readable_league()) as engine:
        holder = holder_of(engine)
    state = "stopped" if holder is None else "running"
    if as_json:
        known = {"state": state, "pid": None, "since": None, "paused": None, "pause": None}
        print_json({**known, "holder": holder})
    else:
        say(state + ("" if holder is None else f", held by {holder}"))
    return STATUS_EXIT_CODES[state]
