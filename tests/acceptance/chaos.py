"""Disturb a real small league at random moments, and check its books after every end.

    PYTHONPATH=. python tests/acceptance/chaos.py [--kills 40] [--seed 0] [--limit-s 600]

A league of plains of 64 x 64 tiles, four seats, tiny views and two learners is started, and at
random moments the daemon, a worker or a learner gets SIGKILL, a learner SIGSTOP and SIGCONT, the
daemon SIGHUP or SIGTERM, or its disk is filled up (the league lies on a tmpfs of its own where
root can mount one). What ends is started again. After every end of the daemon the books are
checked: no match that was seen finished is missing or changed, none is rated twice, `league doctor`
finds nothing wrong (the ratings equal their replay, a sample of replays verifies), no new traceback
stands in the logs, no process is left. One line of totals is appended to --log. Exit code: 0
nothing was lost, 1 something was; pytest does not collect this file.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy

from db.errors import DatabaseError
from db.session import open_reader, read_transaction
from league.folder.doctor import examine
from league.folder.layout import LeagueFolder

SETTINGS = (
    "rules.n_seats=4",
    "rules.max_ticks=100",
    "maps.train=['generated:plains:64x64:0-3']",
    "maps.rate=['generated:plains:64x64:100-103']",
    "views.global_size=16",
    "views.local_size=16",
    "views.tactical_size=16",
    "network.channels=[8,8]",
    "network.branch_features=32",
    "arena.n_workers=1",
    "learner.n_matches=2",
    "learner.seats_per_match=2",
    "learner.n_steps=128",
    "learner.batch_size=64",
    "learner.n_epochs=1",
    "learner.snapshot_every=2000",
    "learner.snapshot_min_kl=0.0",
    "learner.checkpoint_every_s=1.0",
)
LEAVE_S = 4.0  # children promise to leave within 2 s when the daemon dies
STOP_S = 60.0
PROGRESS_S = 150.0  # a limit, not an expectation: a start on a busy machine loads torch three times
# Five deaths within ten minutes end a learner until the next start, ten end the arena.
DEATHS_A_LIFE = 3
TMPFS_MB = 256
Book = dict[int, tuple[object, ...]]


class Chaos:
    """One league, what was seen of it, and what went wrong.

    Attributes:
        seen: (final state, ticks) of every match that was seen finished, by match id.
        problems: a sentence for everything that should not have happened.
    """

    def __init__(self, root: Path, seed: int, *, on_tmpfs: bool, trains: bool) -> None:
        self.folder = LeagueFolder.at(root)
        self.random = random.Random(seed)
        self.on_tmpfs = on_tmpfs
        self.trains = trains
        self.seen: Book = {}
        self.problems: list[str] = []
        self.done: Counter[str] = Counter()
        self.deaths: Counter[str] = Counter()
        self.n_tracebacks = self.n_left = self.n_twice = self.n_lost = 0
        self.n_starts = 0
        self.daemon: subprocess.Popen[bytes] | None = None

    # --- the league's processes -------------------------------------------------------------------

    def start(self) -> None:
        """Start the daemon, and wait until it has finished a match that was not seen before."""
        settings = SETTINGS if self.trains else (*SETTINGS, "learners=[]")
        sets = [part for text in settings for part in ("--set", text)]
        if self.n_starts:
            sets = []  # they are in league.toml
        self.n_starts += 1
        self.deaths.clear()
        output = self.folder.root.parent / "stderr.txt"
        with output.open("ab") as stream:
            self.daemon = subprocess.Popen(
                [sys.executable, "-m", "league.cli", "start", "--league", self.root, *sets],
                stdout=subprocess.DEVNULL,
                stderr=stream,
            )
        self.wait_for_progress(f"start {self.n_starts}")

    @property
    def root(self) -> str:
        """The folder as an argument."""
        return str(self.folder.root)

    def wait_for_progress(self, after: str) -> None:
        """Wait until a match finishes; nothing within the limit is a problem."""
        before = len(self.seen)
        ends = time.monotonic() + PROGRESS_S
        while time.monotonic() < ends:
            self.look()
            if len(self.seen) > before:
                return
            if self.has_ended:
                self.problems.append(f"after {after}: the daemon ended by itself")
                return
            time.sleep(0.25)
        self.problems.append(f"after {after}: no match finished within {PROGRESS_S:.0f} s")

    @property
    def has_ended(self) -> bool:
        """Whether no daemon runs."""
        return self.daemon is None or self.daemon.poll() is not None

    def descendants(self) -> list[int]:
        """Return the processes below the daemon."""
        parents: dict[int, list[int]] = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                fields = stat.read_text().rpartition(")")[2].split()
                parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
        found: list[int] = []
        queue = [] if self.daemon is None else [self.daemon.pid]
        while queue:
            children = parents.get(queue.pop(), [])
            found += children
            queue += children
        return found

    def learners(self) -> list[int]:
        """Return the PIDs of the running learners, as the daemon reports them."""
        rows = self.query("SELECT value FROM league WHERE key = 'daemon'")
        reported = json.loads(str(rows[0][0])).get("learners", {}).values() if rows else []
        return [pid for pid in self.descendants() if pid in reported]

    def workers(self) -> list[int]:
        """Return the PIDs of the workers: children of a fork server that are not learners."""
        learners = set(self.learners())
        return [pid for pid in self.descendants() if pid not in learners and _is_forked(pid)]

    # --- what is seen -----------------------------------------------------------------------------

    def query(self, statement: str) -> list[tuple[object, ...]]:
        """Return rows of the league's database; [] while there is none."""
        if not self.folder.sqlite.is_file():
            return []
        engine = open_reader(self.folder.sqlite)
        try:
            with read_transaction(engine) as session:
                return [tuple(row) for row in session.execute(sqlalchemy.text(statement))]
        except DatabaseError:
            return []  # it is being made
        finally:
            engine.dispose()

    def finished(self) -> Book:
        """Return what a report shows of the finished matches."""
        rows = self.query(
            "SELECT id, final_state_sha256, ticks FROM matches WHERE status = 'finished'"
        )
        return {int(str(row[0])): row[1:] for row in rows}

    def look(self) -> None:
        """Remember the matches that are finished now."""
        self.seen.update(self.finished())

    # --- the disturbances -------------------------------------------------------------------------

    def kill_daemon(self) -> None:
        """SIGKILL the daemon."""
        self.end(signal.SIGKILL)

    def stop_daemon(self) -> None:
        """SIGTERM the daemon, which must end cleanly."""
        if self.end(signal.SIGTERM) != 0:
            self.problems.append("SIGTERM: the daemon did not end with exit code 0")

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
        self.kill_child("worker", self.workers())

    def kill_learner(self) -> None:
        """SIGKILL a learner."""
        self.kill_child("learner", self.learners())

    def kill_child(self, kind: str, pids: list[int]) -> None:
        """SIGKILL one of these processes, unless one more death would end the attempts."""
        if not pids or self.deaths[kind] >= DEATHS_A_LIFE:
            self.kill_daemon()
            return
        self.deaths[kind] += 1
        with suppress(ProcessLookupError):
            os.kill(self.random.choice(pids), signal.SIGKILL)
        self.wait_for_progress(f"SIGKILL of a {kind}")

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

    # --- ends and checks --------------------------------------------------------------------------

    def end(self, number: int) -> int | None:
        """Send the daemon a signal that ends it, check everything, and return its exit code."""
        assert self.daemon is not None
        self.look()
        children = self.descendants()
        self.daemon.send_signal(number)
        code = self.wait_for_end(STOP_S)
        if code is None:
            self.problems.append(f"signal {number}: the daemon ran on for {STOP_S:.0f} s")
            self.daemon.kill()
            self.daemon.wait()
        self.check(children)
        return code

    def wait_for_end(self, limit_s: float) -> int | None:
        """Return the daemon's exit code, or None if it still runs after the limit."""
        assert self.daemon is not None
        try:
            return self.daemon.wait(limit_s)
        except subprocess.TimeoutExpired:
            return None

    def check(self, children: list[int]) -> None:
        """Check the books of a league whose daemon has ended."""
        ends = time.monotonic() + LEAVE_S
        while any(map(_is_alive, children)) and time.monotonic() < ends:
            time.sleep(0.1)
        for pid in filter(_is_alive, children):
            self.n_left += 1
            self.problems.append(f"process {pid} is left: {_command(pid)}")
            os.kill(pid, signal.SIGKILL)
        now = self.finished()
        lost = [i for i, result in self.seen.items() if now.get(i) != result]
        self.n_lost += len(lost)
        if lost:
            self.problems.append(f"finished matches are gone or changed: {lost[:5]}")
        self.seen.update(now)
        twice = self.query(
            "SELECT match_id, member_id FROM ratings WHERE match_id IS NOT NULL "
            "GROUP BY match_id, member_id HAVING count(*) > 1"
        )
        self.n_twice += len(twice)
        wrong = [finding.text for finding in examine(self.folder) if finding.is_wrong]
        self.problems += [f"doctor: {text}" for text in wrong]
        self.read_logs()

    def read_logs(self) -> None:
        """Count the tracebacks in the logs; each is told once."""
        place = self.folder.root
        texts = [*place.glob("logs/*.log*"), *place.glob("logs/*.out"), place.parent / "stderr.txt"]
        count = 0
        last = ""
        for path in texts:
            with suppress(OSError):
                text = path.read_text(errors="replace")
                found = text.count("Traceback (most recent call last)")
                count += found
                last = f"{path.name}: {text[text.rfind('Traceback') :][-600:]}" if found else last
        if count > self.n_tracebacks:
            self.problems.append(f"{count - self.n_tracebacks} tracebacks; the last in {last}")
        self.n_tracebacks = max(count, self.n_tracebacks)

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
        deck: list[Callable[[], None]] = []
        self.start()
        ends = time.monotonic() + limit_s
        for _ in range(n_kills):
            if time.monotonic() > ends:
                break
            if not deck:
                deck = self.random.sample(kinds, len(kinds))
            disturb = deck.pop()
            time.sleep(self.random.uniform(0.0, 2.0))
            self.look()
            if self.has_ended:
                self.problems.append(f"the daemon had ended before {disturb.__name__}")
                self.check([])
                self.start()
            self.done[disturb.__name__] += 1
            print(f"{len(self.seen):6d} matches seen; {disturb.__name__}", flush=True)
            disturb()
            if self.has_ended:
                self.start()
        if not self.has_ended:
            self.stop_daemon()
        self.look()


