"""Looking inside leaves nothing behind and reports what the layers used."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from msattn.actor_critic import ActorCritic
from msattn.config import SCALES, TorsoConfig
from msattn.errors import ConfigError
from msattn.inspect import AttentionRecord, look, recording

SHAPES = {"global": (4, 32, 32), "local": (4, 32, 32), "tactical": (4, 16, 16), "scalars": (97,)}
SMALL = TorsoConfig.preset("small")


def observe(n: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    images = {key: rng.integers(0, 256, (n, *SHAPES[key]), dtype=np.uint8) for key in SCALES}
    return images | {"scalars": rng.random((n, 97), dtype=np.float32)}


def n_hooks(module: nn.Module) -> int:
    return sum(len(part._forward_hooks) for part in module.modules())


def test_a_record_holds_every_layer_of_every_scale() -> None:
    record = look(ActorCritic("attention", SHAPES, SMALL), observe(3))
    # stride 2: 32 -> 16 (spatial) -> 8 (channel) -> 4 (spatial); 16 -> 8 (spatial) -> 4 (channel)
    sides = {scale: [m.shape for m in maps] for scale, maps in record.spatial.items()}
    assert sides["global"] == sides["local"] == [(3, 16, 16), (3, 4, 4)]
    assert sides["tactical"] == [(3, 8, 8)]
    assert {s: [w.shape for w in ws] for s, ws in record.channel.items()} == {
        scale: [(3, 16)] for scale in SCALES
    }
    assert record.head_weights is not None and record.head_weights.shape == (3, 4, 3)
    assert np.allclose(record.head_weights.sum(axis=2), 1, atol=1e-5)
    assert record.scale_weights is not None
    assert np.allclose(record.scale_weights, 1 / 3)
    assert np.allclose(record.spatial["local"][0].mean(axis=(1, 2)), 1, atol=1e-4)


def test_looking_leaves_the_policy_as_it_was() -> None:
    net = ActorCritic("attention", SHAPES, SMALL).train()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    look(net, observe(2))
    assert n_hooks(net) == 0
    assert all(part.training for part in net.modules())
    assert all(weight.grad is None for weight in net.parameters())
    assert all(torch.equal(before[key], value) for key, value in net.state_dict().items())


def test_hooks_are_removed_when_the_pass_fails() -> None:
    net = ActorCritic("attention", SHAPES, SMALL)
    with pytest.raises(KeyError):
        look(net, {"scalars": np.zeros((1, 97), dtype=np.float32)})
    assert n_hooks(net) == 0


def test_a_second_pass_replaces_the_first() -> None:
    net = ActorCritic("attention", SHAPES, SMALL)
    with torch.no_grad(), recording(net.torso) as record:
        for n in (5, 2):
            net({key: torch.from_numpy(x) for key, x in observe(n).items()})
    assert [m.shape[0] for m in record.spatial["global"]] == [2, 2]
    assert record.channel["global"][0].shape[0] == 2


def test_a_baseline_has_an_empty_record() -> None:
    record = look(ActorCritic("baseline", SHAPES, SMALL), observe(2))
    assert record.spatial == {} and record.channel == {}
    assert record.head_weights is None and record.scale_weights is None
    with pytest.raises(ConfigError, match="no spatial map"):
        record.shares("global", 0, 32)


def test_shares_spread_a_map_over_the_view() -> None:
    # One row, 2 x 2 cells of weights 1, 3, 0, 0: shares 1/4 and 3/4, over 4 view cells each.
    record = AttentionRecord(spatial={"local": [np.array([[[1, 3], [0, 0]]], dtype=np.float32)]})
    shares = record.shares("local", 0, 4)
    assert shares[0, 0].tolist() == pytest.approx([1 / 16, 1 / 16, 3 / 16, 3 / 16])
    assert shares[0, 2:].sum() == 0
    left = np.zeros((1, 4, 4), dtype=bool)
    left[:, :, :2] = True
    assert record.share_on("local", 0, left)[0] == pytest.approx(0.25)


def test_entropy_is_one_when_even_and_zero_on_one_cell() -> None:
    even = np.ones((1, 4, 4), dtype=np.float32)
    single = np.zeros((1, 4, 4), dtype=np.float32)
    single[0, 2, 1] = 16
    record = AttentionRecord(spatial={"local": [np.concatenate((even, single))]})
    assert record.entropy("local", 0).tolist() == pytest.approx([1, 0], abs=1e-6)


def test_a_module_without_a_torso_is_refused() -> None:
    with pytest.raises(ConfigError, match="Linear"):
        look(nn.Linear(2, 2), {})
