"""What a comparison trains, and how it goes on after an interruption.

The league itself is replaced by one that only counts its running time; the acceptance test of
`league compare` trains real ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from db import queries
from db.migrate import upgrade
from db.session import open_writer, write_transaction
from league.compare.training import TrainingPlan, running_s, train_missing
from league.config.tree import LeagueConfig
from league.errors import InterruptedTraining
from league.folder.layout import LeagueFolder
from league.folder.opening import remember_config
from tests.league.compare.conftest import QUICK


@dataclass
class Daemon:
    """Runs a league for as long as it is told to, or `stops_after` seconds."""

    started: list[tuple[str, int, float]] = field(default_factory=list)
    stops_after: float | None = None
    code: int = 0

    def start(self, root: Path, config: LeagueConfig, *, for_s: float, detach: bool) -> int:
        self.started.append((root.name, config.seed, for_s))
        folder = LeagueFolder(root)
        before = running_s(folder)
        engine = open_writer(folder.sqlite)
        upgrade(engine)
        with write_transaction(engine) as session:
            remember_config(session, config)
            ran = for_s if self.stops_after is None else self.stops_after
            queries.set_league_value(session, "running_time", {"seconds": before + ran})
        engine.dispose()
        return self.code


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Daemon:
    made = Daemon()
    monkeypatch.setattr("league.compare.training.process.start", made.start)
    return made


def plan(root: Path, for_s: float = 60.0, n_seeds: int = 2) -> TrainingPlan:
    return TrainingPlan(root, "small", n_seeds, for_s, QUICK)


def test_every_seed_is_trained_in_a_folder_of_its_own_once(daemon: Daemon, tmp_path: Path) -> None:
    said: list[str] = []
    train_missing(plan(tmp_path), said.append)
    assert daemon.started == [("seed-1", 1, 60.0), ("seed-2", 2, 60.0)]
    assert said[1].endswith("seed-2: 0.0 of 1.0 minutes done")
    train_missing(plan(tmp_path), said.append)
    assert len(daemon.started) == 2 and len(said) == 2  # nothing is missing


def test_an_interrupted_training_goes_on_where_it_was(daemon: Daemon, tmp_path: Path) -> None:
    daemon.stops_after = 24.0  # a signal: the league stops cleanly, too early
    with pytest.raises(InterruptedTraining, match=r"seed 1 of 2 .* 0.4 of 1.0 minutes") as found:
        train_missing(plan(tmp_path), lambda line: None)
    assert found.value.exit_code == 130
    daemon.stops_after = None
    train_missing(plan(tmp_path), lambda line: None)
    assert daemon.started == [("seed-1", 1, 60.0), ("seed-1", 1, 36.0), ("seed-2", 2, 60.0)]


def test_more_time_or_more_seeds_are_trained_on_top(daemon: Daemon, tmp_path: Path) -> None:
    train_missing(plan(tmp_path, n_seeds=1), lambda line: None)
    train_missing(plan(tmp_path, for_s=90.0), lambda line: None)
    assert daemon.started == [("seed-1", 1, 60.0), ("seed-1", 1, 30.0), ("seed-2", 2, 90.0)]


def test_trouble_of_the_machine_keeps_its_exit_code(daemon: Daemon, tmp_path: Path) -> None:
    daemon.stops_after, daemon.code = 10.0, 75
    with pytest.raises(InterruptedTraining) as found:
        train_missing(plan(tmp_path), lambda line: None)
    assert found.value.exit_code == 75


def test_a_league_that_was_killed_before_its_tables_were_made_has_not_run(
    daemon: Daemon, tmp_path: Path
) -> None:
    folder = plan(tmp_path).folders()[0]
    folder.make_folders()
    folder.toml.write_text("seed = 1\n")
    assert running_s(folder) == 0.0
    folder.sqlite.touch()
    assert running_s(folder) == 0.0
