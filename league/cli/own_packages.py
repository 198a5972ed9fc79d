"""Where the program's own packages are imported from, whatever lies on the user's import path.

The top-level names `agents`, `arena`, `db` and `msattn` are common: a bot's folder on PYTHONPATH,
or the current folder under `python -m league`, may hold a `db.py` of its own. Promises: what is
installed wins over such folders, which are searched after it; a foreign package that is found all
the same is named in one sentence. Looks at files and imports nothing.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

from league.errors import LeagueError

OWN_PACKAGES = ("agents", "arena", "db", "msattn")
ROOT = Path(__file__).resolve().parents[2]  # holds `league`, and the others beside it


def put_installed_first() -> None:
    """Move what stands before the standard library in `sys.path` to its end.

    These are the folder of the script, or the current one under `python -m`, and those of
    PYTHONPATH. The folder that `league` was imported from comes before all other packages, also
    where it was PYTHONPATH that named it, or an import hook that found it (an editable install).
    """
    sys.path[:] = installed_first(sys.path, _standard_library(), str(ROOT))


def installed_first(path: list[str], standard: set[str], root: str) -> list[str]:
    """Return an import path in the order: standard library, our root, the installed, the user's."""
    starts = [at for at, entry in enumerate(path) if entry in standard]
    before = path[: starts[0]] if starts else path
    after = path[len(before) :]
    return [
        *(entry for entry in after if entry in standard),
        root,
        *(entry for entry in after if entry not in standard and entry != root),
        *(entry for entry in before if entry != root),
    ]


def _standard_library() -> set[str]:
    folder = Path(os.__file__).parent
    zipped = folder.parent / f"python{sys.version_info.major}{sys.version_info.minor}.zip"
    return {str(zipped), str(folder), str(folder / "lib-dynload")}


def check_own_packages(root: Path = ROOT) -> None:
    """Check that our names lead to our packages.

    Raises:
        LeagueError: something else is in the way; the message names the file.
    """
    for name in OWN_PACKAGES:
        found = _place_of(name)
        if found is None or found != root / name / "__init__.py":
            raise LeagueError(
                f"expected the package {name!r} of this program in {root}, found "
                f"{found or 'none'}: "
                + (
                    "install the program again"
                    if found is None
                    else "rename or uninstall it, or take its folder off PYTHONPATH"
                )
            )


def _place_of(name: str) -> Path | None:
    """Return the file that `import name` runs or ran; a folder where it runs none."""
    try:
        spec = find_spec(name)
    except ValueError:  # a module without a spec was put into sys.modules
        return Path(str(getattr(sys.modules[name], "__file__", name)))
    if spec is None:
        return None
    if spec.origin is not None:
        return Path(spec.origin).resolve()
    return Path(next(iter(spec.submodule_search_locations or [name]))).resolve()
