"""What processes that share the suite get first, what stays together, and who compiles."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from tests.side_by_side import (
    COMPILES,
    LONG,
    RAY,
    TOGETHER,
    WITHOUT_THE_GAME,
    alone,
    group_of,
    rank_of,
)

ROOT = Path(__file__).resolve().parents[1]


def test_a_file_stays_together_and_so_do_all_files_over_ray() -> None:
    assert group_of("tests/db/test_hold.py::test_it[a::b]") == "tests/db/test_hold.py"
    assert group_of("tests/arena/processes/test_local_arena.py::test_it[ray]") == RAY
    assert group_of("tests/league/daemon/test_learner_engines.py::test_it[local]") == RAY


def test_every_file_with_the_fixture_of_the_ray_cluster_is_in_its_group() -> None:
    files = [*ROOT.glob("tests/**/test_*.py"), *ROOT.glob("tests/*/**/conftest.py")]
    users = {
        path.relative_to(ROOT).as_posix()
        for path in files
        if "ray_bridge" in path.read_text(encoding="utf-8") and path.name != Path(__file__).name
    }
    assert users and {group_of(user) for user in users} == {RAY}


def test_compiling_begins_beside_what_needs_no_game_and_long_files_are_not_last() -> None:
    groups = ["tests/league/test_any.py", RAY, "tests/db/test_hold.py", COMPILES]
    assert sorted(groups, key=rank_of) == groups[::-1]


@pytest.mark.parametrize(
    "place", [COMPILES, *WITHOUT_THE_GAME, *TOGETHER, *(each for each in LONG if each != RAY)]
)
def test_every_place_that_is_named_exists(place: str) -> None:
    assert list(ROOT.glob(f"{place}*"))


# Compiles a function into the cache argv[1] under the locks of argv[2]; prints whether it had to.
COMPILE = """
import sys, time
from pathlib import Path
import numba
numba.config.CACHE_DIR = sys.argv[1]
from tests.side_by_side import compile_in_one_process
compile_in_one_process(Path(sys.argv[2]))

@numba.njit
def inner(x):
    return x + 1

@numba.njit(cache=True)
def outer(x):
    return inner(x) + sum([inner(y) for y in range(3)])

outer(1)
print(sum(outer.stats.cache_misses.values()))
"""


def test_a_function_is_compiled_by_one_of_two_processes(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(COMPILE)
    arguments = [sys.executable, str(program), str(tmp_path / "cache"), str(tmp_path)]
    both = [
        subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(2)
    ]
    assert sorted(int(each.communicate()[0]) for each in both) == [0, 1]


def test_a_lock_is_held_until_the_block_ends(tmp_path: Path) -> None:
    file = tmp_path / "a.lock"
    with file.open("w") as other:
        with alone(file), pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
