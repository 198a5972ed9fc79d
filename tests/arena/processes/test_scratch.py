"""Temporary folders of killed processes are swept, those of living ones are not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from arena.processes.scratch import ScratchFolder, sweep_scratch

OWNER = """
import sys, tempfile
tempfile.tempdir = sys.argv[1]
from arena.processes.scratch import ScratchFolder
folder = ScratchFolder("league-arena-")
print(folder.path, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary_files_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_the_folder_of_a_killed_owner_is_swept_by_the_next_and_not_before(tmp_path: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    left = Path(owner.stdout.readline().strip())
    (left / "worker-0.txt").write_text("said before it died")
    assert sweep_scratch("league-arena-") == 0 and left.is_dir()  # its owner lives
    owner.kill()
    owner.communicate()
    assert left.is_dir()
    following = ScratchFolder("league-arena-")
    assert list(tmp_path.iterdir()) == [following.path]
    following.close()
    assert list(tmp_path.iterdir()) == []


def test_folders_of_others_and_those_being_made_are_not_touched(tmp_path: Path) -> None:
    (tmp_path / "league-arena-foreign").mkdir()  # without an owner's file
    mine = ScratchFolder("league-arena-")
    (tmp_path / "league-arena-link").symlink_to(mine.path)
    assert sweep_scratch("league-arena-") == 0
    assert len(list(tmp_path.iterdir())) == 3
    mine.close()
    mine.close()  # twice does no harm
