"""What must be equal on all nodes of a cluster, and the sentence where it is not.

Promises: pure but for the check that is named, which runs where `facts` is called.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping

from arena.processes.child import describe, find_function

PYTHON = "Python"
PROGRAM = "program"
FOLDER = "league folder"
UNKNOWN = "unknown: "  # begins a fact that could not be told now, but may be another time


def facts(check: str | None, settings: Mapping[str, object]) -> dict[str, str]:
    """Return what this process would play with: name of a fact -> value.

    Args:
        check: "module:function" that returns further facts from `settings`; None for none.
    """
    found = {PYTHON: ".".join(platform.python_version_tuple()[:2])}
    if check is not None:
        try:
            found |= find_function(check)(settings)
        except Exception as error:  # of another version, it may raise whatever it likes
            found[PROGRAM] = f"one that fails with {describe(error)}"
    return found


def difference(
    node: str,
    expected: Mapping[str, str],
    found: Mapping[str, str],
    *,
    all_known: bool = False,
) -> str | None:
    """Return a sentence on what is not on a node as it is here, and what to do, or None.

    Args:
        all_known: what cannot be told of the node counts as a difference too.
    """
    names = [name for name in expected if _differ(expected[name], found.get(name), all_known)]
    if not names:
        return None
    parts = [f"{name} {expected[name]}, found {found.get(name, 'none')}" for name in names]
    remedies = []
    if {*names} & {PYTHON, PROGRAM, "rules"}:
        remedies.append("install the same Python and the same version of the program on every node")
    if FOLDER in names:
        remedies.append(
            "set store.url to a bucket or folder that every node reaches, or let each see the "
            "league's folder under this path"
        )
    if not remedies:
        remedies.append("let every node reach what this machine does, with the same secrets")
    return (
        f"node {node}: expected {'; '.join(parts)}; {'; '.join(remedies)} "
        "(docs/howto/cluster.md), and start again"
    )


def _differ(expected: str, found: str | None, all_known: bool) -> bool:
    if expected.startswith(UNKNOWN):
        return False
    if found is not None and found.startswith(UNKNOWN):
        return all_known
    return found != expected
