"""An arena and learner processes that a test scripts, and a small league with a real database."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from arena.match import MatchResult, MatchSpec, pack_actions
from arena.processes.jobs import Done, Failed, News
from arena.processes.launch import name_exit
from db.migrate import upgrade
from db.session import open_writer
from league.config.layers import resolve
from league.config.toml import write_toml
from league.config.tree import LeagueConfig
from league.folder.layout import LeagueFolder, create_folder
from tests.db.migrated import new_database

SETS = (
    "rules.n_seats=4",
    "learner.seats_per_match=2",
    "arena.n_workers=1",
    "arena.matches_per_worker=2",
    "views.global_size=16",
    "views.local_size=16",
    "maps.train=['generated:plains:64x64:1']",
    "maps.rate=['generated:plains:64x64:2']",
)


@dataclass
class League:
    """A league folder, its settings and its migrated database."""

    folder: LeagueFolder
    config: LeagueConfig
    engine: Engine


@contextmanager
def new_league(root: Path, *sets: str) -> Iterator[League]:
    """A league that was never started."""
    config = resolve("small", None, (*SETS, *sets))
    folder = create_folder(root, write_toml(config))
    engine = new_database(folder.sqlite)
    try:
        yield League(folder, config, engine)
    finally:
        engine.dispose()


@contextmanager
def new_league_on_server(root: Path, url: str, *sets: str) -> Iterator[League]:
    """A league that was never started, in the empty database of a server."""
    config = resolve("small", None, (*SETS, f"database.url={url}", *sets))
    folder = create_folder(root, write_toml(config))
    engine = open_writer(url)
    try:
        upgrade(engine)
        yield League(folder, config, engine)
    finally:
        engine.dispose()


@dataclass
class ScriptedArena:
    """Remembers what was submitted; hands out the outcomes that the test put in `outcomes`."""

    outcomes: list[Done | Failed] = field(default_factory=list)
    submitted: list[tuple[int, MatchSpec, bool]] = field(default_factory=list)
    closed_with: list[float] = field(default_factory=list)
    is_ready: bool = True
    start_trouble: str | None = None
    news: list[News] = field(default_factory=list)

    def submit(self, job_id: int, spec: object, *, alone: bool = False) -> None:
        assert isinstance(spec, MatchSpec)
        self.submitted.append((job_id, spec, alone))

    def poll(self, timeout_s: float) -> list[Done | Failed]:
        outcomes, self.outcomes = self.outcomes, []
        return outcomes

    def take_news(self) -> list[News]:
        news, self.news = self.news, []
        return news

    def close(self, grace_s: float) -> None:
        self.closed_with.append(grace_s)

    def finish(self, *job_ids: int) -> None:
        """Let submitted matches end: seat 0 first, seat 1 second, and so on."""
        specs = {job_id: spec for job_id, spec, _ in self.submitted}
        self.outcomes += [Done(job_id, result(specs[job_id])) for job_id in job_ids]

    def fail(self, job_id: int, *blamed: str) -> None:
        """Let a match fail by its own fault."""
        self.outcomes.append(Failed(job_id, "ValueError: bad move", "line 7", "match", blamed))

    def die(self, *job_ids: int, exit_code: int) -> None:
        """Let the process that plays these matches exit."""
        said = f"worker 0 {name_exit(exit_code)}"
        self.outcomes += [
            Failed(job_id, said, "its last line", "worker", exit_code=exit_code)
            for job_id in job_ids
        ]

    def trouble(self, job_id: int, *concerned: str) -> None:
        """Let a match fail because the machine is in trouble."""
        error = "[Errno 13] Permission denied: 'snapshots'"
        self.outcomes.append(Failed(job_id, error, "line 7", "machine", concerned))


class PlayingArena(ScriptedArena):
    """Ends the oldest matches that were submitted, two at each question.

    Attributes:
        ended: ids of the matches that it ended, in that order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ended: list[int] = []

    def poll(self, timeout_s: float) -> list[Done | Failed]:
        now, self.submitted = self.submitted[:2], self.submitted[2:]
        self.ended += [job_id for job_id, _, _ in now]
        return [Done(job_id, result(spec)) for job_id, spec, _ in now]


def result(spec: MatchSpec) -> MatchResult:
    """What the arena returns for a match that its seats finished in seat order."""
    n_seats = spec.rules.n_seats
    return MatchResult(
        spec=spec,
        placements=tuple(range(1, n_seats + 1)),
        tiles=tuple(range(n_seats, 0, -1)),
        troops=(100,) * n_seats,
        eliminated_tick=(None,) * n_seats,
        ticks=1_500,
        final_state_sha256="c" * 64,
        actions=pack_actions([]),
        n_illegal=(0,) * n_seats,
        wall_s=0.25,
        weights=tuple(
            name.removeprefix("snapshot:") if name.startswith("snapshot:") else ""
            for name in spec.agents
        ),
    )


class ScriptedProcess:
    """A learner that says what it is told to, and ends when the test says so.

    Args:
        messages: waiting to be polled.
        exit_code: of a process that has ended; None while it runs.
        stops: exits with code 0 when it is sent anything named Stop.
    """

    handles: Sequence[Any] = ()

    def __init__(self, *messages: object, exit_code: int | None = None, stops: bool = True) -> None:
        self.pid = 4711
        self.messages = deque(messages)
        self.sent: list[object] = []
        self.exit_code = exit_code
        self.was_killed = False
        self._stops = stops

    is_placed = True

    @property
    def has_ended(self) -> bool:
        return self.exit_code is not None

    def send(self, message: object) -> bool:
        if self.has_ended:
            return False
        self.sent.append(message)
        if self._stops and type(message).__name__ == "Stop":
            self.exit_code = 0
        return True

    def poll(self, limit: int | None = 1000) -> list[object]:
        n = len(self.messages) if limit is None else min(limit, len(self.messages))
        return [self.messages.popleft() for _ in range(n)]

    def hang_up(self) -> None:
        self.exit_code = 0

    def terminate(self) -> None:
        self.exit_code = -15

    def kill(self) -> None:
        self.was_killed = True
        self.exit_code = -9

    def join(self, timeout_s: float) -> bool:
        return self.has_ended

    def close(self, grace_s: float) -> int | None:
        if not self.has_ended:
            self.kill()
        return self.exit_code

    def last_output(self) -> str:
        return ""


class Clock:
    """Time that only moves when a test says so, in seconds."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now
