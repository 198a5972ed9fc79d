"""Owns `league pit A B`: a head-to-head in mirrored pairs until a verdict.

Promises: the match log is the only state of the matches, so that the same command continues where
it was interrupted; ratings never change; verdicts are remembered, so that a later one can allow for
them. Playing is in `league.pit.play`, statistics in `league.pit.statistics` and its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from arena.machine import usable_cores
from arena.processes.jobs import WorkerLimits
from league.config.tree import SCRIPTED
from league.errors import BridgeEngineError, PitError, PitInterrupted
from league.folder.layout import LeagueFolder
from league.pit.length import PlannedLength, planned_length
from league.pit.log import PitLog, Unit
from league.pit.plan import PitPlan, check_seats
from league.pit.play import MakeArena, Play
from league.pit.report import PitReport, summarise
from league.pit.sides import make_field
from league.pit.sprt import Sprt, SprtSettings
from league.pit.statistics import Estimate, estimate, pair_score
from league.pit.table import THE_USUAL, Game, Table, laid

DEFAULT_CAP = 1_000  # matches: SPRT of [0, 50] nElo rarely needs 400
PLAN_PAIRS = 8  # pairs, or more, that --plan plays to measure speed and spread

Say = Callable[[str], None]


def _silent(line: str) -> None:
    pass


@dataclass(frozen=True)
class PitRequest:
    """What the command line asks for.

    Attributes:
        a, b: names, hash prefixes, snapshot files or agent specs.
        n_matches: fixed number, rounded up to whole pairs; None plays until SPRT decides.
        cap: number of matches after which SPRT stops undecided.
        seed: seed of the first pair; each further pair adds 1.
        with_field: A and B take `field_seats` seats each among scripted third parties.
        field_seats: one, as `league pit --field` has it; with more, fewer matches are needed.
        field_of: names of the scripts that are the third parties, in turn.
        maps: references to play on; empty uses the maps of the league's rated matches.
        n_workers: number of processes; None starts one per core.
        replays: folder that replays are written into beside the league's own; None writes none.
        game: what is played without a league.
    """

    a: str
    b: str
    n_matches: int | None = None
    cap: int = DEFAULT_CAP
    seed: int = 1
    with_field: bool = False
    field_seats: int = 1
    field_of: tuple[str, ...] = SCRIPTED
    maps: tuple[str, ...] = ()
    sprt: SprtSettings = field(default_factory=SprtSettings)
    n_workers: int | None = None
    replays: Path | None = None
    game: Game = THE_USUAL

    @property
    def max_pairs(self) -> int:
        """Largest number of pairs."""
        return -(-(self.n_matches or self.cap) // 2)


@dataclass(frozen=True)
class PitProgress:
    """A head-to-head after a pair: all that a line of progress needs.

    Attributes:
        found: the estimate so far, with an interval that holds at every look.
        llr, llr_bound: of SPRT, and the bound on its side; None for a fixed number.
    """

    n_pairs: int
    max_pairs: int
    found: Callable[[], Estimate]
    llr: float | None
    llr_bound: float | None

    def line(self) -> str:
        """Return the line."""
        e = self.found()
        of = "of" if self.llr is None else "of at most"
        test = "" if self.llr is None else f", LLR {self.llr:.2f} of {self.llr_bound:.2f}"
        return (
            f"{self.n_pairs} {of} {self.max_pairs} pairs, A scores {100 * e.score:.1f} % "
            f"[{100 * e.score_low:.1f}, {100 * e.score_high:.1f}]{test}"
        )


def run_pit(
    request: PitRequest,
    folder: LeagueFolder | None,
    progress: Callable[[PitProgress], None] = lambda progress: None,
    *,
    say: Say = _silent,
    arena: MakeArena | None = None,
    stores: bool = True,
    reports_failure: bool = False,
) -> PitReport:
    """Play a head-to-head and return its report.

    Args:
        folder: the league that holds the members and stores the matches; None plays on generated
            maps and stores nothing.
        progress: called after every judged pair.
        say: called with a sentence that a user should read before it starts.
        arena: makes the arena; None for processes of this machine.
        stores: False leaves the league as it is: nothing is stored, and nothing goes on.
        reports_failure: report what was played before the arena gave up although no agent is to
            blame, as the original engine does; else it raises.

    Raises:
        LeagueError, AgentError, ArenaError, DatabaseError: it cannot be played, or not to its end,
            or was interrupted before a pair was complete.
    """
    sides = (request.a, request.b)
    with laid(sides, request.maps, folder, stores=stores, game=request.game) as table:
        plan = _plan(request, table)
        log = table.log(plan)
        if log is not None:
            _say_what_is_left_aside(table, plan, log, say)
        judge = _Judge(request, progress)
        play = Play(plan, judge.seeds, log, table.settings, request.n_workers, request.replays)
        failure = None
        try:
            play.until(judge, arena)
        except PitError as error:
            if play.crashes or not reports_failure:
                raise
            failure = str(error)
        if not play.judged:
            if failure is not None:
                raise BridgeEngineError(failure)
            raise PitInterrupted(
                "interrupted before the first pair was complete; run the same command again"
            )
        report = _report(
            *(request, plan, play), look=1, remembered=log is not None, failure=failure
        )
        if log is None or report.decision == "interrupted":
            return report
        look = log.look(request.seed, len(play.judged))
        return _report(request, plan, play, look=look, remembered=True)


def plan_pit(
    request: PitRequest,
    effect: float,
    folder: LeagueFolder | None,
    *,
    arena: MakeArena | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> PlannedLength:
    """Return how long a head-to-head must be to show an effect, at this machine's speed.

    The first pairs are played for it: they are stored, and count in the head-to-head.

    Args:
        effect: A minus B in normalised Elo per match, above 0.
        progress: called with how many of its first pairs were played, and of how many.

    Raises:
        StatisticsError: the effect is not above 0.
        LeagueError, AgentError, ArenaError, DatabaseError: see `run_pit`.
    """
    planned_length(effect, [0.4, 0.6], 1.0)  # refuses an effect before anything is played
    with laid((request.a, request.b), request.maps, folder, game=request.game) as table:
        plan = _plan(request, table)
        log = table.log(plan)
        n_workers = request.n_workers or usable_cores()
        # Speed is measured on pairs that are not stored yet, so many that no worker waits.
        n_new = max(PLAN_PAIRS, n_workers * WorkerLimits().matches_per_worker // plan.n_parts)
        seeds = range(request.seed, request.seed + request.max_pairs + n_new)
        known = {} if log is None else log.load(seeds)[0]
        new = [seed for seed in seeds if seed not in known][:n_new]
        play = Play(plan, new, log, table.settings, n_workers)
        play.until(_Everything(len(new), progress), arena)
        speed = play.steady_matches_per_s
        if play.interrupted or speed is None:
            raise PitInterrupted(
                "interrupted before the speed was measured; run the same command again"
            )
        scores = [pair_score(pair) for pair in (*known.values(), *play.judged)]
        return planned_length(effect, scores, speed)


class _Everything:
    """Takes all units, and tells of the progress."""

    def __init__(self, n_units: int, progress: Callable[[int, int], None]) -> None:
        self._n_units, self._progress = n_units, progress
        self._n_taken = 0

    def take(self, unit: Unit) -> bool:
        """Go on."""
        self._n_taken += 1
        self._progress(self._n_taken, self._n_units)
        return False


class _Judge:
    """Takes pairs in the order of their seeds, tests them, and tells of the progress."""

    def __init__(self, request: PitRequest, progress: Callable[[PitProgress], None]) -> None:
        self.seeds = range(request.seed, request.seed + request.max_pairs)
        self._test = None if request.n_matches else Sprt(request.sprt)
        self._bounds = request.sprt.bounds
        self._progress = progress
        self._scores: list[float] = []

    def take(self, unit: Unit) -> bool:
        """Take a pair; return True when SPRT has decided."""
        self._scores.append(pair_score(unit))
        decision = None if self._test is None else self._test.add(self._scores[-1])
        llr = None if self._test is None else self._test.llr
        bound = None if llr is None else self._bounds[1 if llr >= 0 else 0]
        self._progress(PitProgress(len(self._scores), len(self.seeds), self._estimate, llr, bound))
        return decision is not None

    def _estimate(self) -> Estimate:
        return estimate(self._scores, anytime=True)


def _report(
    request: PitRequest,
    plan: PitPlan,
    play: Play,
    *,
    look: int,
    remembered: bool,
    failure: str | None = None,
) -> PitReport:
    report = summarise(
        play.judged,
        a=plan.a.name,
        b=plan.b.name,
        setting=plan.setting(range(request.seed, request.seed + len(play.judged))),
        sprt=None if request.n_matches else request.sprt,
        n_failed=play.n_failed,
        crashes=play.crashes,
        matches_per_s=play.matches_per_s,
        look=look,
        remembered=remembered,
        interrupted=play.interrupted or failure is not None,
    )
    return replace(report, watch=play.to_watch, failure=failure)


def _plan(request: PitRequest, table: Table) -> PitPlan:
    check_seats(table.rules, request.with_field)
    return PitPlan(
        a=table.sides[0],
        b=table.sides[1],
        maps=table.maps,
        rules=table.rules,
        views=table.views,
        field=(
            make_field(
                table.rules.n_seats - 2 * request.field_seats, table.engine, request.field_of
            )
            if request.with_field
            else ()
        ),
    )


def _say_what_is_left_aside(table: Table, plan: PitPlan, log: PitLog, say: Say) -> None:
    """Say that version 0.1.0 played a request that is planned otherwise now, if it did."""
    before = plan.key_before(table.listed_maps)
    n_matches = 0 if before == plan.series_key else log.count(before)
    if n_matches:
        say(
            f"{n_matches} matches of this head-to-head were played by an older version, which "
            "seated the field or chose maps otherwise; they are left aside, and it begins anew"
        )
