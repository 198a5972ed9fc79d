"""Children import from where their parent does, and nothing from the folder that it stands in."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from arena.import_path import import_variables, set_variables

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder with what users have lying about: a league called `league`, a `random.py`."""
    folder = tmp_path / "here"
    (folder / "league").mkdir(parents=True)
    (folder / "arena").mkdir()
    for name in ("random", "socket", "signal"):  # multiprocessing imports them
        (folder / f"{name}.py").write_text(f"open('EXECUTED-{name}', 'w')\n")
    return folder


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_new_interpreter_looks_where_this_one_does_and_not_in_the_current_folder(
    hostile: Path,
) -> None:
    ran = run(hostile, "-c", "import random, socket; print(random.__file__)", **import_variables())
    assert ran.returncode == 0, ran.stderr
    assert not list(hostile.glob("EXECUTED*"))
    ran = run(hostile, "-c", "import random", PYTHONPATH="")
    assert list(hostile.glob("EXECUTED*"))  # the folder is as hostile as it looks


def test_workers_run_beside_such_files_and_get_their_own_environment_back(
    hostile: Path, tmp_path: Path
) -> None:
    script = tmp_path / "parent" / "play.py"
    script.parent.mkdir()
    script.write_text(
        textwrap.dedent(
            """
            from arena.processes.local_arena import LocalArena

            if __name__ == "__main__":
                toys = "tests.arena.processes.worker_toys"
                jobs = [("add", 1), ("variable", "PYTHONSAFEPATH"), ("variable", "PYTHONPATH")]
                with LocalArena(f"{toys}:play", 1, {"base": 41}, setup=f"{toys}:set_up") as arena:
                    for job_id, job in enumerate(jobs):
                        arena.submit(job_id, job)
                    found = {}
                    while len(found) < len(jobs):
                        found |= {done.job_id: done.result for done in arena.poll(60.0)}
                print(found[0], found[1], found[2])
            """
        )
    )
    ran = run(hostile, str(script), PYTHONPATH=str(ROOT))
    assert ran.stdout == f"42 None {ROOT}\n", ran.stderr
    assert not list(hostile.glob("EXECUTED*"))


def test_variables_are_set_and_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_A", "before")
    monkeypatch.setenv("TOY_B", "before")
    set_variables({"TOY_A": "after", "TOY_B": None})
    assert os.environ["TOY_A"] == "after"
    assert "TOY_B" not in os.environ
