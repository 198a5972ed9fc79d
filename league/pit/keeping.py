"""Owns the replays of a head-to-head that a user asked for, in a folder of the user's choice.

A league stores its own (league.pit.log); without one this is how a match can be watched afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from arena.match import MatchResult
from arena.replay import SUFFIX, Label, write_replay
from league.pit.plan import UnitPlan


class KeptReplays:
    """Writes the replays of whole units as `SEED-PART.replay`, with the members' names."""

    def __init__(self, folder: Path, plan: UnitPlan) -> None:
        self._folder, self._plan = folder, plan

    def record(self, seed: int, results: Sequence[MatchResult]) -> None:
        """Write all matches of a unit.

        Raises:
            OSError: the folder cannot be written.
        """
        for part, result in enumerate(results):
            names = tuple(side.name for side in self._plan.line_up(seed, part))
            label = Label(names, result.spec.rules.sha256(), result.spec.map_sha256)
            write_replay(result, self._path(seed, part), label)

    def found(self, seeds: Sequence[int]) -> tuple[str, ...]:
        """Return the replays of these seeds that are there, in the order of their matches."""
        paths = [self._path(seed, part) for seed in seeds for part in range(self._plan.n_parts)]
        return tuple(str(path) for path in paths if path.exists())

    def _path(self, seed: int, part: int) -> Path:
        return self._folder / f"{seed}-{part}{SUFFIX}"
