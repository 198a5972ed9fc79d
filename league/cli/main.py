"""The command `league`, the group of all others.

Importing this module loads click alone; each command imports what it needs when it runs. Exit
codes: 0 done, 2 bad input (one sentence on stderr), 130 interrupted; `status`, `pit`, `evaluate`,
`compare`, `rerate`, `doctor`, `parity`, `bridge` and `bench audit` add their own.
"""

from __future__ import annotations

import click

from league import __version__
from league.cli.bench import bench
from league.cli.bridge import bridge
from league.cli.champion import champion, promote, rollback
from league.cli.compare import compare
from league.cli.completion import completion
from league.cli.config import config
from league.cli.curves import curves
from league.cli.evaluate import evaluate
from league.cli.exchange import export, import_
from league.cli.exploit import exploit
from league.cli.look import look
from league.cli.maps import maps
from league.cli.members import members
from league.cli.options import examples, league_option, run
from league.cli.own_packages import check_own_packages, put_installed_first
from league.cli.parity import parity
from league.cli.pit import pit
from league.cli.prune import prune
from league.cli.replay import replay
from league.cli.report import report
from league.cli.results import results
from league.cli.start import start, status, stop
from league.cli.store import store
from league.cli.tensorboard import tensorboard
from league.cli.upkeep import backup, doctor, rerate, restore
from league.cli.watch import watch


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples("league start --for 5m", "league report"),
)
@click.version_option(__version__, "-V", "--version", prog_name="league")
@league_option
def league() -> None:
    """Train, play and rate a league of agents in the territory game."""
    check_own_packages()


for _command in (
    start,
    stop,
    status,
    report,
    watch,
    curves,
    tensorboard,
    pit,
    evaluate,
    compare,
    exploit,
    champion,
    promote,
    rollback,
    members,
    maps,
    replay,
    look,
    export,
    import_,
    rerate,
    backup,
    restore,
    prune,
    store,
    results,
    doctor,
    bench,
    parity,
    bridge,
    config,
    completion,
):
    league.add_command(_command)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: without the program's name; None takes those of this process, whose import path
            is then set in order (league.cli.own_packages).
    """
    if arguments is None:
        put_installed_first()
    return run(league, arguments)
