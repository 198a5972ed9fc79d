"""The two torsos: sizes, signal, gradients and independence of the batch."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from msattn.actor_critic import ActorCritic, masked_log_softmax
from msattn.attention import ChannelAttention, ScaleFusion, SpatialAttention
from msattn.config import FAMILIES, SCALES, Shapes, TorsoConfig, observation_shapes
from msattn.errors import ConfigError
from msattn.extractors import CellPool, build_torso, n_layers

SMALL_SHAPES: Shapes = {
    "global": (12, 32, 32),
    "local": (12, 32, 32),
    "tactical": (12, 16, 16),
    "scalars": (100,),
}
CLASSIC_SHAPES: Shapes = {
    "global": (16, 128, 128),
    "local": (16, 128, 128),
    "tactical": (16, 64, 64),
    "scalars": (128,),
}
SMALL = TorsoConfig.preset("small")


def observe(shapes: Shapes, n: int, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    images = {
        key: torch.randint(0, 256, (n, *shapes[key]), dtype=torch.uint8, generator=generator)
        for key in SCALES
    }
    return images | {"scalars": torch.rand(n, *shapes["scalars"], generator=generator)}


def n_parameters(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


@pytest.mark.parametrize(
    ("family", "preset", "shapes", "low", "high"),
    [
        ("attention", "classic", CLASSIC_SHAPES, 1.0e6, 2.0e6),
        ("baseline", "classic", CLASSIC_SHAPES, 1.0e6, 1.5e6),
        ("attention", "small", SMALL_SHAPES, 0.2e6, 0.4e6),
        ("baseline", "small", SMALL_SHAPES, 0.2e6, 0.4e6),
    ],
)
def test_the_presets_keep_their_budgets_with_the_most_channels(
    family: str, preset: str, shapes: Shapes, low: float, high: float
) -> None:
    net = ActorCritic.on_meta(family, shapes, TorsoConfig.preset(preset))
    assert low <= n_parameters(net) <= high


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", [16, 32, 48, 80, 112, 128])
def test_any_multiple_of_16_is_a_view(family: str, size: int) -> None:
    shapes = {**SMALL_SHAPES, "global": (5, size, size), "local": (3, size, size)}
    net = ActorCritic(family, shapes, TorsoConfig.preset("classic"))
    logits, values = net(observe(shapes, 2))
    assert logits.shape == (2, 45)
    assert values.shape == (2,)
    assert logits.dtype == values.dtype == torch.float32


@pytest.mark.parametrize(
    ("size", "layers", "cells"),
    # halved while at least 4 remain: 16 -> 8 -> 4; 128 -> 64 -> 32 -> 16 -> 8, pooled by 2
    [(16, 2, 4), (32, 3, 4), (64, 4, 4), (128, 4, 4), (80, 4, 3), (112, 4, 4), (48, 3, 3)],
)
def test_layers_adapt_to_the_view(size: int, layers: int, cells: int) -> None:
    config = TorsoConfig()
    assert n_layers(size, config) == layers
    assert CellPool(math.ceil(size / 2**layers), config.grid).cells == cells


def test_pooling_a_map_that_does_not_divide_keeps_every_cell() -> None:
    # 5 cells into blocks of ceil(5 / 4) = 2: 3 blocks, the last one half empty.
    pooled = CellPool(5, 4)(torch.ones(1, 1, 5, 5))
    assert pooled.shape == (1, 1, 3, 3)
    assert pooled.sum().item() * 4 == pytest.approx(25)
    assert pooled[0, 0, 2, 2].item() == pytest.approx(1 / 4)


def test_spatial_weights_have_mean_one_per_row() -> None:
    weights = SpatialAttention(16).weights(torch.randn(3, 16, 8, 8))
    assert weights.shape == (3, 1, 8, 8)
    assert torch.allclose(weights.mean(dim=(1, 2, 3)), torch.ones(3), atol=1e-5)


def test_spatial_weights_equal_the_convolutions_that_they_stand_for() -> None:
    layer = SpatialAttention(16)
    x = torch.randn(3, 16, 8, 6)
    scores = layer.score(torch.relu(layer.squeeze(x))) * layer.sharpness
    expected = torch.softmax(scores.flatten(1), dim=1).reshape(3, 1, 8, 6) * 48
    assert torch.allclose(layer.weights(x), expected, atol=1e-5)


@pytest.mark.parametrize("preset", ["small", "classic"])
def test_attention_layers_keep_the_signal_at_the_start(preset: str) -> None:
    torch.manual_seed(0)
    shapes = SMALL_SHAPES if preset == "small" else CLASSIC_SHAPES
    net = ActorCritic("attention", shapes, TorsoConfig.preset(preset))
    ratios: list[float] = []

    def hook(_layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        ratios.append((output.std() / inputs[-1].std()).item())

    for layer in net.modules():
        if isinstance(layer, SpatialAttention | ChannelAttention | ScaleFusion):
            layer.register_forward_hook(hook)
    net(observe(shapes, 4))
    # small: 3 + 3 + 2 layers in the branches, classic: 4 + 4 + 4; and one fusion.
    assert len(ratios) == (9 if preset == "small" else 13)
    assert all(1 / 3 <= ratio <= 3 for ratio in ratios), ratios


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("norm", ["group", "batch"])
def test_gradients_reach_every_parameter(family: str, norm: str) -> None:
    torch.manual_seed(0)
    net = ActorCritic(family, SMALL_SHAPES, replace(SMALL, norm=norm))
    logits, values = net(observe(SMALL_SHAPES, 16))
    (torch.log_softmax(logits, dim=1)[:, 3].mean() + values.square().mean()).backward()
    dead = [
        name
        for name, weight in net.named_parameters()
        if weight.grad is None or not weight.grad.abs().max() > 0
    ]
    assert dead == []


@pytest.mark.parametrize("family", FAMILIES)
def test_a_row_gets_the_same_logits_alone_and_in_a_batch_of_64(family: str) -> None:
    net = ActorCritic(family, SMALL_SHAPES, SMALL).eval()
    observation = observe(SMALL_SHAPES, 64)
    with torch.inference_mode():
        logits, values = net(observation)
        alone, value = net({key: x[5:6] for key, x in observation.items()})
    assert torch.allclose(alone[0], logits[5], rtol=1e-4, atol=1e-6)
    assert torch.allclose(value[0], values[5], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_empty_observation_gives_numbers(family: str) -> None:
    net = ActorCritic(family, SMALL_SHAPES, SMALL)
    zeros = {key: torch.zeros_like(x) for key, x in observe(SMALL_SHAPES, 2).items()}
    logits, values = net(zeros)
    (logits.sum() + values.sum()).backward()
    assert torch.isfinite(logits).all()
    assert torch.isfinite(values).all()
    assert all(torch.isfinite(w.grad).all() for w in net.parameters() if w.grad is not None)


def test_uint8_and_unit_float_images_are_the_same_observation() -> None:
    net = ActorCritic("attention", SMALL_SHAPES, SMALL)
    observation = observe(SMALL_SHAPES, 2)
    as_float = {k: x / 255.0 if k in SCALES else x for k, x in observation.items()}
    assert torch.allclose(net(observation)[0], net(as_float)[0], atol=1e-6)
    assert observation["global"].dtype == torch.uint8


def test_the_fusion_computes_what_its_head_weights_say() -> None:
    torch.manual_seed(0)
    fusion = ScaleFusion(n_scales=3, scalar_features=6, branch_features=5, width=8, heads=2)
    with torch.no_grad():
        fusion.scale_logits.copy_(torch.tensor([0.5, -1.0, 0.2]))
    scalars, branches = torch.randn(4, 6), torch.randn(4, 3, 5)
    shares = fusion.head_weights(scalars, branches)
    assert torch.allclose(shares.sum(dim=2), torch.ones(4, 2), atol=1e-6)
    mean_one = 3 * torch.softmax(fusion.scale_logits, dim=0)
    values = fusion.value(branches) * mean_one[None, :, None]
    # head h owns the columns 4h .. 4h+3 of the width 8
    heads = [
        torch.einsum("ns,nsd->nd", shares[:, h], values[:, :, 4 * h : 4 * h + 4]) for h in (0, 1)
    ]
    assert torch.allclose(fusion(scalars, branches), fusion.out(torch.cat(heads, dim=1)), atol=1e-5)


def test_no_head_starts_by_ignoring_a_scale_however_loud_the_others_are() -> None:
    torch.manual_seed(0)
    fusion = ScaleFusion(n_scales=3, scalar_features=6, branch_features=5, width=8, heads=2)
    loud = torch.randn(64, 3, 5) * torch.tensor([1000.0, 1.0, 0.001])[None, :, None]
    shares = fusion.head_weights(100.0 * torch.randn(64, 6), loud)
    # Scores are cosines times a sharpness of 1: at least exp(-1) against twice exp(1).
    assert shares.min().item() >= 1 / (1 + 2 * math.e**2) - 1e-6


def test_a_policy_starts_nearly_indifferent() -> None:
    net = ActorCritic("attention", SMALL_SHAPES, SMALL)
    probabilities = torch.softmax(net(observe(SMALL_SHAPES, 8))[0], dim=1)
    assert probabilities.max().item() < 2 / 45


def test_building_on_meta_touches_no_random_stream() -> None:
    before = torch.random.get_rng_state()
    ActorCritic.on_meta("attention", SMALL_SHAPES, SMALL)
    assert torch.equal(before, torch.random.get_rng_state())


def test_masked_log_softmax_gives_illegal_actions_nothing() -> None:
    mask = torch.tensor([[True, False, True]])
    logs = masked_log_softmax(torch.tensor([[0.0, 9.0, 0.0]]), mask)
    assert torch.allclose(logs.exp(), torch.tensor([[0.5, 0.0, 0.5]]))
    assert torch.isfinite((logs.exp() * logs).sum())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channels": (12,)}, "multiples of 8"),
        ({"channels": ()}, "1 to 8 layers"),
        ({"heads": 3}, "multiple of heads"),
        ({"norm": "layer"}, "norm"),
        ({"output": 10**9}, "output"),
        ({"fusion": 2.5}, "fusion"),
        ({"depth": 3}, "unknown keys"),
    ],
)
def test_an_impossible_config_is_refused_by_name(change: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TorsoConfig.from_dict({**TorsoConfig().to_dict(), **change})


def test_a_config_survives_its_dict() -> None:
    assert TorsoConfig.from_dict(SMALL.to_dict()) == SMALL


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ("global", (17, 32, 32)),
        ("global", (4, 32, 48)),
        ("local", (4, 24, 24)),
        ("tactical", (4, 16)),
        ("scalars", (3, 3)),
        ("scalars", None),
    ],
)
def test_an_unreadable_observation_is_refused_by_key(
    key: str, shape: tuple[int, ...] | None
) -> None:
    shapes = {k: v for k, v in {**SMALL_SHAPES, key: shape}.items() if v is not None}
    with pytest.raises(ConfigError, match=key):
        observation_shapes(shapes)


def test_an_unknown_family_is_refused() -> None:
    with pytest.raises(ConfigError, match="scripted"):
        build_torso("scripted", SMALL_SHAPES, SMALL)
