"""The same weights give the same numbers inside and outside Stable-Baselines3."""

from __future__ import annotations

import subprocess
import sys

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces

from msattn.actor_critic import ActorCritic, policy_weights
from msattn.config import FAMILIES, SCALES, TorsoConfig
from msattn.errors import ConfigError
from msattn.inspect import look
from msattn.sb3 import MultiScaleExtractor, policy_kwargs

SPACE = spaces.Dict(
    {
        "global": spaces.Box(0, 255, (5, 32, 32), np.uint8),
        "local": spaces.Box(0, 255, (5, 32, 32), np.uint8),
        "tactical": spaces.Box(0, 255, (5, 16, 16), np.uint8),
        "scalars": spaces.Box(-10, 10, (95,), np.float32),
        "action_mask": spaces.Box(0, 1, (45,), np.int8),
    }
)
CONFIG = TorsoConfig.preset("small")


class OneRoom(gymnasium.Env[dict[str, np.ndarray], int]):
    """An environment of random observations, for the shape of its spaces."""

    observation_space = SPACE
    action_space = spaces.Discrete(45)

    def reset(self, *, seed: int | None = None, options: dict[str, object] | None = None):
        super().reset(seed=seed)
        return SPACE.sample(), {}

    def step(self, action: int):
        return SPACE.sample(), 0.0, bool(self.np_random.random() < 0.3), False, {}

    def action_masks(self) -> np.ndarray:
        return np.ones(45, dtype=bool)


def build(family: str, **changes: object):
    from sb3_contrib import MaskablePPO

    return MaskablePPO(
        "MultiInputPolicy",
        OneRoom(),
        n_steps=8,
        batch_size=4,
        n_epochs=1,
        device="cpu",
        policy_kwargs={**policy_kwargs(family, CONFIG), **changes},
    )


def observations(n: int) -> dict[str, np.ndarray]:
    SPACE.seed(3)
    rows = [SPACE.sample() for _ in range(n)]
    return {key: np.stack([row[key] for row in rows]) for key in rows[0]}


@pytest.mark.parametrize("family", FAMILIES)
def test_an_sb3_policy_is_an_actor_critic(family: str) -> None:
    model = build(family)
    model.learn(8)
    policy = model.policy
    policy.set_training_mode(False)
    net = ActorCritic(family, SPACE, CONFIG).eval()
    net.load_state_dict(policy_weights(policy.state_dict()), strict=True)

    observation = observations(6)
    tensors, _ = policy.obs_to_tensor(observation)
    with torch.no_grad():
        expected = policy.get_distribution(tensors).distribution.logits
        values = policy.predict_values(tensors)[:, 0]
        logits, own_values = net({k: torch.from_numpy(x) for k, x in observation.items()})
    # SB3's distribution normalises its logits.
    assert torch.allclose(torch.log_softmax(logits, dim=1), expected, atol=1e-5)
    assert torch.allclose(own_values, values, atol=1e-5)


@pytest.mark.parametrize("has_neighbours", [False, True])
def test_without_widths_the_observation_decides_the_version(has_neighbours: bool) -> None:
    entries = {**SPACE.spaces, "scalars": spaces.Box(-10, 10, (104,), np.float32)}
    if has_neighbours:
        entries["neighbours"] = spaces.Box(-1, 2, (8, 20), np.float32)
    space = spaces.Dict(entries)
    kwargs = policy_kwargs("attention")["features_extractor_kwargs"]
    extractor = MultiScaleExtractor(space, **kwargs)
    assert extractor.torso.config == TorsoConfig.preset("small", space)
    assert ("neighbours" in extractor.torso.shapes) == has_neighbours
    space.seed(1)
    seen = {key: torch.from_numpy(np.stack([x])).float() for key, x in space.sample().items()}
    assert extractor(seen).shape == (1, extractor.features_dim)


def test_uint8_images_that_bypass_sb3_are_divided_too() -> None:
    extractor = build("attention").policy.features_extractor
    observation = {k: torch.from_numpy(x) for k, x in observations(2).items()}
    as_sb3 = {k: x.float() if k in SCALES else x for k, x in observation.items()}
    divided = {k: x.float() / 255 if k in SCALES else x for k, x in observation.items()}
    expected = extractor(observation)
    assert torch.allclose(extractor(as_sb3), expected, atol=1e-5)
    extractor.images_divided = True
    assert torch.allclose(extractor(divided), expected, atol=1e-5)


def test_an_sb3_policy_can_be_looked_into() -> None:
    policy = build("attention").policy
    assert look(policy, observations(2)).spatial["global"][0].shape == (2, 16, 16)


def test_a_policy_with_layers_between_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="mlp_extractor"):
        policy_weights(build("baseline", net_arch=[16]).policy.state_dict())


def test_playing_does_not_import_stable_baselines3() -> None:
    code = "import sys, agents.policy, msattn.inspect, msattn.device; print(sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert "'torch'" in loaded
    assert "stable_baselines3" not in loaded


def test_importing_msattn_or_a_description_does_not_import_torch() -> None:
    code = "import sys, msattn, agents.description, msattn.config; print('torch' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"
