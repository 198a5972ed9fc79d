"""The part of Stable-Baselines3's VecEnv that speaks to subprocesses, for one that has none."""

from __future__ import annotations

from typing import Any

from stable_baselines3.common.vec_env import VecEnv


class InOneProcess(VecEnv):
    """A VecEnv whose environments are parts of this object."""

    def close(self) -> None:
        """Do nothing: there are no subprocesses."""

    # SB3's remote-control methods make no sense for seats of shared matches.
    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return the attribute of this object, once per env asked for."""
        return [getattr(self, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set the attribute on this object."""
        setattr(self, attr_name, value)

    def env_method(
        self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any
    ) -> list[Any]:
        """Call the method of this object once; `action_masks` is split by env."""
        result = getattr(self, method_name)(*args, **kwargs)
        if method_name == "action_masks":
            return [result[i] for i in self._get_indices(indices)]
        return [result for _ in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """Return False for each env asked for."""
        return [False for _ in self._get_indices(indices)]
