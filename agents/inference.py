"""Faster forward passes of networks that no longer change: the same logits, computed differently.

`prepare` turns a frozen network into one that plays; `rows_per_pass` says how many observations go
through a network in one pass. Nothing here trains, and a network that still changes (a learner's
mirror) must not be prepared: its weights are copied and folded.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from msattn.actor_critic import ActorCritic
from msattn.attention import ChannelAttention, SpatialAttention
from msattn.config import Shapes
from msattn.extractors import Branch

# Bytes of the largest view as float32 in one pass: 16 rows at classic, 256 at small. Above it the
# C library maps and unmaps every activation anew (its threshold is 32 MiB), and the page faults
# cost more than the arithmetic: at classic 64 rows in one pass took 10.7 ms per observation, in
# passes of 32 8.8, of 16 4.9, of 8 5.0, of 4 5.1 (attention, one x86 core).
PASS_BYTES = 12_582_912
# Between the small (32), where channels_last is slower, and the classic view (128).
PAYS_FROM_CELLS = 64


def rows_per_pass(shapes: Shapes) -> int:
    """Return how many rows to put through a network in one pass on a CPU, at least 1."""
    largest = max(4 * prod(shape) for shape in shapes.values())
    return max(1, PASS_BYTES // largest)


class _FrozenBranch(nn.Module):
    """One scale: the layers of a Branch with channels last and as few passes as possible.

    The division by 255 is folded into the first convolution; attention weights are computed as
    matrix products on the channels-last map, which needs no copy, and multiply it in place.
    """

    def __init__(self, branch: Branch) -> None:
        super().__init__()
        first = cast(nn.Conv2d, branch.layers[0])
        scaled = first.weight.detach() / 255.0
        self.raw_weight = scaled.contiguous(memory_format=torch.channels_last)
        # mypy: no overload of `to` takes memory_format alone.
        self.layers: Any = cast(Any, branch.layers).to(memory_format=torch.channels_last)
        self.linear = branch.linear

    def forward(self, image: Tensor) -> Tensor:
        """Return float32[n, branch_features] for an image [n, C, S, S]."""
        x = image.to(torch.float32)
        for index, layer in enumerate(self.layers):
            if index == 0 and image.dtype == torch.uint8:
                x = F.conv2d(x, self.raw_weight, layer.bias, layer.stride, layer.padding)
            elif isinstance(layer, SpatialAttention):
                x.mul_(_spatial_weights(layer, x))
            elif isinstance(layer, ChannelAttention):
                x.mul_(layer.weights(x)[:, :, None, None])
            else:
                x = layer(x)
        features: Tensor = F.relu(self.linear(x))
        return features


def _spatial_weights(layer: SpatialAttention, x: Tensor) -> Tensor:
    """Return SpatialAttention.weights with cells as rows: no copy where channels come last."""
    n, channels, height, width = x.shape
    cells = x.permute(0, 2, 3, 1).reshape(n * height * width, channels)
    bias = cast(Tensor, layer.squeeze.bias)
    hidden = torch.addmm(bias, cells, layer.squeeze.weight.flatten(1).t()).relu_()
    score = hidden @ (layer.score.weight.flatten(1) * layer.sharpness).t()
    even = torch.softmax(score.reshape(n, height * width), dim=1).mul_(height * width)
    return even.reshape(n, 1, height, width)


class FrozenPolicy(nn.Module):
    """An ActorCritic that only plays; made by `prepare`."""

    def __init__(self, network: ActorCritic) -> None:
        super().__init__()
        self.torso = network.torso
        self.action_net = network.action_net
        self.value_net = network.value_net
        self.branches = nn.ModuleDict(
            {
                scale: _FrozenBranch(cast(Branch, branch))
                for scale, branch in network.torso.branches.items()
            }
        )

    def forward(self, observation: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return logits float32[n, n_actions], unmasked, and values float32[n]."""
        branches = [branch(observation[scale]) for scale, branch in self.branches.items()]
        features = self.torso.join(observation, branches)
        return self.action_net(features), self.value_net(features)[:, 0]


def prepare(
    network: ActorCritic, device: torch.device, shapes: Shapes
) -> ActorCritic | FrozenPolicy:
    """Return the fastest form of a frozen network, logits within 1e-4; the network is taken over.

    That is a `FrozenPolicy` on a CPU when a view that is read has PAYS_FROM_CELLS or more per side,
    else the network itself.

    Milliseconds of one thread's CPU time per observation on an x86 core (AVX2), interleaved
    medians, with other work beside it: plain eager float32 NCHW in one pass, the same in passes of
    `rows_per_pass`, and a FrozenPolicy in such passes.

    =======  ====  =========  =====  =========  ======
    preset   rows  family     plain  in passes  frozen
    =======  ====  =========  =====  =========  ======
    classic  64    attention  14.56       6.56    5.94
    classic  64    baseline   12.49       6.72    5.18
    classic  16    attention   6.83       6.17    6.55
    classic  16    baseline    5.43       5.39    5.14
    small    256   attention  0.235      0.238   0.319
    small    256   baseline   0.216      0.210   0.299
    =======  ====  =========  =====  =========  ======

    So passes of bounded size give most of it, and more the larger the batch; in equal passes the
    gain is at most a fifth, because the convolutions already run near the core's peak (about 42
    billion multiply-adds per second), and at small channels_last loses. Tried and dropped: ONNX
    Runtime with one thread and without spinning (best of 7 at classic: 4.23 against 4.22 here),
    torch.jit.freeze and optimize_for_inference (no faster than passes alone, and deprecated),
    oneDNN's fused convolution with packed weights (no faster than channels_last), converting the
    images to channels_last first (the transposition takes what the first convolution gains).
    """
    sides = [shapes[scale][1] for scale in network.torso.branches]
    if device.type != "cpu" or max(sides, default=0) < PAYS_FROM_CELLS:
        return network
    return FrozenPolicy(network).eval().requires_grad_(False)
