"""Every name of docs/interface.md can be imported from the place that it gives."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parent.parent / "docs" / "interface.md"
FOUND = re.findall(
    r"`((?:arena|agents|msattn|league)(?:\.\w+)+)`", PAGE.read_text(encoding="utf-8")
)
NAMES = [name for name in FOUND if name != "league.toml"]  # a file


def test_the_page_names_what_the_readme_shows() -> None:
    assert "arena.territory.env.TerritoryEnv" in NAMES
    assert "agents.check.check_agent" in NAMES
    assert "league.open" in NAMES


@pytest.mark.parametrize("name", sorted(set(NAMES)))
def test_a_public_name_is_where_the_page_says(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert hasattr(importlib.import_module(module), attribute)
