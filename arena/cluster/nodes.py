"""What must be equal on all nodes of a cluster, and the sentence where it is not.

Promises: pure but for the check that is named, which runs where `facts` is called.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping

from arena.processes.child import describe, find_function

PYTHON = "Python"
PROGRAM = "program"


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


def difference(node: str, expected: Mapping[str, str], found: Mapping[str, str]) -> str | None:
    """Return a sentence on what is not on a node as it is here, or None."""
    names = [name for name in expected if found.get(name) != expected[name]]
    if not names:
        return None
    parts = [f"{name} {expected[name]}, found {found.get(name, 'none')}" for name in names]
    return (
        f"node {node}: expected {'; '.join(parts)}; install the same Python and the same version "
        "of the program on every node, let each see the league's folder (docs/howto/cluster.md), "
        "and start again"
    )
