"""What a node of a cluster must have to play a league's matches: asked on each, compared with here.

Promises: two nodes with equal facts play a match alike; loads neither torch nor numba.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from arena.territory.engine.rules import RULES_VERSION
from league.folder.layout import CONFIG_NAME

_ROOT = Path(__file__).resolve().parents[2]
# All code that takes part in a match.
_PACKAGES = ("agents", "arena", "msattn", "league/matches")


def node_facts(settings: Mapping[str, object]) -> dict[str, str]:
    """Return what this machine would play matches with: name of a fact -> value.

    Args:
        settings: of a worker (league.matches.worker.setup); "maps" is the league's folder, which
            must be seen where "snapshots" is a folder and not a place with a store behind it.
    """
    found = {
        "program": f"territory-league {_version()} with code {code_sha256()[:12]}",
        "rules": f"version {RULES_VERSION}",
    }
    if isinstance(settings.get("snapshots"), str | Path):
        found["league folder"] = _folder_fact(Path(str(settings["maps"])))
    return found


def code_sha256(root: Path = _ROOT) -> str:
    """Return the SHA-256 of the names and bytes of all code that takes part in a match."""
    digest = hashlib.sha256()
    for package in _PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _version() -> str:
    try:
        return version("territory-league")
    except PackageNotFoundError:
        return "that is not installed"


def _folder_fact(root: Path) -> str:
    """Return what tells a league's folder from others, or that it is not there."""
    try:
        found = (root / CONFIG_NAME).read_bytes()
    except OSError as error:
        return f"{root} that cannot be read ({error.strerror})"
    return f"{root} with {CONFIG_NAME} {hashlib.sha256(found).hexdigest()[:12]}"
