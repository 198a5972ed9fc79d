"""Several processes share the suite: what stays together, what comes first, and who compiles.

`make test` runs pytest with `-n auto` (pytest-xdist). The tests of a file run in one process, in
the random order of pytest-randomly; so do all files over the Ray cluster of tests/conftest.py. Of
the files, the one that compiles the game begins, beside those that need no game; long ones follow,
and all others are handed out in random order to whoever is free. `pytest` without `-n` knows
nothing of this.

A function is compiled by one process: numba's cache has no lock, and the game takes a minute and a
half. Whoever needs the same function meanwhile waits and loads it.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

MOST_PROCESSES = 4  # each has torch, the game and what its tests hold: about 1 GB

RAY = "tests over the Ray cluster"
TOGETHER = {
    "tests/arena/processes/": RAY,
    "tests/league/daemon/test_learner_engines.py": RAY,
}
COMPILES = "tests/arena/territory/observation/test_warm_up.py"
WITHOUT_THE_GAME = (
    "tests/calibration/",
    "tests/db/",
    "tests/league/config/",
    "tests/league/folder/",
    "tests/league/ppo/",
    "tests/league/rating/",
    "tests/league/report/",
    "tests/league/screen/",
    "tests/league/store/",
    "tests/msattn/",
)
LONG = (
    RAY,
    "tests/acceptance/",
    "tests/agents/test_registry.py",
    "tests/arena/test_parity",
    "tests/browser/",
    "tests/league/compare/test_compare.py",
    "tests/league/daemon/test_canaries.py",
    "tests/league/learner/test_resume_process.py",
)


def group_of(nodeid: str) -> str:
    """Return what a test stays together with: its file, or several files that share something."""
    file = nodeid.partition("::")[0]
    return next((group for place, group in TOGETHER.items() if file.startswith(place)), file)


def rank_of(group: str) -> int:
    """Return how early a group is handed out: 0 is first."""
    ranks = ((COMPILES,), WITHOUT_THE_GAME, LONG)
    return next((rank for rank, places in enumerate(ranks) if group.startswith(places)), len(ranks))


def scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Return pytest-xdist's scheduler of groups, with ours, in the order of the collection."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    config.option.loadscopereorder = False  # it would put files of few, long tests last
    return Groups(config, log)


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """Wait until no other process is between the same file's lines."""
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def compile_in_one_process(folder: Path) -> None:
    """Let each function be compiled by one of the processes that share a folder for locks.

    A function that is compiled for another one is held besides that one: nothing of the game calls
    itself, so that no two processes wait for each other.
    """
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.dispatcher import Dispatcher

    inner: Callable[[Any, Any], Any] = Dispatcher.compile
    held: set[str] = set()

    def compile_alone(self: Any, signature: Any) -> Any:
        name = f"{self.py_func.__module__}.{self.py_func.__qualname__}"
        key = hashlib.sha256(name.encode()).hexdigest()[:16]
        with global_compiler_lock:  # numba's own, of the threads: always before ours
            if key in held:
                return inner(self, signature)
            with alone(folder / f"{key}.lock"):
                held.add(key)
                try:
                    return inner(self, signature)  # loads it, or compiles and stores it
                finally:
                    held.remove(key)

    Dispatcher.compile = compile_alone
