"""docs/promises.md names tests that exist, and every break of tests/breaks.py fits the code."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.breaks import BREAKS, Break

ROOT = Path(__file__).resolve().parent.parent
NAMED = re.findall(r"`(tests/[\w/.]+\.py)::(\w+)`", (ROOT / "docs/promises.md").read_text("utf-8"))


def test_the_page_of_promises_names_many_tests() -> None:
    assert len(NAMED) > 60


@cache
def functions_of(file: str) -> set[str]:
    """The functions of a file."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED)))
def test_a_named_test_exists(file: str, name: str) -> None:
    assert name in functions_of(file)


@pytest.mark.parametrize("row", BREAKS, ids=lambda row: row.name)
def test_a_break_finds_the_line_that_it_changes(row: Break) -> None:
    assert (ROOT / row.file).read_text(encoding="utf-8").count(row.old) == 1
    assert (ROOT / row.test).is_file()
