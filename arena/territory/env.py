"""The documented place of the environments, which are defined in `arena.env`, above the game.

They are imported on first use: importing `arena.env` here would make the game depend on the code
that plays it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ("SoloEnv", "TerritoryEnv")  # noqa: F822  # found by __getattr__ below


def __getattr__(name: str) -> Any:
    """Look a name up in `arena.env` (PEP 562)."""
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("arena.env"), name)
