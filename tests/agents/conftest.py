"""Small networks and descriptions shared by the tests of agents."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from agents.description import SnapshotDescription
from msattn.actor_critic import ActorCritic, orthogonal_init
from msattn.config import Shapes, TorsoConfig

# Two threads beside other work on two cores are several times slower.
torch.set_num_threads(1)

TINY = TorsoConfig(
    channels=(8, 16), branch_features=8, scalar_features=8, heads=2, fusion=8, output=16
)
SHAPES: Shapes = {
    **dict.fromkeys(("global", "local", "tactical"), (3, 16, 16)),
    "scalars": (5,),
}


def new_network(seed: int = 0, family: str = "attention") -> ActorCritic:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ActorCritic(family, SHAPES, TINY)
        # Logits that differ: a fresh policy head of gain 0.01 is indifferent.
        orthogonal_init(network.action_net, 2.0)
        return network


@pytest.fixture
def make_network() -> Callable[..., ActorCritic]:
    """Return a maker of small networks: `make_network(seed=0, family="attention")`."""
    return new_network


@pytest.fixture
def network() -> ActorCritic:
    return new_network()


@pytest.fixture
def description() -> SnapshotDescription:
    return SnapshotDescription(
        family="attention",
        observation_version=1,
        action_version=1,
        torso=TINY,
        shapes=SHAPES,
        lineage="main-attention",
        parent="ab" * 32,
        trained_decisions=1000,
        seed=7,
        extra={"note": "first"},
    )
