"""The networks as Stable-Baselines3 takes them: the only file of msattn that imports it.

Build a policy with `policy_kwargs`; its weights, without SB3's duplicates
(`actor_critic.policy_weights`), are those of an `ActorCritic` of the same family and widths.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor

from msattn.config import SCALES, TorsoConfig
from msattn.extractors import build_torso


class MultiScaleExtractor(BaseFeaturesExtractor):
    """A torso as an SB3 features extractor.

    SB3 turns every image into float before the extractor gets it, divided by 255 or not. A float
    image does not tell which, so `images_divided` does. With `normalize_images=False`, which
    `policy_kwargs` sets, it is False. uint8 images, from a buffer that bypasses SB3's
    preprocessing, are always divided.

    Args:
        observation_space: Dict space with the network's inputs; other keys are ignored.
        family: "attention" or "baseline".
        config: widths, as a TorsoConfig or its dict (SB3 stores the arguments with the model), or
            the name of a preset, whose version the observation decides.
        images_divided: whether float images arrive in 0..1 instead of 0..255.

    Raises:
        ConfigError: the network cannot be built.
    """

    def __init__(
        self,
        observation_space: spaces.Dict,
        family: str = "attention",
        config: TorsoConfig | Mapping[str, Any] | str | None = None,
        images_divided: bool = False,
    ) -> None:
        if config is None:
            config = TorsoConfig()
        elif isinstance(config, str):
            config = TorsoConfig.preset(config, observation_space)
        elif not isinstance(config, TorsoConfig):
            config = TorsoConfig.from_dict(config)
        torso = build_torso(family, observation_space, config)
        super().__init__(observation_space, torso.features_dim)
        self.torso = torso
        self.images_divided = images_divided

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """Return float32[n, features_dim]."""
        if not self.images_divided:
            observations = {
                key: image / 255.0 if key in SCALES and image.dtype != torch.uint8 else image
                for key, image in observations.items()
            }
        features: Tensor = self.torso(observations)
        return features


def policy_kwargs(family: str, config: TorsoConfig | None = None) -> dict[str, Any]:
    """Return the `policy_kwargs` of a PPO or MaskablePPO with "MultiInputPolicy".

    Args:
        family: "attention" or "baseline".
        config: widths; None takes those of the preset `small`, as a new league does.
    """
    return {
        "features_extractor_class": MultiScaleExtractor,
        "features_extractor_kwargs": {
            "family": family,
            "config": "small" if config is None else config.to_dict(),
        },
        "net_arch": [],
        "normalize_images": False,
        "share_features_extractor": True,
    }
