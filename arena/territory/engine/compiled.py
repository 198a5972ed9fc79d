"""How the game's hot paths are compiled: one decorator, one cache folder per version of the code.

numba's on-disk cache notices a change in the file that defines a function, but not in a constant
or a helper that lives in another file.  The cache folder is therefore keyed by the hash of every
source file of this package: a changed rule never runs old machine code.

`compiled` releases the GIL, so that several matches can advance on several threads, and never uses
fast-math: results are IEEE-exact and the same on every platform.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
from numba.extending import register_jitable

_Function = TypeVar("_Function", bound=Callable[..., Any])


def source_sha256() -> str:
    """SHA-256 over the names and bytes of this package's source files."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def cache_folder() -> Path:
    """Folder of the machine code: `$LEAGUE_CACHE_DIR`, else the user's cache folder."""
    explicit = os.environ.get("LEAGUE_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    if explicit:
        base = Path(explicit)
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path.home() / ".cache"
    # numba's index does not tell code with bounds checks (NUMBA_BOUNDSCHECK=1) from code without.
    checked = "-checked" if numba.config.BOUNDSCHECK else ""
    return base / "territory-league" / f"numba-{source_sha256()[:16]}{checked}"


_CACHE = str(cache_folder())


def is_compiled() -> bool:
    """Whether machine code of these sources is on this machine's disk already."""
    return any(Path(_CACHE).rglob("tick.run_ticks*.nbi"))


def compiled(
    *, inline: bool = False, allocates: bool = False, internal: bool = False
) -> Callable[[_Function], _Function]:
    """Decorator: numba `njit` with the GIL released and our cache folder.

    Args:
        inline: force inlining at LLVM level: the state is a tuple of some fifty arrays, and handing
            it over by an ordinary call costs more than the small functions themselves.
        internal: leave the bridge to Python out (unpacking fifty arrays is most of what there is to
            compile in a small function); such a function is called from compiled code only.
        allocates: whether the function creates arrays.  All others are compiled without numba's
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
    """n as an int64, in compiled code and for constants of it.

    To numba int32, uint8 and every single literal are types of their own, and a function is
    compiled once for every combination that it is called with.
    """
    return np.int64(n)  # type: ignore[return-value]
