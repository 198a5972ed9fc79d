"""The networks: multi-scale attention and its baseline, in pure torch.

Importing the package is free; names are resolved on first use, because a command such as
`league --help` must not wait for torch. Only `msattn.sb3` imports Stable-Baselines3.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from msattn.actor_critic import ActorCritic as ActorCritic
    from msattn.actor_critic import masked_log_softmax as masked_log_softmax
    from msattn.config import FAMILIES as FAMILIES
    from msattn.config import TorsoConfig as TorsoConfig
    from msattn.device import choose_device as choose_device
    from msattn.errors import ConfigError as ConfigError
    from msattn.errors import DeviceError as DeviceError
    from msattn.errors import NetworkError as NetworkError
    from msattn.extractors import MultiScaleAttention as MultiScaleAttention
    from msattn.extractors import MultiScaleBaseline as MultiScaleBaseline
    from msattn.extractors import build_torso as build_torso
    from msattn.inspect import AttentionRecord as AttentionRecord
    from msattn.inspect import look as look

_HOME = {
    "FAMILIES": "config",
    "ActorCritic": "actor_critic",
    "AttentionRecord": "inspect",
    "ConfigError": "errors",
    "DeviceError": "errors",
    "MultiScaleAttention": "extractors",
    "MultiScaleBaseline": "extractors",
    "NetworkError": "errors",
    "TorsoConfig": "config",
    "build_torso": "extractors",
    "choose_device": "device",
    "look": "inspect",
    "masked_log_softmax": "actor_critic",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    """Import the module that owns `name` on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'msattn' has no attribute {name!r}")
    return getattr(import_module(f"msattn.{_HOME[name]}"), name)
