"""Our packages win over a user's `agents/` or `db.py`, or the user is told which file it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from league.cli.own_packages import ROOT, check_own_packages, installed_first
from league.errors import LeagueError


def run(folder: Path, *arguments: str, path: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "league", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_installed_comes_before_the_users_folders() -> None:
    standard = {"/py/python311.zip", "/py", "/py/lib-dynload"}
    path = ["/bin", "/bots", "/py/python311.zip", "/py", "/py/lib-dynload", "/site", "/edited"]
    assert installed_first(path, standard, "/site") == [
        "/py/python311.zip",
        "/py",
        "/py/lib-dynload",
        "/site",
        "/edited",
        "/bin",
        "/bots",
    ]


def test_the_folder_of_the_league_is_installed_wherever_it_was_found() -> None:
    by_variable = ["/checkout", "/bots", "/py", "/site"]
    assert installed_first(by_variable, {"/py"}, "/checkout") == [
        "/py",
        "/checkout",
        "/site",
        "/bots",
    ]
    by_hook = ["/bots", "/py", "/site"]
    assert installed_first(by_hook, {"/py"}, "/checkout") == ["/py", "/checkout", "/site", "/bots"]


def test_commands_work_beside_a_users_own_modules_of_our_names(tmp_path: Path) -> None:
    bots = tmp_path / "bots"
    (bots / "agents").mkdir(parents=True)
    (bots / "agents" / "__init__.py").write_text("raise SystemExit('the user's agents')")
    for name in ("db", "random"):
        (bots / f"{name}.py").write_text("raise SystemExit('the user's own')")
    (bots / "mybot.py").write_text("from agents.scripted import SCRIPTED\nmake = SCRIPTED['rush']")
    path = os.pathsep.join([str(bots), str(ROOT)])
    ran = run(bots, "maps", "generate", "--help", path=path)
    assert ran.returncode == 0, ran.stderr
    ran = run(bots, "status", "--league", "none", path=path)
    assert ran.returncode == 2 and "none" in ran.stderr and "own" not in ran.stderr, ran.stderr


def test_a_foreign_package_in_our_place_is_named(tmp_path: Path) -> None:
    for name in ("agents", "arena", "msattn"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    with pytest.raises(LeagueError, match=f"package 'agents' .*{tmp_path}.*found {ROOT}/agents/"):
        check_own_packages(tmp_path)


def test_a_command_says_which_file_is_in_the_way(tmp_path: Path) -> None:
    # Imported before any command runs, as a .pth file or a sitecustomize would.
    (tmp_path / "sitecustomize.py").write_text("import sys, db\n")
    (tmp_path / "db.py").write_text("")
    ran = run(tmp_path, "status", path=os.pathsep.join([str(tmp_path), str(ROOT)]))
    assert ran.returncode == 2
    assert ran.stderr.count("\n") == 1
    assert f"found {tmp_path / 'db.py'}" in ran.stderr and "rename" in ran.stderr


def test_an_editable_install_is_a_folder_of_the_import_path() -> None:
    """An import hook, the default for this layout, finds our packages after all folders only."""
    pytest.importorskip("setuptools")
    from setuptools import Distribution
    from setuptools.command.editable_wheel import _StaticPth, editable_wheel

    before = Path.cwd()
    os.chdir(ROOT)
    try:
        distribution = Distribution({"script_name": "setup.py"})
        distribution.parse_config_files()
        command = editable_wheel(distribution)
        command.project_dir = str(ROOT)
        command.package_dir = distribution.package_dir
        chosen = command._select_strategy("league", "none", Path("none"))
    finally:
        os.chdir(before)
    assert isinstance(chosen, _StaticPth)


def test_a_league_in_a_folder_called_league_can_be_run_from_beside_it(tmp_path: Path) -> None:
    (tmp_path / "league").mkdir()
    (tmp_path / "league" / "league.toml").touch()
    ran = run(tmp_path, "status", "--league", "league", path=str(ROOT))
    assert (ran.returncode, ran.stdout) == (3, "stopped\n"), ran.stderr
