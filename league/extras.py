"""The optional packages, and the command that installs them.

The program is in no package index, so that `pip install 'territory-league[NAME]'` finds nothing:
the command names the packages themselves, with the versions that the installed program asks for.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, requires
from importlib.util import find_spec
from typing import Final

PACKAGES: Final[dict[str, tuple[str, ...]]] = {
    "data": ("pandas",),
    "onnx": ("onnx", "onnxruntime"),
    "plot": ("matplotlib",),
    "postgres": ("psycopg[binary]",),
    "ray": ("ray",),
    "s3": ("s3fs",),
    "tensorboard": ("tensorboard",),
    "trackio": ("trackio",),
    "wandb": ("wandb",),
}
"""What each extra of pyproject.toml installs, but those for the tests, `dev` and `browser`."""

_DISTRIBUTION = "territory-league"
_EXTRA = re.compile(r"""extra\s*==\s*['"]([\w-]+)['"]""")


VIEWERS: Final = ("tensorboard", "wandb", "trackio")
"""Packages that learners may write their curves for: extras, and settings of `learner`."""


def is_installed(package: str) -> bool:
    """Return whether a package can be imported.

    A folder of its name that holds no code, such as the `wandb` that an offline run leaves behind,
    is not the package.
    """
    spec = find_spec(package)
    return spec is not None and spec.origin is not None


def missing_viewer(wanted: Mapping[str, bool]) -> str | None:
    """Return a sentence on a viewer that is switched on and not installed, or None.

    Args:
        wanted: name of VIEWERS -> whether its setting is on.
    """
    for package in VIEWERS:
        if wanted.get(package) and not is_installed(package):
            return (
                f"learner.{package} is true and the package {package} is not installed: "
                f"`{install_command(package)}`, or set it to false"
            )
    return None


def missing_engine(engine: str, key: str = "arena.engine") -> str | None:
    """Return a sentence on an engine, the value of `key`, whose package is not installed."""
    if engine == "ray" and not is_installed("ray"):
        return (
            f'{key} is "ray" and the package ray is not installed: '
            f'`{install_command("ray")}`, or set it to "local"'
        )
    return None


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
