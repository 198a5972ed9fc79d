"""Disturb a real small league at random moments, and check its books after every end.

    PYTHONPATH=. python tests/acceptance/chaos.py [--kills 40] [--seed 0] [--limit-s 600]

A league of plains of 64 x 64 tiles, four seats, tiny views and two learners is started, and at
random moments the daemon, a worker or a learner gets SIGKILL, a learner SIGSTOP and SIGCONT, the
daemon SIGHUP or SIGTERM, or its disk is filled up (the league lies on a tmpfs of its own where
root can mount one). What ends is started again. After every end of the daemon the books are
checked: no match that was seen finished is missing or changed, none is rated twice, `league doctor`
finds nothing wrong (the ratings equal their replay, a sample of replays verifies), no new traceback
stands in the logs, no process is left (tests/acceptance/disturbed_league.py).

With --postgres the league lies on a PostgreSQL server that this program starts; the server is
restarted ("fast" and, as in a crash, "immediate") and a connection of the league is ended there.
The daemon must wait and go on.

One line of totals is appended to --log. Exit code: 0 nothing was lost, 1 something was, 77 nothing
was tried since no PostgreSQL server can run here; pytest does not collect this file.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import sqlalchemy

from db.session import open_writer, write_transaction
from tests.acceptance.disturbed_league import STOP_S, DisturbedLeague
from tests.db.postgresql_server import NoServerError, PostgresqlServer

TMPFS_MB = 256
EXIT_SKIPPED = 77
# A commit that need not be durable is on its way for up to three wal_writer_delay of 200 ms.
ON_ITS_WAY_S = 1.0
_BACKENDS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
    "AND backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY pid"
)


class Chaos(DisturbedLeague):
    """A league with what is done to it.

    Args:
        on_tmpfs: whether its disk may be filled up.
        server: of its database; None stands for SQLite.
    """

    def __init__(
        self,
        root: Path,
        seed: int,
        *,
        trains: bool,
        on_tmpfs: bool,
        server: PostgresqlServer | None = None,
    ) -> None:
        super().__init__(root, seed, trains=trains, url=None if server is None else server.url)
        self.on_tmpfs = on_tmpfs
        self.server = server

    def hang_up(self) -> None:
        """SIGHUP the daemon: it may stop cleanly or go on, but not die."""
        assert self.daemon is not None
        children = self.descendants()
        self.daemon.send_signal(signal.SIGHUP)
        code = self.wait_for_end(STOP_S / 3)
        if code is None:
            self.wait_for_progress("SIGHUP")
            return
        if code != 0:
            self.problems.append(f"SIGHUP: the daemon ended with exit code {code}")
        self.check(children)

    def kill_worker(self) -> None:
        """SIGKILL a worker of the arena."""
        self.kill_few("worker", self.workers())

    def kill_learner(self) -> None:
        """SIGKILL a learner."""
        self.kill_few("learner", self.learners())

    def freeze_learner(self) -> None:
        """SIGSTOP a learner for a while; matches must go on meanwhile."""
        pids = self.learners()
        if not pids:
            return
        pid = self.random.choice(pids)
        try:
            os.kill(pid, signal.SIGSTOP)
            self.wait_for_progress("SIGSTOP of a learner")
            time.sleep(self.random.uniform(0.0, 3.0))
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def fill_disk(self) -> None:
        """Fill the disk of the league, let it stand full, and free it: the daemon must go on."""
        filler = self.folder.root.parent / "filler"
        with suppress(OSError), filler.open("wb", buffering=0) as stream:
            while True:
                stream.write(b"\0" * 1_000_000)
        with suppress(OSError), filler.open("ab", buffering=0) as stream:
            while True:
                stream.write(b"\0")  # the last page too
        time.sleep(self.random.uniform(1.0, 6.0))
        filler.unlink()
        if self.has_ended:
            self.problems.append("a full disk ended the daemon")
            return
        self.wait_for_progress("a full disk")

    def restart_server(self) -> None:
        """Restart the database server, which ends its sessions: the daemon must wait and go on."""
        self.disturb_server("fast")

    def crash_server(self) -> None:
        """Restart the database server as after a crash: what was on disk must be there."""
        self.disturb_server("immediate")

    def disturb_server(self, mode: Literal["fast", "immediate"]) -> None:
        """Restart the server in this mode, and wait for the next match."""
        assert self.server is not None
        time.sleep(ON_ITS_WAY_S)  # what has been seen is on disk; what comes now is not looked at
        self.server.restart(mode)
        if self.has_ended:
            self.problems.append(f"a restart of the server ({mode}) ended the daemon")
            self.check([])
            return
        self.look()  # what was finished before the restart is no progress after it
        self.wait_for_progress(f"a restart of the server ({mode})")

    def kill_backend(self) -> None:
        """Let the server end one of the league's connections."""
        engine = open_writer(self.place)
        try:
            with write_transaction(engine) as session:
                pids = session.scalars(sqlalchemy.text(_BACKENDS)).all()
                if not pids:
                    self.problems.append("the running daemon has no connection to its database")
                    return
                session.execute(
                    sqlalchemy.text("SELECT pg_terminate_backend(:pid)"),
                    {"pid": self.random.choice(pids)},
                )
        finally:
            engine.dispose()
        self.look()
        self.wait_for_progress("the end of a connection")

    # --- all of it --------------------------------------------------------------------------------

    def run(self, n_kills: int, limit_s: float) -> None:
        """Disturb the league `n_kills` times, each kind equally often, or until the time is up."""
        kinds: list[Callable[[], None]] = [
            self.kill_daemon,
            self.kill_worker,
            self.hang_up,
            self.stop_daemon,
        ]
        if self.trains:
            kinds += [self.kill_learner, self.freeze_learner]
        if self.on_tmpfs:
            kinds.append(self.fill_disk)
        if self.server is not None:
            kinds += [self.restart_server, self.crash_server, self.kill_backend]
        self.disturb(kinds, n_kills, limit_s)


