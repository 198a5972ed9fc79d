"""Networks of a few thousand weights on the small views: snapshots that cost milliseconds."""

from __future__ import annotations

from typing import Any

import torch

from agents.description import SnapshotDescription
from arena.territory.observation.views import ACTION_VERSION, OBSERVATION_VERSION, SMALL_VIEWS
from msattn.actor_critic import ActorCritic, orthogonal_init
from msattn.config import TorsoConfig

# Two threads beside other work on two cores are several times slower.
torch.set_num_threads(1)

TINY = TorsoConfig(
    channels=(8, 16), branch_features=8, scalar_features=8, heads=2, fusion=8, output=16
)


def tiny_description(**changes: Any) -> SnapshotDescription:
    """A description that fits `tiny_network`, and the views of the preset `small`."""
    values: dict[str, Any] = {
        "family": "attention",
        "observation_version": OBSERVATION_VERSION,
        "action_version": ACTION_VERSION,
        "torso": TINY,
        "shapes": SMALL_VIEWS.shapes(),
        "lineage": "attention",
        **changes,
    }
    return SnapshotDescription(**values)


def tiny_of_2026(**changes: Any) -> SnapshotDescription:
    """A description of the same network for leagues of edition 2026."""
    views = SMALL_VIEWS.of_edition("2026")
    return tiny_description(
        observation_version=views.observation_version,
        action_version=views.action_version,
        n_actions=views.n_actions,
        shapes=views.shapes(),
        **changes,
    )


def tiny_network(description: SnapshotDescription, seed: int = 0) -> ActorCritic:
    """A network as described, with logits that differ."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ActorCritic(
            description.family,
            description.shapes,
            description.torso,
            n_actions=description.n_actions,
        )
        orthogonal_init(network.action_net, 2.0)
        return network.eval()
