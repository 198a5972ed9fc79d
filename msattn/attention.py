"""The three attention layers: where, for what, and at which scale to look.

Each layer has a method that returns only its weights; `forward` uses it and keeps nothing, so
`msattn.inspect` costs nothing when it is not used. All tensors are float32.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SpatialAttention(nn.Module):
    """Where to look: one weight per cell of a feature map, of mean 1.

    1x1 convolutions C -> C/4 -> 1, softmax over H*W, times H*W. Without the factor H*W the signal
    is divided by the number of cells: by 4096 at the first layer of a 128 x 128 view.

    The scores are multiplied by a learnable `sharpness`. It starts small so that the weights
    start nearly even: with orthogonal weights of gain sqrt(2) scores have a deviation near 1.4,
    and exp of that lets a few cells carry most of the signal before anything is learned. It is a
    parameter of its own, not a smaller gain of the last convolution, because Stable-Baselines3
    re-initialises every convolution of a features extractor.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, max(channels // 4, 1), kernel_size=1)
        # No bias: softmax ignores a constant, so it would never have a gradient.
        self.score = nn.Conv2d(max(channels // 4, 1), 1, kernel_size=1, bias=False)
        self.sharpness = nn.Parameter(torch.tensor(0.3))

    def weights(self, x: Tensor) -> Tensor:
        """Return float32[n, 1, H, W] of mean 1 over the cells, for x float32[n, C, H, W]."""
        n, channels, height, width = x.shape
        # 1x1 convolutions written as batched products: alone on one x86 core this layer's scores
        # took 1.3 to 4 times as long by convolution on maps up to 16 x 16 (forward and backward),
        # and as long on 64 x 64. In the whole network the gain is within the noise.
        cells = x.reshape(n, channels, height * width)
        squeeze = self.squeeze.weight.flatten(1).expand(n, -1, -1)
        bias = cast(Tensor, self.squeeze.bias)
        hidden = F.relu(torch.baddbmm(bias[None, :, None], squeeze, cells))
        score = (self.score.weight.flatten(1) * self.sharpness).expand(n, -1, -1)
        even = torch.softmax(torch.bmm(score, hidden), dim=2) * (height * width)
        return even.reshape(n, 1, height, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return x float32[n, C, H, W] with every cell scaled by its weight."""
        return x * self.weights(x)


class ChannelAttention(nn.Module):
    """What to look for: one weight in (0, 1) per channel.

    Average pool -> C/8 -> C -> sigmoid (squeeze and excitation, Hu et al. 2018).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        # At least 4: with 2 hidden units both start dead for a quarter of all seeds, and a layer
        # whose units are all dead passes no gradient back.
        hidden = max(channels // 8, 4)
        self.squeeze = nn.Linear(channels, hidden)
        self.excite = nn.Linear(hidden, channels)

    def weights(self, x: Tensor) -> Tensor:
        """Return float32[n, C] in (0, 1), for x float32[n, C, H, W]."""
        return torch.sigmoid(self.excite(F.relu(self.squeeze(x.mean(dim=(2, 3))))))

    def forward(self, x: Tensor) -> Tensor:
        """Return x float32[n, C, H, W] with every channel scaled by its weight."""
        return x * self.weights(x)[:, :, None, None]


class ScaleFusion(nn.Module):
    """At which scale to look: the scalars query the scales, head by head.

    The query is projected from the scalar features; keys and values are projected from the
    features of each scale; scores and values are weighted by n_scales * softmax(scale_logits).
    The factor keeps the mean weight at 1, for the same reason as in SpatialAttention.
    """

    def __init__(
        self, *, n_scales: int, scalar_features: int, branch_features: int, width: int, heads: int
    ) -> None:
        super().__init__()
        self.n_scales = n_scales
        self.heads = heads
        self.query = nn.Linear(scalar_features, width)
        # No bias: softmax over the scales nearly ignores a constant key.
        self.key = nn.Linear(branch_features, width, bias=False)
        self.value = nn.Linear(branch_features, width)
        self.out = nn.Linear(width, width)
        self.scale_logits = nn.Parameter(torch.zeros(n_scales))
        self.sharpness = nn.Parameter(torch.ones(heads))

    def scale_weights(self) -> Tensor:
        """Return the learnable weights of the scales, float32[n_scales], summing to 1."""
        return torch.softmax(self.scale_logits, dim=0)

    def _heads(self, x: Tensor) -> Tensor:
        """Split float32[n, tokens, width] into float32[n, tokens, heads, width / heads]."""
        n, tokens, width = x.shape
        return x.reshape(n, tokens, self.heads, width // self.heads)

    def _mean_one(self) -> Tensor:
        return (self.scale_weights() * self.n_scales)[None, :, None]

    def _shares(self, scalars: Tensor, branches: Tensor) -> Tensor:
        """Return float32[n, n_scales, heads], summing to 1 over the scales.

        Queries and keys have length 1, and each head has a learnable sharpness (Henry et al. 2020).
        With plain products the scores grew without bound in training: after two million decisions
        every head of a policy gave all its weight to one scale and none to the two others, whose
        branches then learned nothing more.

        With one query and a few keys, products and sums over whole tensors are enough. Beyond a
        concatenation, the fusion cost 0.025 ms per observation with torch's
        scaled_dot_product_attention and 0.010 with these (forward and backward, preset small, one
        x86 core, before the unit lengths).
        """
        query = F.normalize(self._heads(self.query(scalars)[:, None, :]), dim=3)
        key = F.normalize(self._heads(self.key(branches)), dim=3)
        scores = (query * key).sum(dim=3) * self._mean_one() * self.sharpness
        return torch.softmax(scores, dim=1)

    def head_weights(self, scalars: Tensor, branches: Tensor) -> Tensor:
        """Return how each head divides its attention among the scales.

        Args:
            scalars: float32[n, scalar_features].
            branches: float32[n, n_scales, branch_features].

        Returns:
            float32[n, heads, n_scales], summing to 1 over the scales.
        """
        return self._shares(scalars, branches).transpose(1, 2)

    def forward(self, scalars: Tensor, branches: Tensor) -> Tensor:
        """Return float32[n, width]; arguments as in `head_weights`."""
        value = self._heads(self.value(branches) * self._mean_one())
        answer = (value * self._shares(scalars, branches)[..., None]).sum(dim=1)
        fused: Tensor = self.out(answer.reshape(scalars.shape[0], -1))
        return fused
