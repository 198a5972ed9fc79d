"""Owns the running of a head-to-head: mirrored pairs on worker processes until a verdict.

Promises: the match log is the only state, so that the same command continues where it was
interrupted; ratings never change; pairs are judged in the order of their seeds, so that a verdict
does not depend on which match ended first. Both matches of a pair are recorded in one transaction:
half a pair is never evidence. Statistics are in `league.pit.statistics`.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from arena.match import MatchResult
from arena.processes.jobs import Done, Failed, WorkerLimits
from arena.processes.local_arena import LocalArena
from arena.territory.engine.rules import MatchRules
from arena.territory.maps import expand_references
from arena.territory.observation.views import Views
from db.session import read_transaction
from league.config.layers import resolve
from league.errors import PitError
from league.folder.connect import writer
from league.folder.layout import LeagueFolder
from league.folder.memory import started_settings
from league.members.entry import views_of
from league.pit.log import Pair, PitLog, name_of
from league.pit.plan import PitPlan, check_seats, make_field, side_in_league, side_without_league
from league.pit.statistics import (
    PitMatch,
    PitReport,
    SprtSettings,
    estimate,
    pair_score,
    sprt_decision,
    summarise,
)

if TYPE_CHECKING:
    from sqlalchemy import Engine

MAX_TRIES = 3  # of a pair, before the whole head-to-head gives up
DEFAULT_CAP = 1_000  # matches: SPRT of [0, 50] nElo rarely needs 400


@dataclass(frozen=True)
class PitRequest:
    """What the command line asks for.

    Attributes:
        a, b: names, hash prefixes, snapshot files or agent specs.
        n_matches: fixed number, rounded up to whole pairs; None plays until SPRT decides.
        cap: number of matches after which SPRT stops undecided.
        seed: seed of the first pair; each further pair adds 1.
        with_field: A and B take one seat each among scripted third parties.
        maps: references to play on; empty uses the maps of the league's rated matches.
        n_workers: number of processes; None starts one per core.
    """

    a: str
    b: str
    n_matches: int | None = None
    cap: int = DEFAULT_CAP
    seed: int = 1
    with_field: bool = False
    maps: tuple[str, ...] = ()
    sprt: SprtSettings = field(default_factory=SprtSettings)
    n_workers: int | None = None

    @property
    def max_pairs(self) -> int:
        """Largest number of pairs."""
        return -(-(self.n_matches or self.cap) // 2)


def run_pit(
    request: PitRequest,
    folder: LeagueFolder | None,
    progress: Callable[[str], None] = lambda line: None,
) -> PitReport:
    """Play a head-to-head and return its report.

    Args:
        folder: the league that holds the members and stores the matches; None plays on generated
            maps and stores nothing.
        progress: called with one line after every judged pair.

    Raises:
        LeagueError, AgentError, ArenaError, DatabaseError: it cannot be played, or not to its end.
    """
    with _prepared(request, folder) as (plan, log, settings):
        return _Run(request, plan, log, settings, progress).play()


@contextlib.contextmanager
def _prepared(
    request: PitRequest, folder: LeagueFolder | None
) -> Iterator[tuple[PitPlan, PitLog | None, dict[str, str | None]]]:
    """Yield the plan, the log to record in, and the settings of the workers."""
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="league-pit-") as store:
            plan = _plan_without_league(request, Path(store))
            yield plan, None, {"snapshots": store, "device": "cpu"}
        return
    with writer(folder) as engine:
        plan = _plan_in_league(request, folder, engine)
        yield (
            plan,
            PitLog(engine, folder, plan),
            {"snapshots": str(folder.snapshots), "maps": str(folder.root), "device": "cpu"},
        )


def _plan_in_league(request: PitRequest, folder: LeagueFolder, engine: Engine) -> PitPlan:
    with read_transaction(engine) as session:
        config = started_settings(session, folder)
    rules = MatchRules.from_json(config["rules"])
    views = Views.from_json(config["views"])
    check_seats(rules, request.with_field)
    # Maps of the command line are relative to the current folder, those of the league to its own.
    given = [_from_here(reference) for reference in request.maps]
    a, b = (
        side_in_league(text, engine, folder.snapshots, views) for text in (request.a, request.b)
    )
    return PitPlan(
        a=a,
        b=b,
        maps=tuple(expand_references(given or config["maps"]["rate"])),
        rules=rules,
        views=views,
        field=make_field(rules.n_seats, engine) if request.with_field else (),
    )


def _plan_without_league(request: PitRequest, store: Path) -> PitPlan:
    from agents.description import describe

    config = resolve("small")
    rules = config.rules.to_rules()
    sides = [side_without_league(text, store) for text in (request.a, request.b)]
    # Policies see what they were trained on; both must have been trained on the same views.
    seen = {views_of(describe(path)) for path in store.glob("*.safetensors")}
    if len(seen) > 1:
        raise PitError(
            f"expected two snapshots trained on the same views, found {request.a} and {request.b} "
            "with different ones"
        )
    given = [_from_here(reference) for reference in request.maps]
    return PitPlan(
        a=sides[0],
        b=sides[1],
        maps=tuple(expand_references(given or config.maps.rate)),
        rules=rules,
        views=seen.pop() if seen else config.views.to_views(),
        field=make_field(rules.n_seats, None) if request.with_field else (),
    )


def _from_here(reference: str) -> str:
    return reference if reference.startswith("generated:") else str(Path(reference).resolve())


class _Run:
    """One run of a head-to-head: its results, its open matches, and when to stop."""

    def __init__(
        self,
        request: PitRequest,
        plan: PitPlan,
        log: PitLog | None,
        settings: dict[str, str | None],
        progress: Callable[[str], None],
    ) -> None:
        self._request, self._plan, self._log, self._settings = request, plan, log, settings
        self._progress = progress
        known, self._crashes, self._n_failed = (
            log.load() if log is not None else ({}, Counter[str](), 0)
        )
        seeds = range(request.seed, request.seed + request.max_pairs)
        self._seeds = seeds
        self._complete = {s: known[plan.pair_key(s)] for s in seeds if plan.pair_key(s) in known}
        self._judged: list[Pair] = []
        self._halves: dict[int, dict[int, MatchResult | None]] = {}
        self._tries: Counter[int] = Counter()
        self._n_played = 0

    def play(self) -> PitReport:
        """Play until there is a verdict; return the report."""
        started = time.monotonic()
        if not self._judge():
            self._play_pairs()
        elapsed = time.monotonic() - started
        seeds = self._seeds[: len(self._judged)]
        return summarise(
            self._judged,
            a=self._plan.a.name,
            b=self._plan.b.name,
            setting=self._plan.setting(seeds),
            sprt=None if self._request.n_matches else self._request.sprt,
            n_failed=self._n_failed,
            crashes=self._crashes,
            matches_per_s=self._n_played / elapsed if self._n_played else None,
        )

    def _play_pairs(self) -> None:
        n_workers = self._request.n_workers or os.cpu_count() or 1
        limits = WorkerLimits()
        # Twice what the workers hold: no worker waits, and few matches are wasted at the verdict.
        n_ahead = max(n_workers * limits.matches_per_worker, 2)
        waiting = iter([seed for seed in self._seeds if seed not in self._complete])
        n_open = 0
        with LocalArena(
            "league.matches.worker:play",
            n_workers,
            self._settings,
            setup="league.matches.worker:setup",
            limits=limits,
        ) as arena:
            while True:
                while n_open < n_ahead and (seed := next(waiting, None)) is not None:
                    self._submit(arena, seed)
                    n_open += 1
                for outcome in arena.poll(1.0):
                    n_open -= self._take(arena, outcome)
                if self._judge():
                    return

    def _submit(self, arena: LocalArena, seed: int, *, alone: bool = False) -> None:
        self._halves[seed] = {}
        for half in (0, 1):
            arena.submit(2 * seed + half, self._plan.spec(seed, half), alone=alone)

    def _take(self, arena: LocalArena, outcome: Done | Failed) -> int:
        """Record one outcome; return how many pairs it settled."""
        seed, half = divmod(outcome.job_id, 2)
        if isinstance(outcome, Failed):
            self._fail(seed, half, outcome)
            self._halves[seed][half] = None
        else:
            self._halves[seed][half] = outcome.result
            self._n_played += 1
        results = self._halves[seed]
        if len(results) < 2:
            return 0
        del self._halves[seed]
        first, second = results[0], results[1]
        if first is None or second is None:
            self._submit(arena, seed, alone=True)
            return 0
        if self._log is not None:
            self._log.record_pair(seed, (first, second))
        self._complete[seed] = (
            _pit_match(first, self._plan.sides(seed, 0)),
            _pit_match(second, self._plan.sides(seed, 1)),
        )
        return 1

    def _fail(self, seed: int, half: int, outcome: Failed) -> None:
        self._n_failed += 1
        blamed = [name_of(self._plan, spec) for spec in outcome.blamed]
        self._crashes.update(blamed)
        if self._log is not None:
            self._log.record_failure(seed, half, outcome)
        self._tries[seed] += 1
        if self._tries[seed] >= MAX_TRIES:
            raise PitError(
                f"the matches of seed {seed} failed {MAX_TRIES} times: {outcome.error}; "
                "repair the agent, or start at another --seed"
            )

    def _judge(self) -> bool:
        """Judge complete pairs in the order of their seeds; return True if that was the last."""
        while len(self._judged) < len(self._seeds):
            pair = self._complete.get(self._seeds[len(self._judged)])
            if pair is None:
                return False
            self._judged.append(pair)
            self._progress(self._progress_line())
            if self._request.n_matches is None and self._decided():
                return True
        return True

    def _decided(self) -> bool:
        found = estimate([pair_score(pair) for pair in self._judged])
        return sprt_decision(found, self._request.sprt) is not None

    def _progress_line(self) -> str:
        found = estimate([pair_score(pair) for pair in self._judged])
        return (
            f"{len(self._judged)} of at most {len(self._seeds)} pairs, A scores "
            f"{100 * found.score:.1f} % +/- {100 * found.score_half_width:.1f} %"
        )


def _pit_match(result: MatchResult, sides: tuple[str | None, ...]) -> PitMatch:
    return PitMatch(result.placements, sides, tuple(t is None for t in result.eliminated_tick))
