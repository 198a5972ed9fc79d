"""ActorCritic: a torso with its two heads, for play and for storage.

Its state dict has the names that Stable-Baselines3's MaskableMultiInputActorCriticPolicy gives
to the same weights (`net_arch=[]`, shared extractor): `features_extractor.torso.*`,
`action_net.*`, `value_net.*`. So a learner's policy, a snapshot and an exported SB3 model hold
the same tensors, and playing needs no SB3.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any

import torch
from torch import Tensor, nn

from msattn.config import TorsoConfig
from msattn.directions import N_SCORES, N_WAITS, pass_scores_through
from msattn.errors import ConfigError
from msattn.extractors import Torso, build_torso

_PREFIXES = ("features_extractor.", "action_net.", "value_net.")
# SB3 lists a shared extractor three times; survival is a task of training alone.
_DUPLICATES = ("pi_features_extractor.", "vf_features_extractor.")
_OF_TRAINING = ("survival_net.",)


def orthogonal_init(module: nn.Module, gain: float) -> None:
    """Give every linear and convolutional layer orthogonal weights and zero biases, as SB3 does.

    Consumes torch's global random stream.
    """
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Conv2d):
            nn.init.orthogonal_(part.weight, gain=gain)
            if part.bias is not None:
                nn.init.zeros_(part.bias)


def start_heads(torso: Torso, action_net: nn.Linear) -> None:
    """Finish the initialisation that orthogonal weights begin.

    The scores of directions, neighbours and landings become the logits of their actions, and the
    first of the five WAITs stands for all of them.
    """
    if torso.scores is None:
        return
    orthogonal_init(torso.scores.score, 0.01)
    if torso.landing_scores is not None:
        orthogonal_init(torso.landing_scores.score, 0.01)
    pass_scores_through(action_net, torso.score_actions)
    with torch.no_grad():
        # Five equal WAITs would share nine tenths of all samples, and the gradient would spend
        # itself on their differences. exp(-50) has neither probability nor gradient.
        action_net.weight[N_SCORES + 1 : N_SCORES + N_WAITS] = 0.0
        action_net.bias[N_SCORES + 1 : N_SCORES + N_WAITS] = -50.0


class ActorCritic(nn.Module):
    """Logits of the actions and the value of an observation.

    Args:
        family: "attention" or "baseline".
        spaces: the observation's spaces or shapes, as `config.observation_shapes` takes them.
        config: widths of the torso.
        n_actions: number of actions.
        initialise: orthogonal weights with gain sqrt(2), policy 0.01, value 1. Pass False where
            stored weights follow.

    Raises:
        ConfigError: the network cannot be built.
    """

    def __init__(
        self,
        family: str,
        spaces: Any,
        config: TorsoConfig,
        *,
        n_actions: int = 45,
        initialise: bool = True,
    ) -> None:
        super().__init__()
        if n_actions < 1:
            raise ConfigError(f"n_actions must be at least 1, found {n_actions}")
        torso = build_torso(family, spaces, config)
        if torso.scores is not None and n_actions <= max(torso.score_actions):
            raise ConfigError(
                f"n_actions: expected more than {max(torso.score_actions)} for a network that "
                f"reads {', '.join(torso.shapes)}, found {n_actions}"
            )
        # One level deeper than a torso needs, as in SB3's extractor, which wraps it.
        self.features_extractor = nn.ModuleDict({"torso": torso})
        self.action_net = nn.Linear(torso.features_dim, n_actions)
        self.value_net = nn.Linear(torso.features_dim, 1)
        self.n_actions = n_actions
        if initialise:
            orthogonal_init(self.features_extractor, sqrt(2.0))
            orthogonal_init(self.action_net, 0.01)
            orthogonal_init(self.value_net, 1.0)
            start_heads(torso, self.action_net)

    @property
    def torso(self) -> Torso:
        """The part between observation and heads."""
        return self.features_extractor["torso"]  # type: ignore[return-value]

    def forward(self, observation: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return logits float32[n, n_actions], unmasked, and values float32[n]."""
        features = self.torso(observation)
        return self.action_net(features), self.value_net(features)[:, 0]

    @classmethod
    def on_meta(
        cls, family: str, spaces: Any, config: TorsoConfig, *, n_actions: int = 45
    ) -> ActorCritic:
        """Build a network without memory and without touching any random stream.

        Its shapes can be compared, and `load_state_dict(..., assign=True)` fills it. Freezing or
        loading an opponent must not disturb the draws of a running learner.
        """
        with torch.device("meta"):
            return cls(family, spaces, config, n_actions=n_actions, initialise=False)


def policy_weights(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of an SB3 policy's state dict under ActorCritic's names.

    Drops SB3's duplicates of the shared extractor and what serves training alone; the tensors are
    not copied.

    Raises:
        ConfigError: an unknown key, for example `mlp_extractor` of a policy that was not built
            with `net_arch=[]`.
    """
    kept = {key: value for key, value in state_dict.items() if key.startswith(_PREFIXES)}
    foreign = [
        key for key in state_dict if not key.startswith((*_PREFIXES, *_DUPLICATES, *_OF_TRAINING))
    ]
    if foreign:
        raise ConfigError(
            f"the policy holds weights that a snapshot cannot: {foreign[:5]}; build it with "
            "policy_kwargs=msattn.sb3.policy_kwargs(FAMILY), which has net_arch=[]"
        )
    return kept


def masked_log_softmax(logits: Tensor, mask: Tensor) -> Tensor:
    """Return log-probabilities float32[n, A] with illegal actions at a large negative number.

    One operation replaces SB3's three distribution objects per forward pass. The floor is finite
    and not -inf: in an entropy, probability 0 times -inf is NaN.

    Args:
        logits: float32[n, A].
        mask: bool[n, A], True where legal; at least one per row.
    """
    floor = torch.finfo(logits.dtype).min / 2
    return torch.log_softmax(logits.masked_fill(~mask, floor), dim=1)
