"""Shows the curves of a league's learners in TensorBoard.

The event files that learners write while `learner.tensorboard` is on are shown as they grow. A
league that ran without it has its curves as CSV: they are shown as they are now.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from arena.processes.scratch import ScratchFolder
from league.errors import UsageError
from league.extras import install_command, is_installed
from league.folder.layout import LeagueFolder


@contextmanager
def event_files(folder: LeagueFolder) -> Iterator[tuple[Path, bool]]:
    """Find a folder of event files, or make one from the CSV files for as long as the block runs.

    Yields:
        The folder, and whether it grows while the league runs.

    Raises:
        UsageError: tensorboard is missing, or there are no curves yet.
    """
    if not is_installed("tensorboard"):
        raise UsageError(
            "league tensorboard needs the package tensorboard, which is not installed; run "
            f"`{install_command('tensorboard')}`"
        )
    live = folder.logs / "tensorboard"
    if any(live.glob("*/events.*")):
        yield live, True
        return
    tables = sorted((folder.logs / "curves").glob("*.csv"))
    if not tables:
        raise UsageError(
            f"{folder.root}: expected curves of learners in {folder.logs}, found none; they begin "
            "with a learner's first update, some 10 s after `league start`"
        )
    with ScratchFolder("league-curves-") as made:
        for table in tables:
            _convert(table, made / table.stem)
        yield made, False


def _convert(table: Path, into: Path) -> None:
    from torch.utils.tensorboard import SummaryWriter

    from league.learner.sinks import read_curve

    writer = SummaryWriter(str(into))
    for decisions, at, tag, value in read_curve(table):
        writer.add_scalar(tag, value, decisions, walltime=at)
    writer.close()


def serve(events: Path, port: int) -> int:
    """Run TensorBoard on this machine's own address until it ends; return its exit code.

    Args:
        port: 0 takes a free one, which TensorBoard prints.
    """
    arguments = ["--logdir", str(events), "--host", "localhost", "--port", str(port)]
    with subprocess.Popen([sys.executable, "-m", "tensorboard.main", *arguments]) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:  # the terminal told both
            process.terminate()
            process.wait()
            return 0
