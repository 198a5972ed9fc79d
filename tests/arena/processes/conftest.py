"""Both engines of an arena: processes of this machine, and those of a Ray cluster, one for all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from arena.cluster.bridge import Bridge
from arena.cluster.messages import DriverOrders
from arena.cluster.ray_arena import RayArena
from arena.processes.jobs import RestartLimits, WorkerLimits
from arena.processes.local_arena import LocalArena
from arena.processes.scratch import ScratchFolder
from arena.processes.supervised import SupervisedArena

HERE = Path(__file__).resolve().parent
TOYS = "tests.arena.processes.worker_toys"
MakeEngine = Callable[..., SupervisedArena]


@pytest.fixture(autouse=True)
def toys_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(HERE))


@pytest.fixture(scope="session")
def ray_bridge() -> Iterator[Bridge]:
    """A bridge to a Ray cluster of two CPUs that was started here."""
    if find_spec("ray") is None:
        pytest.skip("Ray is not installed: pip install -c constraints.txt ray")
    with ScratchFolder("league-ray-") as folder:
        orders = DriverOrders(address=None, n_cpus=2, folder=str(folder))
        bridge = Bridge(orders, folder, start_limit_s=240.0)
        arena = RayArena(f"{TOYS}:play", 1, bridge=bridge)
        ends = time.monotonic() + 240.0
        while not arena.is_ready and time.monotonic() < ends:
            arena.poll(0.5)
        assert arena.is_ready, bridge.take_news()
        arena.close()
        yield bridge
        bridge.close(10.0)


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
