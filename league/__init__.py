"""The product: a league of agents that trains, plays, rates and reports, from the command line.

`league.open(folder)` opens one in Python (league.python, docs/python.md). The import of `league`
alone loads nothing else.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from league.python import League, open

__all__ = ["League", "open"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load league.python when one of its names is asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    # Not an import statement: rooms below league.python import `league` for its version.
    return getattr(import_module("league.python"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
