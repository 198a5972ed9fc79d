"""Owns the import of a plug-in by its file: `path/of/mybots.py`, without installing anything.

Promises: modules beside the file can be imported by it, and are looked for after everything that is
installed, so that a bot's `random.py` or `agents.py` replaces nobody else's; of two bots with a
module of the same name beside them, each gets its own.
"""

from __future__ import annotations

import hashlib
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

_folders: list[str] = []  # of the plug-in files loaded so far, newest first


def is_plugin_file(text: str) -> bool:
    """Return whether a plug-in is named by its file rather than as a module."""
    return text.endswith(".py")


def load_plugin_file(path: Path) -> ModuleType:
    """Import a Python file under a name of its own, once per process.

    Raises:
        FileNotFoundError: there is no such file.
        Exception: whatever its code raises.
    """
    path = path.resolve()
    name = f"league_plugin_{hashlib.sha256(str(path).encode()).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    if not path.is_file():
        raise FileNotFoundError(f"no file at {path}")
    _search_here(path.parent)
    spec = spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None  # of a file that ends in .py
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _search_here(folder: Path) -> None:
    """Search a folder after all that is installed and before those of other plug-in files."""
    here = str(folder)
    others = [other for other in _folders if other != here]
    for name, module in list(sys.modules.items()):
        place = getattr(module, "__file__", None)
        is_neighbour = place is not None and str(Path(place).parent) in others
        if is_neighbour and not name.startswith("league_plugin_") and _has(folder, name):
            del sys.modules[name]  # whoever imported it keeps it
    if here not in _folders and here in sys.path:
        return  # the user has put it there, and said where
    _folders[:] = [here, *others]
    sys.path[:] = [entry for entry in sys.path if entry not in _folders] + _folders


def _has(folder: Path, name: str) -> bool:
    top = name.partition(".")[0]
    return (folder / f"{top}.py").is_file() or (folder / top / "__init__.py").is_file()