def _is_forked(pid: int) -> bool:
    """Whether a process came out of the fork server, which itself did not."""
    with suppress(OSError):
        parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        return "forkserver" in _command(parent)
    return False


def _is_alive(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()[:200]
    return "gone"


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


def main() -> int:
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
    parser.add_argument("--log", type=Path, help="file to which the line of totals is appended")
    options = parser.parse_args()
    began = time.monotonic()
    with _place() as (place, why_not):
        if why_not is not None:
            print(f"no disk is filled up here: {why_not}")
        chaos = Chaos(
            place / "league",
            options.seed,
            on_tmpfs=why_not is None,
            trains=not options.no_learners,
        )
        try:
            chaos.run(options.kills, options.limit_s)
        finally:
            if not chaos.has_ended and chaos.daemon is not None:
                chaos.daemon.kill()
                chaos.daemon.wait()
    for problem in chaos.problems:
        print(f"PROBLEM  {problem}")
    kinds = ", ".join(f"{n} {name}" for name, n in sorted(chaos.done.items()))
    line = (
        f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} seed {options.seed}: "
        f"{sum(chaos.done.values())} disturbances ({kinds}), {chaos.n_starts} starts, "
        f"{time.monotonic() - began:.0f} s; {len(chaos.seen)} matches seen finished, "
        f"{chaos.n_lost} lost, {chaos.n_twice} rated twice, {chaos.n_tracebacks} tracebacks, "
        f"{chaos.n_left} processes left, {len(chaos.problems)} problems"
    )
    print(line)
    if options.log is not None:
        with options.log.open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")
    return 1 if chaos.problems else 0


if __name__ == "__main__":
    sys.exit(main())
