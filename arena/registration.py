"""Owns the name `Territory-v0` in Gymnasium's registry.

Registering needs Gymnasium, whose import takes half a second with numpy, and most commands of the
league never need it. So the name is registered immediately if Gymnasium is already loaded, and
otherwise when it is first imported: `import arena` and `import gymnasium` work in either order, and
`import arena` alone stays fast.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

ENV_ID = "Territory-v0"
_GYMNASIUM = "gymnasium"


def register() -> None:
    """Add `Territory-v0` to Gymnasium's registry; a second call changes nothing."""
    import gymnasium

    if ENV_ID not in gymnasium.registry:
        gymnasium.register(id=ENV_ID, entry_point="arena.env:SoloEnv")


class _RegisterAfterImport(MetaPathFinder):
    """Runs `register` right after Gymnasium's own code, once."""

    def find_spec(
        self, fullname: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _GYMNASIUM:
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(fullname)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_register(module: ModuleType) -> None:
            execute(module)
            register()

        spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]
        return spec


def register_when_possible() -> None:
    """Register now if Gymnasium is loaded, else as soon as it is."""
    if _GYMNASIUM in sys.modules:
        register()
    elif not any(isinstance(finder, _RegisterAfterImport) for finder in sys.meta_path):
        sys.meta_path.insert(0, _RegisterAfterImport())
