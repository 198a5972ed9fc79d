"""Owns `league bridge games`: a member in many games of the original's lobby; how often it wins.

Promises: games count in the order of their seeds, so that short ones do not come first where the
command is ended early; one whose engine or machine failed is played again, three times at most, and
what was played before it was given up is reported.
"""

from __future__ import annotations

import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from arena.errors import ArenaError
from arena.machine import usable_cores
from arena.match import fault_of
from arena.processes.jobs import Arena, Done, Failed, JobError
from arena.processes.local_arena import LocalArena
from league.bridge.arena import LIMITS
from league.bridge.checkout import Bundle
from league.bridge.game import GameReport, GameRequest, play_game
from league.errors import BridgeEngineError, BridgeError, LeagueError, PitInterrupted
from league.folder.layout import LeagueFolder
from league.pit.play import MAX_TRIES
from league.statistics.means import MeanInterval, t_interval
from league.statistics.shares import ShareInterval, exact_interval

_GRACE_S = 5.0

Progress = Callable[[int, int, int], None]
"""Takes how many games were played, of how many, and how many of them were won."""


@dataclass(frozen=True)
class GamesRequest:
    """What the command line asks for.

    Attributes:
        first: the first game; each further one takes the next seed.
        n_games: their number.
        n_workers: worker processes; None is one per core.
        records: folder that the records are written into; None writes none.
    """

    first: GameRequest
    n_games: int = 12
    n_workers: int | None = None
    records: Path | None = None

    def job(self, number: int, bundle: Bundle, folder: LeagueFolder | None) -> GameJob:
        """Return game `number`, from 0."""
        game = replace(self.first, seed=self.first.seed + number)
        out = None if self.records is None else self.records / f"seed-{game.seed}.record"
        return GameJob(game, bundle, folder, out)


@dataclass(frozen=True)
class GameJob:
    """A game for a worker: the arguments of `play_game`."""

    game: GameRequest
    bundle: Bundle
    folder: LeagueFolder | None
    out: Path | None


@dataclass(frozen=True)
class GamesReport:
    """Everything that is printed.

    Attributes:
        games: that count, in the order of their seeds.
        first_seed: of the first one.
        won: share of games that were won, with an exact interval.
        land: mean share of all land at the end, with Student's interval.
        n_conquered: games at whose end the member had no land.
        n_wanted: games that were asked for.
        n_failed: games that were played again, or given up.
        minutes: that it took.
        failure: why not all were played, or None.
        exit_code: 0; 130 interrupted; 2 the member failed; 70 the engine failed again and again.
    """

    games: tuple[GameReport, ...]
    first_seed: int
    won: ShareInterval
    land: MeanInterval
    n_conquered: int
    n_wanted: int
    n_failed: int
    minutes: float
    edition: str
    commit: str | None
    failure: str | None = None
    exit_code: int = 0


def play(
    context: object, jobs: Sequence[GameJob], progress: Callable[[int], None]
) -> list[GameReport | JobError]:
    """Play games, one after the other; what a worker of the arena does."""
    ticks = 0
    played: list[GameReport | JobError] = []
    for job in jobs:

        def show(tick: int, *rest: Any) -> None:
            nonlocal ticks
            ticks += 1  # a sign of life: decisions, whichever game they are of
            progress(ticks)

        try:
            played.append(play_game(job.game, job.bundle, job.folder, job.out, show))
        except (LeagueError, ArenaError) as error:
            passes = isinstance(error, BridgeEngineError) or fault_of(error) == "machine"
            blamed = () if passes else (job.game.member,)
            played.append(JobError(str(error), traceback.format_exc(), blamed))
    return played


def play_games(
    request: GamesRequest,
    bundle: Bundle,
    folder: LeagueFolder | None,
    progress: Progress = lambda done, total, won: None,
    arena: Callable[[int], Arena] | None = None,
) -> GamesReport:
    """Play the games and return what they say.

    Args:
        progress: called after every game that counts.
        arena: makes the arena for so many workers; None for processes of this machine.

    Raises:
        BridgeError: the request, the member or the record is at fault, and no game counted.
        BridgeEngineError: the engine failed before one counted.
        PitInterrupted: it was interrupted before one counted.
    """
    began = time.monotonic()
    if request.records is not None:
        request.records.mkdir(parents=True, exist_ok=True)
    n_workers = min(request.n_workers or usable_cores(), request.n_games)
    run = _Run(request, bundle, folder, progress)
    failure: BridgeError | PitInterrupted | None = None
    workers = (arena or _local_arena)(n_workers)
    try:
        run.until_all_are_played(workers)
    except BridgeError as error:
        failure = error
    except KeyboardInterrupt:
        failure = PitInterrupted("interrupted; run the same command again")
    finally:
        workers.close(_GRACE_S)
    games = tuple(run.counted)
    if failure is not None and not games:
        raise failure
    return GamesReport(
        games=games,
        first_seed=request.first.seed,
        won=exact_interval(sum(game.won for game in games), len(games)),
        land=t_interval([game.share for game in games]).within(0.0, 1.0),
        n_conquered=sum(game.tiles == 0 for game in games),
        n_wanted=request.n_games,
        n_failed=run.n_failed,
        minutes=(time.monotonic() - began) / 60.0,
        edition=str(bundle.checkout.edition),
        commit=bundle.checkout.commit,
        failure=None if failure is None else str(failure),
        exit_code=0 if failure is None else failure.exit_code,
    )


def _local_arena(n_workers: int) -> Arena:
    return LocalArena(
        f"{__name__}:play", n_workers, {}, limits=replace(LIMITS, matches_per_worker=1)
    )


class _Run:
    """Games on their way."""

    def __init__(
        self,
        request: GamesRequest,
        bundle: Bundle,
        folder: LeagueFolder | None,
        progress: Progress,
    ) -> None:
        self._request, self._progress = request, progress
        self._jobs = [request.job(i, bundle, folder) for i in range(request.n_games)]
        self._played: dict[int, GameReport] = {}
        self._tries: Counter[int] = Counter()
        self.counted: list[GameReport] = []
        self.n_failed = 0

    def until_all_are_played(self, arena: Arena) -> None:
        for number, job in enumerate(self._jobs):
            arena.submit(number, job)
        while len(self.counted) < len(self._jobs):
            for outcome in arena.poll(1.0):
                self._take(arena, outcome)

    def _take(self, arena: Arena, outcome: Done | Failed) -> None:
        number = outcome.job_id
        if isinstance(outcome, Failed):
            self._fail(arena, number, outcome)
            return
        self._played[number] = outcome.result
        while (report := self._played.get(len(self.counted))) is not None:
            self.counted.append(report)
            n_won = sum(game.won for game in self.counted)
            self._progress(len(self.counted), len(self._jobs), n_won)

    def _fail(self, arena: Arena, number: int, failed: Failed) -> None:
        self.n_failed += 1
        if failed.blamed:
            raise BridgeError(failed.error)
        self._tries[number] += 1
        if self._tries[number] >= MAX_TRIES:
            seed = self._jobs[number].game.seed
            raise BridgeEngineError(
                f"the game of seed {seed} failed {MAX_TRIES} times: {failed.error}"
            )
        arena.submit(number, self._jobs[number], alone=True)
