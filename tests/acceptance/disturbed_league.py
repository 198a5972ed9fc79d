"""A real small league that is disturbed: its processes, what was seen of it, and its books.

`tests/acceptance/chaos.py` and `ray_chaos.py` say what is done to it; pytest does not collect this
file.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import sqlalchemy

from db.errors import DatabaseError
from db.location import DatabaseLocation
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
# Five deaths within ten minutes end a learner until the next start, ten end the arena.
DEATHS_A_LIFE = 3
LEAVE_S = 4.0  # children promise to leave within 2 s when the daemon dies
STOP_S = 60.0
PROGRESS_S = 300.0  # a limit, not an expectation: a start on a busy machine loads torch three times
Book = dict[int, tuple[object, ...]]


class DisturbedLeague:
    """One league, what was seen of it, and what went wrong.

    `progress_s` and `leave_s` are limits, not expectations.

    Args:
        url: of the database server that it uses; None stands for the SQLite file of its folder.
        trains: whether learners run.
        settings: of this league beyond SETTINGS.

    Attributes:
        seen: (final state, ticks) of every match that was seen finished, by match id.
        members: (hash,) of every snapshot that was seen in the pool, by member id.
        problems: a sentence for everything that should not have happened.
    """

    progress_s = PROGRESS_S
    leave_s = LEAVE_S

    def __init__(
        self,
        root: Path,
        seed: int,
        *,
        trains: bool,
        url: str | None = None,
        settings: Sequence[str] = (),
    ) -> None:
        self.folder = LeagueFolder.at(root)
        self.place = DatabaseLocation.of(self.folder.sqlite if url is None else url)
        self.random = random.Random(seed)
        self.trains = trains
        self.settings = (*SETTINGS, *settings)
        self.seen: Book = {}
        self.members: Book = {}
        self.problems: list[str] = []
        self.done: Counter[str] = Counter()
        self.deaths: Counter[str] = Counter()
        self.n_tracebacks = self.n_left = self.n_twice = self.n_lost = 0
        self.n_starts = 0
        self.daemon: subprocess.Popen[bytes] | None = None

    # --- the league's processes -------------------------------------------------------------------

    def start(self) -> None:
        """Start the daemon, and wait until it has finished a match that was not seen before."""
        settings = [*self.settings]
        if not self.trains:
            settings.append("learners=[]")
        if self.place.url is not None:
            settings.append(f"database.url={self.place.url.render_as_string(False)}")
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
        ends = time.monotonic() + self.progress_s
        while time.monotonic() < ends:
            self.look()
            if len(self.seen) > before:
                return
            if self.has_ended:
                self.problems.append(f"after {after}: the daemon ended by itself")
                return
            time.sleep(0.25)
        self.problems.append(f"after {after}: no match finished within {self.progress_s:.0f} s")

    def n_updates(self) -> int:
        """Number of updates that the learners have made, as the database knows them."""
        with suppress(DatabaseError):
            return sum(self._updates().values())
        return 0

    def wait_for_training(self, after: str) -> None:
        """Wait until every learner makes an update; none within the limit is a problem."""
        before = self._updates()
        ends = time.monotonic() + self.progress_s
        while time.monotonic() < ends and not self.has_ended:
            self.look()
            now = self._updates()
            if now and all(n > before.get(learner, 0) for learner, n in now.items()):
                return
            time.sleep(0.25)
        self.problems.append(
            f"after {after}: learners did not train within {self.progress_s:.0f} s"
        )

    def _updates(self) -> dict[str, int]:
        """Return the number of updates of each learner; old rows are thinned."""
        with suppress(DatabaseError):
            rows = self.query(
                "SELECT learner_id, max(number) FROM learner_updates GROUP BY learner_id"
            )
            return {str(learner): int(str(n)) for learner, n in rows}
        return {}

    @property
    def has_ended(self) -> bool:
        """Whether no daemon runs."""
        return self.daemon is None or self.daemon.poll() is not None

    def descendants(self) -> list[int]:
        """Return the processes below the daemon."""
        return [] if self.daemon is None else descendants([self.daemon.pid])

    def learners(self) -> list[int]:
        """Return the PIDs of the running learners, as the daemon reports them."""
        rows = []
        with suppress(DatabaseError):
            rows = self.query("SELECT value FROM league WHERE key = 'daemon'")
        value = rows[0][0] if rows else "{}"
        note = json.loads(value) if isinstance(value, str) else value  # a server returns objects
        assert isinstance(note, dict)
        reported = note.get("learners", {}).values()
        return [pid for pid in self.descendants() if pid in reported]

    def workers(self) -> list[int]:
        """Return the PIDs of the workers: children of a fork server that are not learners."""
        learners = set(self.learners())
        return [pid for pid in self.descendants() if pid not in learners and is_forked(pid)]

    # --- what any league is disturbed by ----------------------------------------------------------

    def kill_daemon(self) -> None:
        """SIGKILL the daemon."""
        self.end(signal.SIGKILL)

    def stop_daemon(self) -> None:
        """SIGTERM the daemon, which must end cleanly."""
        if self.end(signal.SIGTERM) != 0:
            self.problems.append("SIGTERM: the daemon did not end with exit code 0")

    def kill_one(self, kind: str, pids: Sequence[int]) -> None:
        """SIGKILL one of these processes; the league must go on, and train if it was a learner."""
        if not pids:
            self.problems.append(f"there is no {kind} to be killed")
            return
        with suppress(ProcessLookupError):
            os.kill(self.random.choice(pids), signal.SIGKILL)
        self.look()
        self.wait_for_progress(f"SIGKILL of a {kind}")
        if kind.startswith("learner"):
            self.wait_for_training(f"SIGKILL of a {kind}")

    def kill_few(self, kind: str, pids: Sequence[int]) -> None:
        """SIGKILL one of these processes, unless one more death would end the attempts."""
        if not pids or self.deaths[kind] >= DEATHS_A_LIFE:
            self.kill_daemon()
            return
        self.deaths[kind] += 1
        self.kill_one(kind, pids)

    def disturb(self, kinds: Sequence[Callable[[], None]], n_times: int, limit_s: float) -> None:
        """Disturb the league `n_times`, by each kind equally often, or until the time is up.

        It is started before, after whatever ended it, and stopped at the end.
        """
        deck: list[Callable[[], None]] = []
        self.start()
        ends = time.monotonic() + limit_s
        for _ in range(n_times):
            if time.monotonic() > ends:
                break
            deck = deck or self.random.sample(kinds, len(kinds))
            kind = deck.pop()
            time.sleep(self.random.uniform(0.0, 2.0))
            self.look()
            if self.has_ended:
                self.problems.append(f"the daemon had ended before {kind.__name__}")
                self.check([])
                self.start()
            self.done[kind.__name__] += 1
            sys.stdout.write(f"{len(self.seen):6d} matches seen; {kind.__name__}\n")
            sys.stdout.flush()
            kind()
            if self.has_ended:
                self.start()
        if not self.has_ended:
            self.stop_daemon()
        self.look()

    def totals(self, how: str, took_s: float) -> str:
        """Return the line that says what was done, and what came of it."""
        kinds = ", ".join(f"{n} {name}" for name, n in sorted(self.done.items()))
        trained = f", {len(self.members)} snapshots, {self.n_updates()} updates" * self.trains
        return (
            f"{how}: {sum(self.done.values())} disturbances ({kinds}), {self.n_starts} starts, "
            f"{took_s:.0f} s; {len(self.seen)} matches seen finished{trained}, "
            f"{self.n_lost} lost, {self.n_twice} rated twice, {self.n_tracebacks} tracebacks, "
            f"{self.n_left} processes left, {len(self.problems)} problems"
        )

    def close(self) -> None:
        """End a daemon that still runs."""
        if self.daemon is not None and not self.has_ended:
            self.daemon.kill()
            self.daemon.wait()

    # --- what is seen -----------------------------------------------------------------------------

    def query(self, statement: str) -> list[tuple[object, ...]]:
        """Return rows of the league's database.

        Raises:
            DatabaseError: there is none yet, it is being made, or its server does not answer.
        """
        engine = open_reader(self.place)
        try:
            with read_transaction(engine) as session:
                return [tuple(row) for row in session.execute(sqlalchemy.text(statement))]
        finally:
            engine.dispose()

    def finished(self) -> Book:
        """Return what a report shows of the finished matches."""
        rows = self.query(
            "SELECT id, final_state_sha256, ticks FROM matches WHERE status = 'finished'"
        )
        return {int(str(row[0])): row[1:] for row in rows}

    def snapshots(self) -> Book:
        """Return the hash of every snapshot in the pool, by member id."""
        rows = self.query("SELECT id, snapshot_sha256 FROM members WHERE snapshot_sha256 <> ''")
        return {int(str(row[0])): row[1:] for row in rows}

    def look(self) -> None:
        """Remember the matches and snapshots that there are now, if the database answers."""
        with suppress(DatabaseError):
            self.seen.update(self.finished())
            self.members.update(self.snapshots())

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
        self.check_gone(children, self.leave_s)
        try:
            self.read_books()
        except DatabaseError as error:
            self.problems.append(f"the books cannot be read: {error}")
        wrong = [finding.text for finding in examine(self.folder) if finding.is_wrong]
        self.problems += [f"doctor: {text}" for text in wrong]
        self.read_logs()

    def check_gone(self, pids: Sequence[int], limit_s: float) -> None:
        """Check that processes of the league that has ended leave within so many seconds."""
        ends = time.monotonic() + limit_s
        while any(map(_is_alive, pids)) and time.monotonic() < ends:
            time.sleep(0.1)
        for pid in filter(_is_alive, pids):
            self.n_left += 1
            self.problems.append(f"process {pid} is left: {command(pid)}")
            os.kill(pid, signal.SIGKILL)

    def read_books(self) -> None:
        """Compare the finished matches with those seen before, and count double ratings.

        Raises:
            DatabaseError: the database cannot be read.
        """
        now = self.finished()
        lost = [i for i, result in self.seen.items() if now.get(i) != result]
        self.n_lost += len(lost)
        if lost:
            self.problems.append(f"finished matches are gone or changed: {lost[:5]}")
        self.seen.update(now)
        pool = self.snapshots()
        gone = [i for i, member in self.members.items() if pool.get(i) != member]
        self.n_lost += len(gone)
        if gone:
            self.problems.append(f"snapshots in the pool are gone or changed: {gone[:5]}")
        self.members.update(pool)
        if len(set(pool.values())) < len(pool):
            self.problems.append("a snapshot is in the pool twice")
        twice = self.query(
            "SELECT match_id, member_id FROM ratings WHERE match_id IS NOT NULL "
            "GROUP BY match_id, member_id HAVING count(*) > 1"
        )
        self.n_twice += len(twice)
        if twice:
            self.problems.append(f"matches are rated twice: {[row[0] for row in twice][:5]}")

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


def descendants(pids: Sequence[int]) -> list[int]:
    """Return the processes below these."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found: list[int] = []
    queue = list(pids)
    while queue:
        children = parents.get(queue.pop(), [])
        found += children
        queue += children
    return found


def is_forked(pid: int) -> bool:
    """Whether a process came out of the fork server, which itself did not."""
    with suppress(OSError):
        parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        return "forkserver" in command(parent)
    return False


def _is_alive(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()[:200]
    return "gone"
