"""Which arena a league gets, and what is said of its machines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from arena.cluster.ray_arena import RayArena
from arena.processes.jobs import News
from arena.processes.local_arena import LocalArena
from db import queries
from db.errors import DatabaseFullError
from db.session import read_transaction
from league.config.layers import resolve
from league.daemon.arenas import make_arena
from league.errors import ConfigError
from league.folder.opening import open_for_start
from tests.league.daemon.rated import rated_matches
from tests.league.daemon.scripted import League, ScriptedArena

ROOT = Path(__file__).resolve().parents[3]


def test_the_engine_of_the_settings_is_the_arenas(league: League) -> None:
    for engine, kind in (("local", LocalArena), ("ray", RayArena)):
        config = resolve("small", None, [f"arena.engine={engine}", "arena.n_workers=3"])
        arena = make_arena(league.folder, config, 1)
        assert isinstance(arena, kind)
        assert arena.limits.matches_per_worker == 16
        arena.close(0.0)


def test_a_cluster_that_is_joined_needs_a_number_of_workers() -> None:
    with pytest.raises(ConfigError, match=r"arena\.n_workers must be set where ray\.address names"):
        resolve("small", None, ["arena.engine=ray", "ray.address=auto"])
    resolve("small", None, ["arena.engine=ray", "ray.address=auto", "arena.n_workers=9"])
    resolve("small", None, ["ray.address=auto"])  # not used


def test_a_league_that_needs_ray_says_how_to_install_it_and_makes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("league.extras.is_installed", lambda package: package != "ray")
    for key in ("arena.engine", "learner.engine"):
        said = rf'{key} is "ray" and the package ray is not installed: `pip install .*ray>='
        with pytest.raises(ConfigError, match=said):
            open_for_start(tmp_path / "league", sets=[f"{key}=ray"])
    assert not (tmp_path / "league").exists()


def test_what_happens_to_the_machines_is_in_the_journal_once(
    league: League, monkeypatch: pytest.MonkeyPatch
) -> None:
    arena = ScriptedArena(news=[News("node 10.0.0.3 has left the Ray cluster", "warning")])
    rated = rated_matches(league, arena)

    def full(*_: object, **__: object) -> int:
        raise DatabaseFullError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("league.daemon.matches.queries.add_event", full)
        with pytest.raises(DatabaseFullError):
            rated.turn(0.0)
    rated.turn(0.0)
    rated.turn(0.0)
    with read_transaction(league.engine) as session:
        events = queries.list_events(session, kind="cluster")
    told = [(event.level, event.message) for event in events]
    assert told == [("warning", "node 10.0.0.3 has left the Ray cluster")]


def test_a_league_without_ray_never_imports_it() -> None:
    program = (
        "import sys\n"
        "import league.daemon.manager, arena.cluster.ray_arena, league.cli.main\n"
        "assert not {'ray', 'grpc'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
