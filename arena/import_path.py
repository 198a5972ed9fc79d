"""Where a Python that this process starts imports from: the same places, in the same order.

`python -c` and `python -m`, which multiprocessing and `Popen` start, put the current folder first:
a folder `league` or a file `random.py` there would be imported by every child. Promises: with
`import_variables` in its environment a new interpreter does not look there, and looks first where
this process looks; whoever starts processes in its turn removes them again (`set_variables`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping


def import_variables() -> dict[str, str]:
    """Return environment variables that give a new interpreter this one's import path."""
    here = os.pathsep.join(p for p in sys.path if p and os.pathsep not in p)
    return {"PYTHONSAFEPATH": "1", "PYTHONPATH": here}


def set_variables(values: Mapping[str, str | None]) -> None:
    """Set environment variables of this process; None removes one."""
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
