"""What `league bench manager` measures: what a manager does for each match, in a long league.

The manager is the real one, with its database and its replays; the arena ends every match at once
by dice, and the learners say nothing. Measured are turns in which matches are planned, recorded and
rated, in a short and in a long league, and the work of each SQL statement in both, which does not
depend on what else the machine does: steps of SQLite's virtual machine, the estimated costs of a
server's plans.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any, Protocol

from numpy.random import PCG64, Generator
from sqlalchemy import Engine, event

from arena.match import MatchResult, MatchSpec
from arena.processes.jobs import Done, Failed, News
from arena.processes.scratch import ScratchFolder
from db import queries
from db.session import read_transaction
from league.bench.full_league import FullLeague
from league.bench.machine import describe, sentence
from league.daemon.manager import Manager
from league.daemon.planner import MatchSettings, Planner
from league.daemon.roster import Rosters
from league.errors import BenchError
from league.learner.messages import Stop
from league.rating.engines import warm_up

GOAL_MATCHES_PER_S = 50.0
GOAL_LINE_UP_MS = 5.0
SHORT = 10_000  # matches of the league that the long one is compared with
STEPS_AT_ONCE = 20  # of SQLite's machine between two calls of its progress handler
# What counts as growing: between the two leagues the work of a run rises by more than this share,
# and by more than this many steps, or units of a server's estimates (a page that is read is 1).
GROWTH, LEAST_WORK = 1.5, 250.0
N_ESTIMATED = 3  # runs of each statement of which a server is asked for its plan

Tell = Callable[[str], None]


class Results(Protocol):
    """What knows how a match would end."""

    def result(self, spec: MatchSpec) -> MatchResult:
        """Return a result of this match."""


class DiceArena:
    """Ends what is submitted at the next question, 16 matches at once.

    Attributes:
        n_ended: matches so far.
    """

    is_ready = True
    start_trouble: str | None = None

    def __init__(self, league: Results) -> None:
        self.n_ended = 0
        self._league = league
        self._waiting: list[tuple[int, MatchSpec]] = []

    def submit(self, job_id: int, spec: object, *, alone: bool = False) -> None:
        """Queue a match."""
        assert isinstance(spec, MatchSpec)
        self._waiting.append((job_id, spec))

    def poll(self, timeout_s: float) -> list[Done | Failed]:
        """Return the results of the oldest ones."""
        now, self._waiting = self._waiting[:16], self._waiting[16:]
        self.n_ended += len(now)
        return [Done(job_id, self._league.result(spec)) for job_id, spec in now]

    def take_news(self) -> list[News]:
        """Return that nothing happened."""
        return []

    def close(self, grace_s: float) -> None:
        """Forget the rest."""


class Silent:
    """A learner that runs and says nothing."""

    pid = 0
    handles: Sequence[Any] = ()
    is_placed = True
    has_ended = False
    exit_code: int | None = None

    def send(self, message: object) -> bool:
        if isinstance(message, Stop):
            self.terminate()
        return True

    def poll(self, limit: int | None = None) -> list[object]:
        return []

    def hang_up(self) -> None:
        pass

    def terminate(self) -> None:
        self.has_ended, self.exit_code = True, 0

    kill = terminate

    def join(self, timeout_s: float) -> bool:
        return True

    def close(self, grace_s: float) -> int | None:
        self.terminate()
        return 0

    def last_output(self) -> str:
        return ""


def run(
    n_members: int = 200,
    n_matches: int = 100_000,
    n_recorded: int = 480,
    url: str | None = None,
    tell: Tell | None = None,
) -> dict[str, Any]:
    """Measure a manager in leagues of `SHORT` (or a tenth) and of `n_matches` matches.

    Args:
        n_recorded: matches that are planned, recorded and rated in each.
        url: of an empty database on a server; None measures SQLite.

    Raises:
        BenchError: the database is not empty, or a match was not recorded.
    """
    say = tell or (lambda text: None)
    warm_up()
    rng = Generator(PCG64(0))
    at: dict[int, dict[str, Any]] = {}
    with ScratchFolder("league-bench-") as folder:
        league = FullLeague(folder / "league", n_members, rng, url)
        try:
            for size in (min(SHORT, n_matches // 10), n_matches):
                say(f"filling the league up to {size:,} matches")
                league.fill(size)
                say(f"recording {n_recorded} matches")
                at[size] = _measure(league, n_recorded)
            kind = league.engine.dialect.name
        finally:
            league.close()
    short, long = at.values()
    return {
        "members": n_members,
        "database": kind,
        "sizes": {str(size): found for size, found in at.items()},
        "growing": growing(short["statements"], long["statements"]),
        "goals": {"matches_per_s": GOAL_MATCHES_PER_S, "line_up_ms": GOAL_LINE_UP_MS},
        "machine": describe(),
    }


def _measure(league: FullLeague, n: int) -> dict[str, Any]:
    arena = DiceArena(league)
    began = time.process_time()
    manager = Manager(
        league.folder,
        league.config,
        league.engine,
        arena=arena,
        launch=lambda name, orders: Silent(),
    )
    manager.turn(0.0)  # reads what the planner and the rosters need to know
    start_s = time.process_time() - began
    speed = turns(manager, arena, n)
    with counted(league.engine) as work:
        n_counted = turns(manager, arena, max(32, n // 4))["n"]
    line_up_ms = _line_up_ms(league)
    roster_s = _roster_s(league, manager)
    manager.close(8.0)  # of which learners and arena take nothing
    with read_transaction(league.engine) as session:
        n_finished = queries.matches_by_status(session)["finished"]
    if n_finished != league.n_matches + arena.n_ended:
        raise BenchError(
            f"expected {league.n_matches + arena.n_ended} finished matches, found {n_finished}; "
            "see the journal of the league"
        )
    league.n_matches = n_finished
    statements = {
        statement: {"per_match": runs / n_counted, "work": work.of_a_run(statement)}
        for statement, runs in work.runs.items()
    }
    return {
        "matches_per_cpu_s": speed["n"] / speed["cpu_s"],
        "matches_per_s": speed["n"] / speed["wall_s"],
        "start_cpu_s": start_s,
        "line_up_ms": line_up_ms,
        "roster_cpu_s": roster_s,
        "statements_per_match": sum(each["per_match"] for each in statements.values()),
        "statements": statements,
    }


def turns(manager: Manager, arena: DiceArena, n: int) -> dict[str, float]:
    """Let the manager turn until `n` more matches are recorded; return how many, and seconds."""
    before = arena.n_ended
    began, began_cpu = time.perf_counter(), time.process_time()
    while arena.n_ended - before < n:
        manager.turn(0.0)
    return {
        "n": float(arena.n_ended - before),
        "cpu_s": time.process_time() - began_cpu,
        "wall_s": time.perf_counter() - began,
    }


def _line_up_ms(league: FullLeague, n_plans: int = 8) -> float:
    """Return the processor time of a line-up of a planner that knows the league, the median."""
    settings = MatchSettings.of(league.config, 1)
    planner = Planner(settings, league.engine, league.season, league.folder.root)
    planner.plan(1, [])
    spent = []
    for _ in range(n_plans):
        began = time.process_time()
        planner.plan(settings.matches_per_worker, [])
        spent.append((time.process_time() - began) / settings.matches_per_worker)
    return 1000.0 * median(spent)


def _roster_s(league: FullLeague, manager: Manager, n: int = 3) -> float:
    """Return the processor time of the rosters of all learners, once the payoff is known."""
    rosters = Rosters(league.season, league.config.rating.held_out, league.config.rating.ladder)
    lineages = {lineage.name: lineage for lineage in league.config.learners}
    spent = []
    for _ in range(n + 1):
        began = time.process_time()
        with read_transaction(league.engine) as session:
            rosters.read(session, lineages)
        spent.append(time.process_time() - began)
    return median(spent[1:])


class Work:
    """What each statement cost since it was first seen.

    Attributes:
        runs: how often it ran.
        total: steps of SQLite's machine of all runs, or the costs that a server estimated.
        estimated: how many runs a server's estimates are of.
    """

    def __init__(self) -> None:
        self.runs: Counter[str] = Counter()
        self.total: defaultdict[str, float] = defaultdict(float)
        self.estimated: Counter[str] = Counter()

    def of_a_run(self, statement: str) -> float:
        """Return the mean work of a run."""
        n = self.estimated[statement] or self.runs[statement]
        return self.total[statement] / n


@contextmanager
def counted(engine: Engine) -> Iterator[Work]:
    """Count what each statement of an engine costs.

    On SQLite rows are computed when they are fetched: steps belong to the statement that began
    last. A server is asked for its plan of the first runs of each statement.
    """
    work = Work()
    present = [""]
    is_sqlite = engine.dialect.name == "sqlite"

    def step() -> int:
        work.total[present[0]] += STEPS_AT_ONCE
        return 0

    def before(
        connection: Any, cursor: Any, statement: str, values: Any, context: Any, is_many: bool
    ) -> None:
        present[0] = " ".join(statement.split())
        work.runs[present[0]] += 1
        if is_sqlite:
            # Each time: a connection of the pool may be a new one.
            cursor.connection.set_progress_handler(step, STEPS_AT_ONCE)
        elif not is_many and _has_plan(statement) and work.runs[present[0]] <= N_ESTIMATED:
            with cursor.connection.cursor() as other:
                other.execute(f"EXPLAIN (FORMAT JSON) {statement}", values)
                ((plan,),) = other.fetchall()
            work.total[present[0]] += plan[0]["Plan"]["Total Cost"]
            work.estimated[present[0]] += 1

    event.listen(engine, "before_cursor_execute", before)
    try:
        yield work
    finally:
        event.remove(engine, "before_cursor_execute", before)
        if is_sqlite:
            with engine.connect() as connection:
                raw: Any = connection.connection.dbapi_connection
                raw.set_progress_handler(None, 0)
        work.total.pop("", None)


def _has_plan(statement: str) -> bool:
    return statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE"))


def growing(short: dict[str, Any], long: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the statements whose work grows with the league, the costliest per match first.

    Args:
        short, long: statement -> runs per match and work per run, in the two leagues.
    """
    found = []
    for statement in short.keys() & long.keys():
        before, now = short[statement]["work"], long[statement]["work"]
        if now > GROWTH * before and now - before > LEAST_WORK:
            per_match = long[statement]["per_match"]
            found.append(
                {"statement": statement, "per_match": per_match, "short": before, "long": now}
            )
    return sorted(found, key=lambda each: -each["per_match"] * each["long"])


def lines(result: dict[str, Any]) -> list[str]:
    """Return the result as lines of text."""
    unit = "of cost" if result["database"] == "postgresql" else "steps"
    found = [
        f"manager of {result['members']} members on {result['database']}; "
        f"{sentence(result['machine'])}"
    ]
    for size, each in result["sizes"].items():
        found.append(
            f"{int(size):>9,} matches: {each['matches_per_cpu_s']:.0f} recorded and rated per "
            f"second of one core (goal {GOAL_MATCHES_PER_S:.0f}), {each['matches_per_s']:.0f}/s by "
            f"the clock; line-up {each['line_up_ms']:.2f} ms (goal {GOAL_LINE_UP_MS:.0f}); rosters "
            f"{1000 * each['roster_cpu_s']:.0f} ms; start {each['start_cpu_s']:.1f} s; "
            f"{each['statements_per_match']:.1f} statements a match"
        )
    if not result["growing"]:
        found.append("no statement of a turn grows with the log")
    for each in result["growing"]:
        found.append(
            f"grows: {each['short']:,.0f} to {each['long']:,.0f} {unit}, "
            f"{each['per_match']:.2f} a match: {each['statement'][:140]}"
        )
    return found
