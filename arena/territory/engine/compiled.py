"""How the game's hot paths are compiled: one decorator, one cache folder per version of the code.

numba's on-disk cache notices a change in the file that defines a function (by its time and size),
but not in a constant or a helper that lives in another file. The cache folder is therefore keyed
by a hash of the sources that end up in machine code, `compiled_sources`: a changed rule never runs
old machine code, and a change to map pictures or environments costs nobody half a minute of
compiling.

`compiled` releases the GIL, so that several matches can advance on several threads, and never uses
fast-math: results are IEEE-exact and the same on every platform.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
from numba.extending import register_jitable

_Function = TypeVar("_Function", bound=Callable[..., Any])
_GAME = Path(__file__).resolve().parents[1]
_PACKAGE = "arena.territory"
_IMPORT = re.compile(r"^from (arena\.territory[\w.]*) import (\([^)]*\)|.+)$", re.MULTILINE)


def compiled_sources(game: Path = _GAME) -> list[Path]:
    """Return the files that machine code is made of, sorted: users of `compiled` and their imports.

    Imports are followed only inside the game, where all constants of the rules are, and only those
    at the head of a file. Indented ones are for type checkers or run when nothing is compiled.
    """
    imports = {path: _imports(path) for path in game.rglob("*.py")}
    found: set[Path] = set()
    waiting = [
        path
        for path, lines in imports.items()
        if any(module == __name__ and "compiled" in names for module, names in lines)
    ]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += [
                file
                for module, names in imports[path]
                for file in _files(game, module, names)
                if file in imports
            ]
    return sorted(found)


def _imports(path: Path) -> list[tuple[str, list[str]]]:
    """Return (module, names) of each import from the game at the head of a file."""
    return [
        (module, [name.split()[0] for name in names.strip("()\n").split(",") if name.strip()])
        for module, names in _IMPORT.findall(path.read_text(encoding="utf-8"))
    ]


def _files(game: Path, module: str, names: list[str]) -> list[Path]:
    """Return where the imported names may be defined: a module, or the modules of a package."""
    place = game.joinpath(*module.removeprefix(_PACKAGE).split("."))
    if not place.is_dir():
        return [place.with_suffix(".py")]
    files = [place / f"{name}.py" for name in names]
    return files if all(file.is_file() for file in files) else [*files, place / "__init__.py"]


def source_sha256(game: Path = _GAME) -> str:
    """Return the SHA-256 of the names and bytes of `compiled_sources`."""
    digest = hashlib.sha256()
    for path in compiled_sources(game):
        digest.update(path.relative_to(game).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def cache_folder() -> Path:
    """Return the folder of the machine code: `$LEAGUE_CACHE_DIR`, else the user's cache folder."""
    from arena.files import user_cache_folder  # not a part of what is compiled

    # numba's index does not tell apart code with bounds checks (NUMBA_BOUNDSCHECK=1) and without.
    checked = "-checked" if numba.config.BOUNDSCHECK else ""
    return user_cache_folder() / f"numba-{source_sha256()[:16]}{checked}"


_CACHE = str(cache_folder())


def is_compiled(edition: str = "2025") -> bool:
    """Return whether machine code of these sources, for matches of an edition, is on disk."""
    tick = "run_ticks" if edition == "2025" else f"run_ticks_{edition}"
    return any(Path(_CACHE).rglob(f"tick.{tick}-*.nbi"))


def compiled(
    *, inline: bool = False, allocates: bool = False, internal: bool = False
) -> Callable[[_Function], _Function]:
    """Return numba's `njit` decorator with the GIL released and our cache folder.

    Args:
        inline: force inlining at LLVM level, for small functions on hot paths.
        internal: leave out the bridge to Python (unpacking the state's arrays is most of what there
            is to compile in a small function); only compiled code can call such a function.
        allocates: whether the function creates arrays. All others are compiled without numba's
            reference counting, whose two atomic operations per field access made a tick seven
            times slower; they must not create arrays, and their callers keep the arrays alive.
    """

    def decorate(function: _Function) -> _Function:
        previous = numba.config.CACHE_DIR
        numba.config.CACHE_DIR = _CACHE
        try:
            return numba.njit(
                cache=True,
                nogil=True,
                error_model="numpy",
                forceinline=inline,
                no_cpython_wrapper=internal,
                no_cfunc_wrapper=True,
                _nrt=allocates,
            )(function)
        finally:
            numba.config.CACHE_DIR = previous

    return decorate


@register_jitable
def int64(n: int) -> int:
    """Return n as an int64, in compiled code and for its constants.

    For numba int32, uint8 and every literal are separate types, and a function is compiled once for
    every combination that it is called with.
    """
    return np.int64(n)  # type: ignore[return-value]
