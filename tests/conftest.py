"""For the whole suite: the seed of the order is said, nothing is left in /tmp, one PostgreSQL.

Of several processes that share the suite (side_by_side.py) each has its own servers and folders.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest
from sqlalchemy import Engine, text

from arena.cluster.bridge import Bridge
from arena.cluster.messages import DriverOrders
from arena.cluster.ray_arena import RayArena
from arena.machine import usable_cores
from arena.processes.launch import Launcher
from arena.processes.scratch import ScratchFolder
from db.session import open_writer
from tests import side_by_side
from tests.db.postgresql_server import server_or_skip


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return the number of processes of `-n auto`."""
    return min(usable_cores(), side_by_side.MOST_PROCESSES)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out groups of tests, unless another `--dist` was asked for."""
    return side_by_side.scheduler(config, log) if config.getoption("dist") == "load" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put first what several processes shall begin with; the order is random but for that."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: side_by_side.rank_of(side_by_side.group_of(item.nodeid)))


@pytest.fixture(scope="session", autouse=True)
def a_core_for_each_process(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Let a function be compiled by one of several processes, and torch use one thread in each."""
    if hasattr(request.config, "workerinput"):
        side_by_side.compile_in_one_process(tmp_path_factory.getbasetemp().parent)
        import torch  # slow, and of no use to the process that only hands out the tests

        torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def no_folders_of_stable_baselines3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give models of Stable-Baselines3 a folder for their logs that goes with the tests.

    Without one each `learn` of a model without a logger leaves an empty /tmp/SB3-DATE behind.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SB3_LOGDIR", str(tmp_path_factory.mktemp("sb3")))
        yield


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the option that repeats the order; pytest-randomly's own line is lost under `-q`."""
    seed = config.getoption("randomly_seed", default=None)
    if seed is not None:
        terminalreporter.write_line(f"Order of the tests: --randomly-seed={seed}")


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_is_heard() -> None:
    """Shells let what they start in the background ignore SIGINT, which tests send themselves."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def the_fork_server_loads_what_workers_need(request: pytest.FixtureRequest) -> None:
    """Else each worker and learner that tests of the league start would load torch by itself."""
    if any(item.nodeid.startswith("tests/league/") for item in request.session.items):
        Launcher(print, ["league.matches.worker", "league.learner.trainer"])


@pytest.fixture(scope="session")
def ray_bridge() -> Iterator[Bridge]:
    """A bridge to a Ray cluster of five CPUs that was started here, for the whole session.

    Two of them stay with the hosts of workers that tests of arenas have ended.
    """
    if find_spec("ray") is None:
        pytest.skip("Ray is not installed: pip install -c constraints.txt ray")
    with ScratchFolder("league-ray-") as folder:
        bridge = Bridge(DriverOrders(None, n_cpus=5, folder=str(folder)), folder, 240.0)
        arena = RayArena("tests.arena.processes.worker_toys:play", 1, bridge=bridge)
        ends = time.monotonic() + 240.0
        while not arena.is_ready and time.monotonic() < ends:
            arena.poll(0.5)
        assert arena.is_ready, bridge.take_news()
        arena.close()
        yield bridge
        bridge.close(10.0)


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """URL of a server that lives for this test session, on a socket of its own."""
    server = server_or_skip()
    try:
        yield server.url
    finally:
        server.close()


@pytest.fixture
def fresh_postgresql(postgresql_url: str) -> Iterator[Engine]:
    """A writer on an empty PostgreSQL schema."""
    engine = open_writer(postgresql_url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    yield engine
    engine.dispose()
