"""Owns what a page says of programs and of the machine: versions and sizes, no names or paths."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from arena.territory.engine.rules import RULES_VERSION
from arena.territory.observation.views import OBSERVATION_VERSION

_PACKAGES = ("torch", "numpy", "numba", "stable-baselines3", "sqlalchemy")


def versions() -> dict[str, str]:
    """Return the versions of the program that makes the page, by what they are of."""
    found = {
        "territory-league": _version("territory-league"),
        "rules": str(RULES_VERSION),
        "observation": str(OBSERVATION_VERSION),
        "Python": platform.python_version(),
    }
    return found | {name: _version(name) for name in _PACKAGES}


def about_machine() -> str:
    """Return what the page was made on: system, processor and cores."""
    cores = os.cpu_count() or 1
    return f"{platform.system()} on {_processor()}, {cores} cores"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == "model name" and value.strip():
            return value.strip()
    return platform.machine() or "an unknown processor"