@contextmanager
def _place() -> Iterator[tuple[Path, str | None]]:
    """Yield a folder, on a tmpfs of its own if one can be mounted; else also the reason."""
    folder = Path(tempfile.mkdtemp(prefix="league-chaos-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_MB}m", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    why_not = None if mounted.returncode == 0 else mounted.stderr.strip() or "mount failed"
    try:
        yield folder, why_not
    finally:
        if why_not is None:
            subprocess.run(["umount", str(folder)], check=False)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _server() -> Iterator[PostgresqlServer]:
    server = PostgresqlServer()
    try:
        yield server
    finally:
        server.close()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Disturb a real league and check its books.")
    parser.add_argument("--kills", type=int, default=40, help="number of disturbances")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--limit-s",
        type=float,
        default=600.0,
        help="none begins later than this after the first start",
    )
    parser.add_argument("--no-learners", action="store_true", help="matches alone: starts faster")
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL server of its own")
    parser.add_argument("--log", type=Path, help="file to which the line of totals is appended")
    options = parser.parse_args(arguments)
    try:
        with _server() if options.postgres else nullcontext() as server:
            problems, line = _disturb(options, server)
    except NoServerError as error:
        print(f"skipped: {error}")
        return EXIT_SKIPPED
    for problem in problems:
        print(f"PROBLEM  {problem}")
    print(line)
    if options.log is not None:
        with options.log.open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")
    return 1 if problems else 0


def _disturb(options: argparse.Namespace, server: PostgresqlServer | None) -> tuple[list[str], str]:
    """Make a league and disturb it; return the problems, and the line of totals."""
    began = time.monotonic()
    with _place() as (place, why_not):
        if why_not is not None:
            print(f"no disk is filled up here: {why_not}")
        chaos = Chaos(
            place / "league",
            options.seed,
            trains=not options.no_learners,
            on_tmpfs=why_not is None,
            server=server,
        )
        try:
            chaos.run(options.kills, options.limit_s)
        finally:
            chaos.close()
        took_s = time.monotonic() - began
        how = (
            f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} seed {options.seed}"
            f"{', PostgreSQL' * options.postgres}{', no learners' * options.no_learners}"
        )
        return chaos.problems, chaos.totals(how, took_s)


if __name__ == "__main__":
    sys.exit(main())
