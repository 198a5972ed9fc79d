"""`~` at the head of a path means the home folder, also where no shell expands it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from league.cli.main import league, main
from league.cli.options import PathOf, from_home
from league.folder.layout import LeagueFolder


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder; the current folder is another one."""
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("LEAGUE_DIR", raising=False)
    monkeypatch.chdir(here)
    return home


def _parameters(
    group: click.Command, path: str = "league"
) -> Iterator[tuple[str, click.Parameter]]:
    for parameter in group.params:
        yield f"{path} {parameter.name}", parameter
    if isinstance(group, click.Group):
        for name, command in group.commands.items():
            yield from _parameters(command, f"{path} {name}")


PATHS = {name: p for name, p in _parameters(league) if isinstance(p.type, click.Path)}


def test_there_are_many_parameters_that_are_paths() -> None:
    assert len(PATHS) > 30  # --league of every command alone


@pytest.mark.parametrize("name", PATHS)
def test_every_path_of_a_command_expands_the_home_folder(name: str, home: Path) -> None:
    kind = PATHS[name].type
    assert isinstance(kind, PathOf)
    assert kind.convert("~/x", None, None) == home / "x"
    assert kind.convert("./~/x", None, None) == Path("~/x")  # a folder that is called so


@pytest.mark.parametrize("text", ["~nobody-of-this-name/x", "a~", "a/~", "", "scripted:tribe"])
def test_what_names_no_home_stays(text: str) -> None:
    assert from_home(text) == text


def test_commands_write_and_read_in_the_home_folder(
    home: Path, hand_made_league: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(hand_made_league.root, home / "lg")
    assert main(["maps", "generate", "--size", "48x48", "--out=~/map"]) == 0
    assert main(["maps", "show", "~/map", "--png=~/map.png"]) == 0
    assert main(["maps", "check", "~/map.png"]) == 0
    assert main(["report", "--league=~/lg", "--svg=~/report.svg"]) == 0
    assert main(["curves", "~/lg"]) == 0
    assert main(["backup", "~/copy", "--league=~/lg"]) == 0
    monkeypatch.setenv("LEAGUE_DIR", "~/lg")
    assert main(["members"]) == 0
    assert {path.name for path in home.iterdir()} == {"copy", "lg", "map", "map.png", "report.svg"}
    assert list(Path().iterdir()) == []
