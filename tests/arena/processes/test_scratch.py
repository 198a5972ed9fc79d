"""Temporary folders of killed processes are swept, those of living ones and of others are not."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from arena.processes.scratch import (
    ScratchFolder,
    left_scratch,
    own_folder,
    remove_scratch,
    sweep_scratch,
)

OWNER = """
import sys, tempfile
tempfile.tempdir = sys.argv[1]
from arena.processes.scratch import ScratchFolder
folder = ScratchFolder("league-pit-")
print(folder.path, flush=True)
sys.stdin.read()
"""
FORKS = """
import sys, tempfile
from multiprocessing import util
from pathlib import Path
tempfile.tempdir = sys.argv[1]
from arena.processes.launch import Launcher
if __name__ == "__main__":
    # slice: a function of three arguments that does nothing.
    child = Launcher(slice).launch("a", None, Path(sys.argv[1]) / "said")
    print(util.get_temp_dir(), flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary_files_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@contextmanager
def _owner(program: str, place: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Yield a process that owns a temporary folder in `place`, and that folder."""
    owner = subprocess.Popen(
        [sys.executable, "-c", program, str(place)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert owner.stdout is not None
        yield owner, Path(owner.stdout.readline().strip())
    finally:
        owner.kill()
        owner.communicate()


def test_the_folder_of_a_killed_owner_is_swept_by_the_next_and_not_before(tmp_path: Path) -> None:
    with _owner(OWNER, tmp_path) as (_, left):
        (left / "worker-0.txt").write_text("said before it died")
        assert sweep_scratch() == 0 and left.is_dir()  # its owner lives
    assert left.is_dir()
    following = ScratchFolder("league-arena-")  # of whatever prefix
    assert list(tmp_path.iterdir()) == [following.path]
    following.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(
    "forkserver" not in multiprocessing.get_all_start_methods(), reason="needs a fork server"
)
def test_the_folder_of_a_killed_parents_fork_server_is_swept_and_not_before(tmp_path: Path) -> None:
    with _owner(FORKS, tmp_path) as (_, left):
        assert left.parent == tmp_path and left.name.startswith("pymp-")
        assert sweep_scratch() == 0 and list(left.glob("listener-*"))
    assert left.is_dir()
    assert sweep_scratch() == 1 and not left.exists()


def test_what_is_left_is_named_and_removed_by_its_age(tmp_path: Path) -> None:
    with _owner(OWNER, tmp_path) as (_, old), _owner(OWNER, tmp_path) as (_, young):
        os.utime(old, (time.time() - 7200.0,) * 2)
        assert left_scratch(0.0) == []  # their owners live
    assert left_scratch(0.0) == sorted([old, young])
    assert left_scratch(3600.0) == [old] and old.is_dir()
    assert remove_scratch(3600.0) == [old]
    assert not old.exists() and young.is_dir()


def test_folders_of_others_and_those_being_made_are_not_touched(tmp_path: Path) -> None:
    (tmp_path / "league-arena-foreign").mkdir()  # without an owner's file
    (tmp_path / "pymp-foreign").mkdir()  # of any other Python program
    mine = ScratchFolder("league-arena-")
    (tmp_path / "league-arena-link").symlink_to(mine.path)
    assert sweep_scratch() == 0
    assert len(list(tmp_path.iterdir())) == 4
    mine.close()
    mine.close()  # twice does no harm


def test_owning_a_folder_twice_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "pymp-mine").mkdir()
    own_folder(tmp_path / "pymp-mine")
    own_folder(tmp_path / "pymp-mine")
    assert sweep_scratch() == 0


def test_a_scratch_folder_is_a_path_inside_a_block_and_gone_behind_it() -> None:
    with ScratchFolder("league-pit-") as place:
        (place / "table").mkdir()
    assert not place.exists()
