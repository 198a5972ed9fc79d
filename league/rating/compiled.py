"""How the rating engine is compiled: one decorator, and a cache folder of its own.

Promises: machine code is made once per machine and version of the sources, in the folder that holds
the game's too, and is never that of other sources; changing a rating costs nobody a compilation of
the game. No fast-math: additions and multiplications are rounded one by one, as IEEE 754 says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba

from arena.territory.engine.compiled import cache_folder as game_cache_folder

_Function = TypeVar("_Function", bound=Callable[..., Any])
_ROOM = Path(__file__).resolve().parent
SOURCES = ("chain.py", "compiled.py", "truncation.py")  # what ends up in machine code


def source_sha256(room: Path = _ROOM) -> str:
    """Return the SHA-256 of the names and bytes of SOURCES."""
    digest = hashlib.sha256()
    for name in SOURCES:
        digest.update(name.encode())
        digest.update((room / name).read_bytes())
    return digest.hexdigest()


def cache_folder() -> Path:
    """Return the folder of the machine code, beside that of the game."""
    checked = "-checked" if numba.config.BOUNDSCHECK else ""
    return game_cache_folder().parent / f"ratings-{source_sha256()[:16]}{checked}"


_CACHE = str(cache_folder())


def is_compiled() -> bool:
    """Return whether machine code of these sources is already on disk."""
    return any(Path(_CACHE).rglob("chain.rate_rows*.nbi"))


def compiled(*, internal: bool = False) -> Callable[[_Function], _Function]:
    """Return numba's `njit` decorator with the GIL released and our cache folder.

    The functions must not create arrays: they are compiled without reference counting.

    Args:
        internal: only compiled code calls the function; it has no bridge to Python.
    """

    def decorate(function: _Function) -> _Function:
        previous = numba.config.CACHE_DIR
        numba.config.CACHE_DIR = _CACHE
        try:
            return numba.njit(
                cache=True,
                nogil=True,
                fastmath=False,
                error_model="numpy",
                no_cpython_wrapper=internal,
                no_cfunc_wrapper=True,
                forceinline=internal,
                _nrt=False,
            )(function)
        finally:
            numba.config.CACHE_DIR = previous

    return decorate
