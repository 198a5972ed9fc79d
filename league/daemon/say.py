"""How the daemon speaks to its user: on stderr, and without ever raising.

Promises: a closed terminal, a broken pipe or a full disk behind stderr ends nothing, least of all a
stop that is half way.
"""

from __future__ import annotations

import os
import sys


def say(text: str) -> None:
    """Write a line to stderr; once that fails, stderr leads nowhere from then on."""
    try:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except (OSError, ValueError):  # a broken pipe, a full disk; a closed file
        # Python flushes stderr at its exit, too, and would change the exit code over it.
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123
