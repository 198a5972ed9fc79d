"""The optional packages, and the command that installs them.

The program is in no package index, so that `pip install 'territory-league[NAME]'` finds nothing:
the command names the packages themselves, with the versions that the installed program asks for.
"""

from __future__ import annotations

import re
import shlex
from importlib.metadata import PackageNotFoundError, requires
from typing import Final

PACKAGES: Final[dict[str, tuple[str, ...]]] = {
    "onnx": ("onnx", "onnxruntime"),
    "plot": ("matplotlib",),
    "postgres": ("psycopg[binary]",),
    "ray": ("ray",),
    "tensorboard": ("tensorboard",),
}
"""What each extra of pyproject.toml installs, but `dev`."""

_DISTRIBUTION = "territory-league"
_EXTRA = re.compile(r"""extra\s*==\s*['"]([\w-]+)['"]""")


def install_command(extra: str) -> str:
    """Return the command that installs an extra, such as `pip install 'matplotlib>=3.9'`.

    Args:
        extra: a key of PACKAGES.
    """
    return "pip install " + " ".join(shlex.quote(text) for text in requirements(extra))


def requirements(extra: str) -> list[str]:
    """Return what an extra needs: with versions where the program's own metadata gives them."""
    try:
        listed = requires(_DISTRIBUTION) or []
    except PackageNotFoundError:  # a checkout that was never installed
        listed = []
    found = []
    for line in listed:
        requirement, _, marker = line.partition(";")
        if extra in _EXTRA.findall(marker):
            found.append(requirement.strip())
    return found or list(PACKAGES[extra])
