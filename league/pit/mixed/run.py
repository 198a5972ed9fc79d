"""Owns `league pit A B C ... --mixed`: several names in mixed company, so many matches.

Promises: as for two names (`league.pit.run`): the log is the only state, the same command goes on,
seeds are judged in their order, ratings never change, and verdicts are remembered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from league.errors import PitInterrupted
from league.folder.layout import LeagueFolder
from league.pit.log import Unit
from league.pit.looks import confidence_of
from league.pit.mixed.plan import mixed_plan
from league.pit.mixed.statistics import MixedReport, mean_places, summarise
from league.pit.play import MakeArena, Play
from league.pit.table import THE_USUAL, Game, laid

DEFAULT_MATCHES = 200


@dataclass(frozen=True)
class MixedRequest:
    """What the command line asks for.

    Attributes:
        names: member names, hash prefixes, snapshot files or agent specs, two or more.
        n_matches: rounded up to whole seeds, of which each takes a match per name.
        seed: the first one; each further one adds 1.
        maps: references to play on; empty uses the maps of the league's rated matches.
        n_workers: number of processes; None starts one per core.
        replays, game: as in `PitRequest`.
    """

    names: tuple[str, ...]
    n_matches: int = DEFAULT_MATCHES
    seed: int = 1
    maps: tuple[str, ...] = ()
    n_workers: int | None = None
    replays: Path | None = None
    game: Game = THE_USUAL

    @property
    def n_seeds(self) -> int:
        """Number of seeds."""
        return -(-self.n_matches // len(self.names))


@dataclass(frozen=True)
class MixedProgress:
    """After a seed: what a line of progress needs."""

    n_seeds: int
    max_seeds: int
    places: Callable[[], dict[str, float]]

    def line(self) -> str:
        """Return the line."""
        best = sorted(self.places().items(), key=lambda item: item[1])[:3]
        leaders = ", ".join(f"{name} {place:.2f}" for name, place in best)
        return f"{self.n_seeds} of {self.max_seeds} seeds, mean place {leaders}"


def run_mixed(
    request: MixedRequest,
    folder: LeagueFolder | None,
    progress: Callable[[MixedProgress], None] = lambda progress: None,
    *,
    arena: MakeArena | None = None,
) -> MixedReport:
    """Play several names and return the report.

    Args:
        folder: the league that holds the members and stores the matches; None stores nothing.
        progress: called after every judged seed.
        arena: makes the arena; None for processes of this machine.

    Raises:
        LeagueError, AgentError, ArenaError, DatabaseError: it cannot be played, or not to its end,
            or was interrupted before a seed was complete.
    """
    with laid(request.names, request.maps, folder, game=request.game) as table:
        plan = mixed_plan(table.sides, table.maps, table.rules, table.views)
        names = tuple(side.name for side in plan.sides)
        log = table.log(plan)
        seeds = range(request.seed, request.seed + request.n_seeds)
        play = Play(plan, seeds, log, table.settings, request.n_workers, request.replays)
        play.until(_Watch(names, len(seeds), progress), arena)
        if not play.judged:
            raise PitInterrupted(
                "interrupted before the first seed was complete; run the same command again"
            )
        look = 1
        if log is not None and not play.interrupted:
            look = log.look(request.seed, len(play.judged))
        report = summarise(
            play.judged,
            names,
            setting=plan.setting(seeds[: len(play.judged)]),
            confidence=confidence_of(look),
            n_failed=play.n_failed,
            crashes=play.crashes,
            matches_per_s=play.matches_per_s,
            look=look,
            remembered=log is not None,
            interrupted=play.interrupted,
        )
        return replace(report, watch=play.to_watch)


class _Watch:
    """Takes all seeds and tells of the progress."""

    def __init__(
        self, names: tuple[str, ...], n_seeds: int, progress: Callable[[MixedProgress], None]
    ) -> None:
        self._names, self._n_seeds, self._progress = names, n_seeds, progress
        self._units: list[Unit] = []

    def take(self, unit: Unit) -> bool:
        """Take a seed and go on."""
        self._units.append(unit)
        self._progress(MixedProgress(len(self._units), self._n_seeds, self._places))
        return False

    def _places(self) -> dict[str, float]:
        found = {name: mean_places(self._units, name) for name in self._names}
        return {name: sum(places) / len(places) for name, places in found.items()}
