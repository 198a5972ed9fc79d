"""What a node of a cluster must have to play a league's matches: asked on each, compared with here.

Promises: two nodes with equal facts play a match alike, and reach the files of the same league;
loads neither torch nor numba.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from arena.cluster.nodes import FOLDER, UNKNOWN
from arena.territory.engine.rules import EDITIONS, RULES_VERSION
from league.errors import StoreAwayError, StoreError
from league.folder.in_store import MARK
from league.folder.layout import CONFIG_NAME
from league.store.snapshots import PlaceOfSnapshots
from league.store.store import StorePlace

_ROOT = Path(__file__).resolve().parents[2]
# All code that takes part in a match, and in training.
_PACKAGES = ("agents", "arena", "msattn", "league/matches", "league/store")
_TRAINING = ("db", "league")


def node_facts(settings: Mapping[str, object]) -> dict[str, str]:
    """Return what this machine would play matches with: name of a fact -> value.

    Args:
        settings: of a worker (league.matches.worker.setup); "maps" is the league's folder, which
            must be seen where "snapshots" is a folder; where it is a place with a store behind it,
            the store must be reached instead. "trains": learners run on the nodes too.
    """
    code = code_sha256(trains=bool(settings.get("trains")))
    found = {
        "program": f"territory-league {_version()} with code {code[:12]}",
        "rules": f"version {RULES_VERSION}, editions {' and '.join(EDITIONS)}",
    }
    snapshots = settings.get("snapshots")
    if isinstance(snapshots, str | Path):
        found[FOLDER] = _folder_fact(Path(str(settings["maps"])))
    elif isinstance(snapshots, PlaceOfSnapshots):
        found["store"] = _store_fact(snapshots.store)
    return found


def code_sha256(root: Path = _ROOT, *, trains: bool = False) -> str:
    """Return the SHA-256 of the names and bytes of all code that takes part in a match.

    Args:
        trains: of that which takes part in training too.
    """
    digest = hashlib.sha256()
    for package in dict.fromkeys((*_PACKAGES, *(_TRAINING if trains else ()))):
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


def _store_fact(place: StorePlace) -> str:
    """Return what tells a league's store from others, or that it is not reached from here."""
    try:
        mark = place.open().files.get(MARK)
    except StoreAwayError as error:
        return f"{UNKNOWN}{place} does not answer ({error})"
    except StoreError as error:
        return f"{place} without the mark {MARK} ({error})"
    return f"{place} with {MARK} {hashlib.sha256(mark).hexdigest()[:12]}"
