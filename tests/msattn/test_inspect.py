"""Looking inside leaves nothing behind and reports what the layers used."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from msattn.actor_critic import ActorCritic
from msattn.config import FAMILIES, SCALES, TorsoConfig
from msattn.errors import ConfigError
from msattn.inspect import (
    KINDS,
    AttentionRecord,
    attention_layers,
    look,
    recording,
    without_attention,
)
from tests.msattn import observations as tokens
from tests.msattn.observations import SHAPES as TOKEN_SHAPES

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


# --- neighbours, gates, and doing without ---------------------------------------------------------


@pytest.mark.parametrize("views", ["gated", "on", "off"])
def test_a_record_holds_the_attention_among_neighbours(views: str) -> None:
    config = TorsoConfig.preset("small", TOKEN_SHAPES, views=views)
    seen = tokens.observe(3)
    record = look(ActorCritic("attention", TOKEN_SHAPES, config), seen)
    used = seen["neighbours"][:, :, 8] > 0
    assert record.used is not None and np.array_equal(record.used, used.numpy())
    assert record.token_weights is not None and record.token_weights.shape == (3, 4, 9, 8)
    expected = used.any(dim=1).float()[:, None, None].expand(3, 4, 9)
    assert np.allclose(record.token_weights.sum(axis=3), expected, atol=1e-5)
    assert (record.token_weights[~np.broadcast_to(used[:, None, None], (3, 4, 9, 8))] == 0).all()
    assert np.nanmax(record.token_entropy()) <= 1 + 1e-5
    if views == "off":
        assert record.spatial == {} and record.token_scales is None and record.gates is None
        return
    assert record.token_scales is not None and record.token_scales.shape == (3, 4, 8, 3)
    assert np.allclose(record.token_scales.sum(axis=3), 1, atol=1e-5)
    assert (record.gates is None) == (views == "on")


@pytest.mark.parametrize("family", FAMILIES)
def test_gates_are_told_by_scale(family: str) -> None:
    net = ActorCritic(
        family, TOKEN_SHAPES, TorsoConfig.preset("small", TOKEN_SHAPES, views="gated")
    )
    torso: Any = net.torso
    gate = torso.gate if family == "baseline" else torso.fusion.gate
    with torch.no_grad():
        gate[1] = -0.5
        gate[2, : gate.shape[1] // 4] = 2.0  # root of (4 / 4) is 1
    record = look(net, tokens.observe(1))
    assert record.gates is not None and record.gates.tolist() == pytest.approx([0.0, 0.5, 1.0])


def opinionated(config: TorsoConfig) -> ActorCritic:
    torch.manual_seed(0)
    net = ActorCritic("attention", TOKEN_SHAPES, config)
    nn.init.normal_(net.action_net.weight)
    return net


@pytest.mark.parametrize("kind", KINDS)
def test_without_one_kind_of_attention_its_weights_are_even_and_nothing_stays_behind(
    kind: str,
) -> None:
    net = opinionated(TorsoConfig.preset("small", TOKEN_SHAPES, views="on"))
    seen = tokens.observe(6)
    with torch.no_grad():
        before = net(seen)[0]
        with without_attention(net, (kind,)):
            changed = net(seen)[0]
        assert torch.equal(net(seen)[0], before) and n_hooks(net) == 0
        # The same by hand: a sharpness of zero makes a softmax even.
        for layer in attention_layers(net, (kind,)):
            layer.sharpness.zero_()  # type: ignore[operator,union-attr]
        expected = net(seen)[0]
    assert torch.allclose(changed, expected, atol=1e-4)
    assert not torch.allclose(changed, before, atol=1e-3)


def test_without_attention_a_baseline_does_the_same() -> None:
    net = ActorCritic("baseline", TOKEN_SHAPES, TorsoConfig.preset("small", TOKEN_SHAPES))
    seen = tokens.observe(2)
    with torch.no_grad(), without_attention(net):
        assert attention_layers(net) == []
        assert torch.isfinite(net(seen)[0]).all()


def test_a_first_version_does_without_attention_too() -> None:
    net = ActorCritic("attention", SHAPES, SMALL)
    nn.init.normal_(net.action_net.weight)
    seen = {key: torch.from_numpy(x) for key, x in observe(4).items()}
    with torch.no_grad():
        before = net(seen)[0]
        for kind, is_there in (("places", True), ("scales", True), ("neighbours", False)):
            with without_attention(net, (kind,)):
                assert torch.equal(net(seen)[0], before) != is_there
