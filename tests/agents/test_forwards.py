"""Frozen networks in batches of few sizes: the logits of the network itself, whoever shares."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from agents.forwards import BUCKETS, SharedForwards, bucket_of, parts, probe_graphs
from agents.policy import PolicyAgent
from msattn.actor_critic import ActorCritic
from tests.league.tiny_snapshots import tiny_description, tiny_network

CPU = torch.device("cpu")


def _observation(network: ActorCritic, n: int, seed: int = 0) -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(seed)
    return {
        key: rng.integers(0, 256, (n, *shape), dtype=np.uint8)
        if len(shape) == 3
        else rng.random((n, *shape), dtype=np.float32)
        for key, shape in network.torso.shapes.items()
    }


def _plain(network: ActorCritic, observation: dict[str, NDArray[Any]]) -> torch.Tensor:
    with torch.no_grad():
        return network({key: torch.from_numpy(x) for key, x in observation.items()})[0]


def test_rows_are_padded_to_the_next_of_few_sizes() -> None:
    assert [bucket_of(n) for n in (1, 16, 17, 64, 65, 256)] == [16, 16, 64, 64, 256, 256]
    assert [(s.start, s.stop) for s in parts(600)] == [(0, 256), (256, 512), (512, 600)]
    assert parts(16) == [slice(0, 16)] and BUCKETS[-1] == 256


@pytest.mark.parametrize("family", ["attention", "baseline"])
@pytest.mark.parametrize("n", [1, 15, 16, 40, 270])
def test_padded_rows_have_the_logits_of_the_network_itself(family: str, n: int) -> None:
    network = tiny_network(tiny_description(family=family))
    seen = _observation(network, n)
    forwards = SharedForwards(CPU, capture=False)
    found = forwards.logits(network, network.torso.shapes, seen)
    assert found.shape == (n, 45)
    torch.testing.assert_close(found, _plain(network, seen), rtol=1e-5, atol=1e-5)


def test_what_is_left_in_the_padding_changes_no_bit() -> None:
    network = tiny_network(tiny_description())
    few, many = _observation(network, 5, 1), _observation(network, 16, 2)
    forwards = SharedForwards(CPU, capture=False)
    first = forwards.logits(network, network.torso.shapes, few)
    forwards.logits(network, network.torso.shapes, many)  # leaves eleven other rows behind
    assert torch.equal(forwards.logits(network, network.torso.shapes, few), first)


def test_members_of_one_architecture_share_a_pass_and_keep_their_own_weights() -> None:
    forwards = SharedForwards(CPU, capture=False)
    members = [tiny_network(tiny_description(), seed) for seed in (1, 2)]
    members.append(tiny_network(tiny_description(family="baseline"), 3))
    seen = _observation(members[0], 7)
    for _ in range(2):
        for network in members:
            found = forwards.logits(network, network.torso.shapes, seen)
            torch.testing.assert_close(found, _plain(network, seen), rtol=1e-5, atol=1e-5)
    assert len(forwards._passes) == 2  # one for each family, not for each member


def test_tensors_of_the_device_need_no_copy_from_the_host() -> None:
    network = tiny_network(tiny_description())
    seen = _observation(network, 9)
    forwards = SharedForwards(CPU, capture=False)
    mixed: dict[str, Any] = {**seen, "global": torch.from_numpy(seen["global"])}
    assert torch.equal(
        forwards.logits(network, network.torso.shapes, mixed),
        forwards.logits(network, network.torso.shapes, seen),
    )


def test_an_agent_plays_the_same_with_shared_passes() -> None:
    network = tiny_network(tiny_description())
    shapes = network.torso.shapes
    seen = _observation(network, 20)
    agent = PolicyAgent(network, shapes)
    shared = PolicyAgent(network, shapes, forwards=SharedForwards(CPU, capture=False))
    np.testing.assert_allclose(shared.logits(seen), agent.logits(seen), rtol=1e-5, atol=1e-5)


def test_without_cuda_there_are_no_graphs_and_it_says_so() -> None:
    network = tiny_network(tiny_description())
    assert probe_graphs(CPU, network, network.torso.shapes) == (None, "off: cpu has no CUDA graphs")
