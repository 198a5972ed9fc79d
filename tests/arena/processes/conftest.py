"""Both engines of an arena: processes of this machine, and those of a Ray cluster, one for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from arena.cluster.ray_arena import RayArena
from arena.processes.jobs import RestartLimits, WorkerLimits
from arena.processes.local_arena import LocalArena
from arena.processes.supervised import SupervisedArena

HERE = Path(__file__).resolve().parent
TOYS = "tests.arena.processes.worker_toys"
MakeEngine = Callable[..., SupervisedArena]


@pytest.fixture(autouse=True)
def toys_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(HERE))


@pytest.fixture(params=["local", "ray"])
def engine(request: pytest.FixtureRequest) -> MakeEngine:
    """Makes an arena of either engine, from the arguments of `LocalArena`."""
    if request.param == "local":
        return LocalArena
    bridge = request.getfixturevalue("ray_bridge")
    return lambda *args, **named: RayArena(*args, bridge=bridge, **named)


def _maker(engine: MakeEngine, made: list[SupervisedArena]) -> Callable[..., SupervisedArena]:
    def make(n_workers: int = 1, settings: dict[str, object] | None = None, **limits: Any) -> Any:
        deaths = limits.pop("max_deaths", 10)
        restart = RestartLimits(first_pause_s=0.05, longest_pause_s=0.2, max_deaths=deaths)
        made.append(
            engine(
                f"{TOYS}:play",
                n_workers,
                {"base": 100} if settings is None else settings,
                setup=f"{TOYS}:set_up",
                limits=WorkerLimits(restart=restart, **limits),
            )
        )
        return made[-1]

    return make


@pytest.fixture
def make_arena(engine: MakeEngine) -> Iterator[Callable[..., SupervisedArena]]:
    """Makes arenas of either engine that play the toys."""
    made: list[SupervisedArena] = []
    yield _maker(engine, made)
    for arena in made:
        arena.close()


@pytest.fixture
def make_local() -> Iterator[Callable[..., SupervisedArena]]:
    """Makes arenas of this machine's processes that play the toys."""
    made: list[SupervisedArena] = []
    yield _maker(LocalArena, made)
    for arena in made:
        arena.close()
