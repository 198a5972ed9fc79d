"""Every example of docs/python.md runs as it stands, and no public method is without one."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

import league.python
from league.folder.layout import LeagueFolder

ROOT = Path(__file__).resolve().parents[3]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
BLOCKS = BLOCK.findall(PAGE)


def test_the_examples_run_in_their_order(
    played_league: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pandas")
    monkeypatch.chdir(played_league.root.parent)
    monkeypatch.delenv("LEAGUE_DIR", raising=False)
    names: dict[str, Any] = {}
    for block in BLOCKS:
        exec(compile(block, "docs/python.md", "exec"), names)
    assert len(BLOCKS) > 8
    assert names["frames"].shape[1:] == (64, 64)
    names["L"].close()


def test_the_example_of_the_readme_runs(
    played_league: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pandas")
    monkeypatch.chdir(played_league.root.parent)
    (block,) = [
        each
        for each in BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
        if "league.open(" in each
    ]
    names: dict[str, Any] = {}
    exec(compile(block, "README.md", "exec"), names)
    names["L"].close()


@pytest.mark.parametrize("name", [name for name in league.python.__all__ if name != "open"])
def test_every_public_method_has_its_example(name: str) -> None:
    examples = "\n".join(BLOCKS)
    for attribute in vars(getattr(league.python, name)):
        if not attribute.startswith("_") and attribute != "close":
            assert f".{attribute}" in PAGE or f"`{attribute}`" in PAGE, attribute
            if inspect.isfunction(getattr(getattr(league.python, name), attribute)):
                assert f".{attribute}(" in examples, attribute
