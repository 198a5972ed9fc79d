"""The key of the compiled code's cache: what changes machine code changes it, and nothing else.

The files under the key are found by reading import lines. Here they are compared with what Python
really imported and with what its parser says, so that no way of writing an import escapes.
"""

from __future__ import annotations

import ast
import importlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from numba.core.dispatcher import Dispatcher

import arena.territory
from arena.territory.engine.compiled import compiled_sources, source_sha256

GAME = Path(arena.territory.__file__).parent
FILES = sorted(path.relative_to(GAME).as_posix() for path in GAME.rglob("*.py"))
IN_KEY = [path.relative_to(GAME).as_posix() for path in compiled_sources()]


def load(file: str) -> ModuleType:
    name = "arena.territory." + file.removesuffix(".py").replace("/", ".")
    return importlib.import_module(name.removesuffix(".__init__"))


def imported_at_the_head(file: str) -> Iterator[ModuleType]:
    """Modules of ours that a file's own statements import, by Python's parser."""
    for statement in ast.parse((GAME / file).read_text()).body:
        if isinstance(statement, ast.Import):
            assert not any(alias.name.startswith("arena") for alias in statement.names), file
        elif isinstance(statement, ast.ImportFrom):
            assert statement.level == 0, f"{file} imports relatively"
            if (statement.module or "").startswith("arena"):
                module = importlib.import_module(str(statement.module))
                for alias in statement.names:
                    value = getattr(module, alias.name)
                    yield value if isinstance(value, ModuleType) else module


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The game's sources, to be changed."""
    return Path(shutil.copytree(GAME, tmp_path / "territory"))


def test_every_file_with_a_compiled_function_is_under_the_key() -> None:
    with_compiled = {
        file
        for file in FILES
        for value in vars(load(file)).values()
        if isinstance(value, Dispatcher) and value.py_func.__module__ == load(file).__name__
    }
    assert "engine/tick.py" in with_compiled and "observation/fronts.py" in with_compiled
    assert with_compiled <= set(IN_KEY)


@pytest.mark.parametrize("file", IN_KEY)
def test_whatever_a_file_under_the_key_imports_from_the_game_is_under_it_too(file: str) -> None:
    for module in imported_at_the_head(file):
        # Errors are raised by Python code only; nothing else from outside the game may come in.
        if module.__name__ != "arena.errors":
            path = Path(str(module.__file__))
            assert path.relative_to(GAME).as_posix() in IN_KEY


@pytest.mark.parametrize("file", FILES)
def test_a_changed_comment_changes_the_key_where_there_is_compiled_code(
    copy: Path, file: str
) -> None:
    with (copy / file).open("a") as source:
        source.write("# changed\n")
    assert (source_sha256(copy) != source_sha256()) == (file in IN_KEY)


def test_the_key_covers_rules_and_views_and_neither_maps_nor_environments() -> None:
    assert {"engine/rules.py", "engine/state.py", "observation/views.py"} <= set(IN_KEY)
    assert not {"env.py", "engine/engine.py", "observation/warm_up.py"} & set(IN_KEY)
    assert not any(file.startswith("maps/") for file in IN_KEY)


def test_a_compiled_file_in_a_new_sub_folder_and_its_constants_come_under_the_key(
    copy: Path,
) -> None:
    deep = copy / "engine" / "deep"
    deep.mkdir()
    (deep / "constants.py").write_text("SEVEN = 7\n")
    assert source_sha256(copy) == source_sha256()
    (deep / "walls.py").write_text(
        "from arena.territory.engine.compiled import (\n    compiled,\n    int64,\n)\n"
        "from arena.territory.engine.deep.constants import SEVEN  # as high as a wall\n"
    )
    with_walls = source_sha256(copy)
    assert with_walls != source_sha256()
    (deep / "constants.py").write_text("SEVEN = 8\n")
    assert source_sha256(copy) not in (with_walls, source_sha256())


def test_a_moved_compiled_file_changes_the_key(copy: Path) -> None:
    # numba stores machine code by the name of its file.
    (copy / "engine" / "bots.py").rename(copy / "engine" / "robots.py")
    assert source_sha256(copy) != source_sha256()
