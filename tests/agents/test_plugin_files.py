"""Plug-ins by their file: imported once, with their neighbours, after all that is installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents import plugin_files
from agents.plugin_files import load_plugin_file
from agents.registry import SpecError, load_plugin, parse_spec, whole_spec

BOT = """
import {neighbour}
class Bot:
    name = {neighbour}.NAME
    def reset(self, rows): pass
    def act(self, batch, rng): pass
"""


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Import paths and modules are those of the process."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(plugin_files, "_folders", [])
    before = dict(sys.modules)
    yield
    for name in sys.modules.keys() - before.keys():
        del sys.modules[name]


def bot(folder: Path, name: str, neighbour: str = "helper", says: str = "mine") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{neighbour}.py").write_text(f"NAME = {says!r}")
    path = folder / f"{name}.py"
    path.write_text(BOT.format(neighbour=neighbour))
    return path


def test_a_file_is_a_plug_in_with_the_modules_beside_it(tmp_path: Path) -> None:
    path = bot(tmp_path / "bots", "one")
    assert load_plugin(f"{path}:Bot").name == "mine"  # type: ignore[attr-defined]
    assert load_plugin_file(path) is load_plugin_file(path)
    assert "one" not in sys.modules  # by a name of its own: another bot may be one.py too


def test_each_of_two_bots_gets_its_own_neighbour_of_the_same_name(tmp_path: Path) -> None:
    first = bot(tmp_path / "a", "bot", says="first")
    second = bot(tmp_path / "b", "bot", says="second")
    third = bot(tmp_path / "c", "bot", says="third")
    for path, says in ((first, "first"), (second, "second"), (third, "third"), (first, "first")):
        assert load_plugin(f"{path}:Bot").name == says  # type: ignore[attr-defined]


def test_what_is_installed_wins_over_a_neighbour(tmp_path: Path) -> None:
    path = bot(tmp_path / "bots", "two", neighbour="json")
    with pytest.raises(SpecError, match="has no attribute 'NAME'"):
        load_plugin(f"{path}:Bot")
    assert "JSONDecodeError" in dir(sys.modules["json"])
    assert sys.path.index(str(tmp_path / "bots")) == len(sys.path) - 1


def test_a_file_that_fails_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "three.py"
    path.write_text("1 / 0")
    for _ in range(2):
        with pytest.raises(SpecError, match="ZeroDivisionError"):
            load_plugin(f"{path}:Bot")


def test_a_spec_with_a_file_means_the_same_in_every_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bot(tmp_path / "bots", "four")
    monkeypatch.chdir(tmp_path)
    assert whole_spec("plugin:bots/four.py:Bot") == f"plugin:{path}:Bot"
    assert parse_spec(f"plugin:{path}:Bot") == ("plugin", f"{path}:Bot")
    for spec in ("plugin:bots.four:Bot", "scripted:tribe", "four"):
        assert whole_spec(spec) == spec
    with pytest.raises(SpecError, match="expected the Python file of a plug-in, found none at"):
        whole_spec("plugin:missing.py:Bot")
    with pytest.raises(SpecError, match=r"plugin:FILE.py:FACTORY"):
        parse_spec("plugin:bots/four.py")
