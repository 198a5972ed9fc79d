"""Owns the training that a comparison lacks: a league per training seed, one after the other.

Promises: a league runs until its running time has reached what was asked for, over as many starts
as it takes; what an interruption or a kill left is taken up where it was, by the same call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from db.migrate import current_revision
from db.session import read_transaction
from league.daemon import process
from league.errors import InterruptedTraining
from league.folder.connect import reader
from league.folder.layout import LeagueFolder
from league.folder.memory import running_time_s
from league.folder.opening import open_for_start

SPARE_S = 5.0  # less than this is not worth another start: learners take longer to begin


@dataclass(frozen=True)
class TrainingPlan:
    """What is to be trained.

    Attributes:
        root: folder of the leagues, which are called seed-1, seed-2 and so on.
        preset: settings to start from; `sets` are key=value texts that change them.
        n_seeds: number of training seeds, hence leagues.
        for_s: running time of each league in seconds.
    """

    root: Path
    preset: str
    n_seeds: int
    for_s: float
    sets: Sequence[str] = ()

    def folders(self) -> list[LeagueFolder]:
        """Return the folders of the leagues, whether they exist or not."""
        return [LeagueFolder(self.root / f"seed-{n}") for n in range(1, self.n_seeds + 1)]


def train_missing(plan: TrainingPlan, say: Callable[[str], None]) -> None:
    """Train every league of the plan that has not run for long enough.

    Raises:
        InterruptedTraining: a signal or trouble of the machine stopped it; nothing is lost.
        LeagueError, ArenaError, DatabaseError: a league cannot be started.
    """
    for seed, folder in enumerate(plan.folders(), start=1):
        ran_s = running_s(folder)
        if plan.for_s - ran_s < SPARE_S and ran_s > 0:
            continue
        say(
            f"training seed {seed} of {plan.n_seeds} in {folder.root}: "
            f"{_minutes(ran_s)} of {_minutes(plan.for_s)} minutes done"
        )
        opened = open_for_start(folder.root, plan.preset, (*plan.sets, f"seed={seed}"))
        code = process.start(
            opened.folder.root, opened.config, for_s=plan.for_s - ran_s, detach=False
        )
        ran_s = running_s(folder)
        if code != 0 or plan.for_s - ran_s >= SPARE_S:
            raise InterruptedTraining(
                f"stopped while seed {seed} of {plan.n_seeds} was training, "
                f"{_minutes(ran_s)} of {_minutes(plan.for_s)} minutes done; the same command "
                "goes on from there",
                code or InterruptedTraining.exit_code,
            )


def running_s(folder: LeagueFolder) -> float:
    """Return the seconds that a league has run, 0 before its first start."""
    if not folder.is_league():
        return 0.0
    place = folder.database()
    if place.path is not None and not place.path.is_file():
        return 0.0
    with reader(folder, of_any_revision=True) as engine:  # an older one is migrated by its start
        if current_revision(engine) is None:
            return 0.0
        with read_transaction(engine) as session:
            return running_time_s(session) or 0.0


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f}"
