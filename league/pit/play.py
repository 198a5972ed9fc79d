"""Owns the playing of units (all matches of one seed) on worker processes until a verdict.

Promises: units are judged in the order of their seeds, so that a verdict does not depend on which
match ended first; all matches of a unit are recorded together or not at all; a unit whose match
failed is played again, three times at most. An interruption ends the processes and nothing else.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from arena.machine import usable_cores
from arena.match import MatchResult
from arena.processes.jobs import Arena, Done, Failed, WorkerLimits
from arena.processes.local_arena import LocalArena
from league.errors import PitError
from league.pit.keeping import KeptReplays
from league.pit.log import PitLog, Unit, name_of
from league.pit.plan import UnitPlan
from league.pit.statistics import PitMatch

MAX_TRIES = 3  # of a unit, before the whole head-to-head gives up
_GRACE_S = 5.0


MakeArena = Callable[[int, Mapping[str, Any]], Arena]
"""Makes an arena from the number of its workers and their settings (league.matches.worker)."""


class Judge(Protocol):
    """Who takes the units in the order of their seeds."""

    def take(self, unit: Unit) -> bool:
        """Take the next unit; return True if no further one is needed."""


class Play:
    """The units of one plan: those played before, those in play, and those judged.

    Attributes:
        judged: units in the order of their seeds, as many as were judged.
        crashes: failed matches by the name of who was to blame.
        interrupted: whether SIGINT (KeyboardInterrupt) ended it before the judge had enough.
        matches_per_s: speed of the matches played now, the start of the workers counted in; None
            if there were none.
    """

    def __init__(
        self,
        plan: UnitPlan,
        seeds: Sequence[int],
        log: PitLog | None,
        settings: Mapping[str, Any],
        n_workers: int | None,
        replays: Path | None = None,
    ) -> None:
        self._plan, self._seeds, self._log, self._settings = plan, seeds, log, settings
        self._kept = None if replays is None else KeptReplays(replays, plan)
        self._n_workers = n_workers or usable_cores()
        self._complete: dict[int, Unit] = {}
        self.crashes: Counter[str] = Counter()
        self.n_failed = 0
        if log is not None:
            self._complete, self.crashes, self.n_failed = log.load(seeds)
        self.judged: list[Unit] = []
        self.interrupted = False
        self.matches_per_s: float | None = None
        self._results: dict[int, dict[int, MatchResult | None]] = {}
        self._tries: Counter[int] = Counter()
        self._wall_s: list[float] = []

    @property
    def n_in_play(self) -> int:
        """Matches that all workers play at a time."""
        return self._n_workers * WorkerLimits().matches_per_worker

    @property
    def steady_matches_per_s(self) -> float | None:
        """Speed of a long run, from how long each match took beside the others; None before one."""
        if not self._wall_s:
            return None
        n_beside = min(self.n_in_play, len(self._wall_s))
        return n_beside * len(self._wall_s) / max(sum(self._wall_s), 1e-9)

    @property
    def to_watch(self) -> tuple[str, ...]:
        """What `league replay show` takes for the judged matches: numbers, or files."""
        seeds = self._seeds[: len(self.judged)]
        if self._log is not None:
            return tuple(map(str, self._log.match_ids(seeds)))
        return () if self._kept is None else self._kept.found(seeds)

    def until(self, judge: Judge, arena: MakeArena | None = None) -> None:
        """Play until the judge has enough, all seeds are played, or it is interrupted.

        Args:
            arena: makes the arena; None for processes of this machine.
        """
        started = time.monotonic()
        try:
            if not self._judge(judge):
                self._play(judge, arena)
        except KeyboardInterrupt:
            self.interrupted = True
        if self._wall_s:
            self.matches_per_s = len(self._wall_s) / (time.monotonic() - started)

    def _local_arena(self, n_workers: int) -> LocalArena:
        return LocalArena(
            "league.matches.worker:play",
            n_workers,
            self._settings,
            setup="league.matches.worker:setup",
            limits=WorkerLimits(),
        )

    def _play(self, judge: Judge, make: MakeArena | None) -> None:
        # Twice what the workers hold: no worker waits, and few matches are wasted at the verdict.
        n_ahead = max(2 * self.n_in_play // self._plan.n_parts, 2)
        waiting = iter([seed for seed in self._seeds if seed not in self._complete])
        n_open = 0
        if make is None:
            arena: Arena = self._local_arena(self._n_workers)
        else:
            arena = make(self._n_workers, self._settings)
        try:
            while True:
                while n_open < n_ahead and (seed := next(waiting, None)) is not None:
                    self._submit(arena, seed)
                    n_open += 1
                for outcome in arena.poll(1.0):
                    n_open -= self._take(arena, outcome)
                if self._judge(judge):
                    return
        finally:
            arena.close(_GRACE_S)

    def _submit(self, arena: Arena, seed: int, *, alone: bool = False) -> None:
        self._results[seed] = {}
        for part in range(self._plan.n_parts):
            job = self._plan.n_parts * seed + part
            arena.submit(job, self._plan.spec(seed, part), alone=alone)

    def _take(self, arena: Arena, outcome: Done | Failed) -> int:
        """Record one outcome; return how many units it settled."""
        seed, part = divmod(outcome.job_id, self._plan.n_parts)
        results = self._results[seed]
        if isinstance(outcome, Failed):
            self._fail(seed, part, outcome)
            results[part] = None
        else:
            results[part] = outcome.result
            self._wall_s.append(outcome.result.wall_s)
        if len(results) < self._plan.n_parts:
            return 0
        del self._results[seed]
        whole = [result for _, result in sorted(results.items()) if result is not None]
        if len(whole) < self._plan.n_parts:
            self._submit(arena, seed, alone=True)
            return 0
        if self._log is not None:
            self._log.record(seed, whole)
        if self._kept is not None:
            self._kept.record(seed, whole)
        self._complete[seed] = tuple(
            played(result, self._plan.labels(seed, part)) for part, result in enumerate(whole)
        )
        return 1

    def _fail(self, seed: int, part: int, outcome: Failed) -> None:
        self.n_failed += 1
        self.crashes.update(name_of(self._plan, spec) for spec in outcome.blamed)
        if self._log is not None:
            self._log.record_failure(seed, part, outcome)
        self._tries[seed] += 1
        if self._tries[seed] >= MAX_TRIES:
            raise PitError(
                f"the matches of seed {seed} failed {MAX_TRIES} times: {outcome.error}; "
                "repair the agent, or start at another --seed"
            )

    def _judge(self, judge: Judge) -> bool:
        """Judge complete units in the order of their seeds; return True if that was the last."""
        while len(self.judged) < len(self._seeds):
            unit = self._complete.get(self._seeds[len(self.judged)])
            if unit is None:
                return False
            self.judged.append(unit)
            if judge.take(unit):
                return True
        return True


def played(result: MatchResult, labels: tuple[str | None, ...]) -> PitMatch:
    """Return what the statistics take of a result."""
    return PitMatch(result.placements, labels, tuple(t is None for t in result.eliminated_tick))
