"""Networks of the first version (no neighbours) are rebuilt as they were.

`version1.json` holds what the program before the second version wrote: for each preset and family
the description of a snapshot, the names and shapes of its weights, and the logits and value of the
probe observation with the weights that `fill` makes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from agents.description import SnapshotDescription
from agents.encoding import decode, encode, probe_observation
from msattn.actor_critic import ActorCritic
from msattn.config import TorsoConfig

STORED: dict[str, Any] = json.loads((Path(__file__).parent / "version1.json").read_text())
KEYS = sorted(STORED)


def fill(network: ActorCritic) -> None:
    """Set every weight to a sine of its running number, by the names in order."""
    start = 0
    with torch.no_grad():
        for _, tensor in sorted(network.state_dict().items()):
            index = torch.arange(start, start + tensor.numel(), dtype=torch.float64)
            scale = 1.0 / max(1, tensor[0].numel() if tensor.dim() > 1 else 1) ** 0.5
            tensor.copy_((torch.sin(index * 0.7) * scale).reshape(tensor.shape).float())
            start += tensor.numel()


def rebuilt(key: str) -> tuple[SnapshotDescription, ActorCritic]:
    stored = STORED[key]["description"]
    description = SnapshotDescription.from_json(json.dumps(stored))
    network = ActorCritic(description.family, description.shapes, description.torso).eval()
    fill(network)
    return description, network


@pytest.mark.parametrize("key", KEYS)
def test_an_old_description_gives_the_old_weights_by_name_and_order(key: str) -> None:
    description, network = rebuilt(key)
    found = {name: list(tensor.shape) for name, tensor in network.state_dict().items()}
    assert found == STORED[key]["state_dict"]
    # Optimizer states of checkpoints are stored by number: the order counts too.
    assert list(found) == list(STORED[key]["state_dict"])
    assert description.to_dict() == STORED[key]["description"]
    preset = key.split()[0]
    assert TorsoConfig.preset(preset, description.shapes) == description.torso


@pytest.mark.parametrize("key", KEYS)
def test_an_old_network_computes_what_it_did(key: str) -> None:
    description, network = rebuilt(key)
    probe = probe_observation(description.shapes)
    with torch.inference_mode():
        logits, value = network({name: torch.from_numpy(x) for name, x in probe.items()})
    assert torch.allclose(logits[0], torch.tensor(STORED[key]["logits"]), atol=1e-4)
    assert value.item() == pytest.approx(STORED[key]["value"], abs=1e-4)


@pytest.mark.parametrize("key", [key for key in KEYS if key.startswith("small")])
def test_an_old_network_plays_on_an_observation_with_neighbours(key: str) -> None:
    description, network = rebuilt(key)
    raw, _ = encode(network.state_dict(), description)
    loaded = decode(raw, "old")[1]
    probe = probe_observation({**description.shapes, "neighbours": (8, 30)})
    with torch.inference_mode():
        logits = loaded({name: torch.from_numpy(x) for name, x in probe.items()})[0]
    assert torch.allclose(logits[0], torch.tensor(STORED[key]["logits"]), atol=1e-4)
