"""Who may import whom: the contracts of pyproject.toml hold, and a wrong import breaks them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("league", "agents", "msattn", "arena", "db")

# file, the import added to it, a word of the contract that forbids it
WRONG = [
    ("arena/match.py", "import agents.registry", "Floors"),
    ("agents/policy.py", "import db.session", "Agents know nothing of the database"),
    ("league/report/state.py", "import league.daemon.manager", "Rooms of league/"),
    ("league/ppo/update.py", "import league.config.tree", "PPO knows nothing"),
    ("league/learner/trainer.py", "import league.config.tree", "Learners get plain settings"),
    ("arena/processes/worker.py", "import arena.match", "Rooms of arena/"),
    (
        "arena/territory/engine/tick.py",
        "import arena.territory.observation.views",
        "Rooms of the game",
    ),
    ("arena/territory/maps/terrain.py", "import arena.territory.maps.maps", "No circle"),
]


def lint(folder: Path) -> dict[str, str]:
    """Run import-linter on a copy of the packages; returns each contract's verdict."""
    program = "from importlinter.cli import lint_imports_command as c; c(['--no-cache'])"
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False
    )
    verdicts = {}
    for line in found.stdout.splitlines():
        # Behind a verdict may stand how many imports the contract leaves out.
        if found_line := re.fullmatch(r"(.+) (KEPT|BROKEN)(?: \(.*\))?", line):
            verdicts[found_line[1]] = found_line[2]
    assert verdicts, found.stdout + found.stderr
    assert (found.returncode == 0) is (set(verdicts.values()) == {"KEPT"})
    return verdicts


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("house")
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copyfile(ROOT / "pyproject.toml", folder / "pyproject.toml")
    return folder


def test_every_contract_holds_and_each_is_broken_by_a_wrong_import(copy: Path) -> None:
    before = lint(copy)
    assert set(before.values()) == {"KEPT"}
    for file, wrong, _ in WRONG:
        path = copy / file
        path.write_text(path.read_text(encoding="utf-8") + f"\n{wrong}\n", encoding="utf-8")
    after = lint(copy)
    forbidden = [next(name for name in after if word in name) for _, _, word in WRONG]
    assert sorted(forbidden) == sorted(before)  # one wrong import for each contract
    assert set(after.values()) == {"BROKEN"}


def test_a_file_that_belongs_to_no_room_of_league_is_refused(copy: Path) -> None:
    stray = copy / "league" / "helpers.py"
    stray.write_text('"""A drawer for everything."""\n', encoding="utf-8")
    program = "from importlinter.cli import lint_imports_command as c; c(['--no-cache'])"
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=copy, capture_output=True, text=True, check=False
    )
    stray.unlink()
    assert found.returncode != 0
    assert "helpers" in found.stdout + found.stderr


def test_few_files_lie_flat_in_league_and_no_python_file_is_too_long() -> None:
    flat = [path.name for path in (ROOT / "league").glob("*.py")]
    assert len(flat) <= 6, flat
    for package in (*PACKAGES, "tests"):
        for path in sorted((ROOT / package).rglob("*.py")):
            n_lines = len(path.read_text(encoding="utf-8").splitlines())
            assert n_lines <= 450, f"{path.relative_to(ROOT)}: {n_lines} lines, build a wall"
