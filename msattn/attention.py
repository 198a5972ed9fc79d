"""The three attention layers on views: where, for what, and at which scale to look.

Those on neighbours are in `tokens`.

Each layer has a method that returns only its weights; `forward` uses it and keeps nothing, so
`msattn.inspect` costs nothing when it is not used. All tensors are float32.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def cosines(query: Tensor, key: Tensor, sides: tuple[bool, bool] = (True, True)) -> Tensor:
    """Return the products of queries and keys at unit length, float32[n, heads, Q, K].

    The products are scaled afterwards: unit vectors of the same size cost a third more time,
    forward and backward. A query or key of zeros has the product 0.

    Args:
        query: float32[n, Q, heads, d].
        key: float32[n, K, heads, d].
        sides: whether the queries and the keys are to be divided by their lengths.
    """
    products = query.transpose(1, 2) @ key.permute(0, 2, 3, 1)
    if sides[0]:
        lengths = torch.rsqrt(query.square().sum(dim=3) + 1e-12)
        products = products * lengths.transpose(1, 2)[:, :, :, None]
    if sides[1]:
        lengths = torch.rsqrt(key.square().sum(dim=3) + 1e-12)
        products = products * lengths.transpose(1, 2)[:, :, None, :]
    return products


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

    Args:
        gated: multiply the values by a learnable gate per scale and feature that starts at zero
            (ReZero, Bachlechner et al. 2020): the scales join as far as they turn out to help.
        token_features: width of tokens that query the scales besides the scalars; 0 is none.
    """

    def __init__(
        self,
        *,
        n_scales: int,
        scalar_features: int,
        branch_features: int,
        width: int,
        heads: int,
        gated: bool = False,
        token_features: int = 0,
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
        self.token_query = nn.Linear(token_features, width) if token_features else None
        # Not in front of the keys too: at zero a key of unit length has no gradient.
        self.gate = nn.Parameter(torch.zeros(n_scales, width)) if gated else None

    def scale_weights(self) -> Tensor:
        """Return the learnable weights of the scales, float32[n_scales], summing to 1."""
        return torch.softmax(self.scale_logits, dim=0)

    def _heads(self, x: Tensor) -> Tensor:
        """Split float32[n, tokens, width] into float32[n, tokens, heads, width / heads]."""
        n, tokens, width = x.shape
        return x.reshape(n, tokens, self.heads, width // self.heads)

    def _mean_one(self) -> Tensor:
        return (self.scale_weights() * self.n_scales)[None, :, None]

    def _keys(self, branches: Tensor) -> Tensor:
        """Return float32[n, n_scales, heads, width / heads], of length 1."""
        return F.normalize(self._heads(self.key(branches)), dim=3)

    def _values(self, branches: Tensor) -> Tensor:
        """Return float32[n, n_scales, heads, width / heads], weighted and gated."""
        value = self.value(branches) * self._mean_one()
        return self._heads(value if self.gate is None else value * self.gate)

    def _shares(self, scalars: Tensor, key: Tensor) -> Tensor:
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
        scores = (query * key).sum(dim=3) * self._mean_one() * self.sharpness
        return torch.softmax(scores, dim=1)

    def _token_shares(self, tokens: Tensor, key: Tensor) -> Tensor:
        """Return float32[n, heads, R, n_scales], summing to 1 over the scales."""
        assert self.token_query is not None
        query = self._heads(self.token_query(tokens))
        sharpness = self.sharpness[:, None] * self._mean_one()[:, :, 0]  # [heads, n_scales]
        scores = cosines(query, key * sharpness.t()[:, :, None], sides=(True, False))
        return torch.softmax(scores, dim=3)

    def head_weights(self, scalars: Tensor, branches: Tensor) -> Tensor:
        """Return how each head of the scalars divides its attention among the scales.

        Args:
            scalars: float32[n, scalar_features].
            branches: float32[n, n_scales, branch_features].

        Returns:
            float32[n, heads, n_scales], summing to 1 over the scales.
        """
        return self._shares(scalars, self._keys(branches)).transpose(1, 2)

    def token_weights(self, tokens: Tensor, branches: Tensor) -> Tensor:
        """Return how each head of each token divides its attention among the scales.

        Args:
            tokens: float32[n, R, token_features].
            branches: as in `head_weights`.

        Returns:
            float32[n, heads, R, n_scales], summing to 1 over the scales.
        """
        return self._token_shares(tokens, self._keys(branches))

    def _answer(self, shares: Tensor, value: Tensor, token_shares: Tensor | None) -> Tensor:
        answer = (value * shares[..., None]).sum(dim=1)
        fused: Tensor = self.out(answer.flatten(1))
        if token_shares is None:
            return fused
        seen = (token_shares @ value.transpose(1, 2)).transpose(1, 2)
        return torch.cat((fused[:, None], seen.reshape(*seen.shape[:2], -1)), dim=1)

    def evenly(self, scalars: Tensor, branches: Tensor, tokens: Tensor | None = None) -> Tensor:
        """Return what `forward` does, with even shares of the scales."""
        even = branches.new_full((1, self.n_scales, self.heads), 1.0 / self.n_scales)
        token_shares = None
        if tokens is not None:
            shape = (len(tokens), self.heads, tokens.shape[1], self.n_scales)
            token_shares = branches.new_full(shape, 1.0 / self.n_scales)
        return self._answer(even, self._values(branches), token_shares)

    def forward(self, scalars: Tensor, branches: Tensor, tokens: Tensor | None = None) -> Tensor:
        """Return what the queries found in the scales; arguments as in the methods above.

        Returns:
            float32[n, width], the scalars' answer; with tokens float32[n, 1 + R, width]: that
            answer, then the mixed values of each token, which its reader has yet to project.
        """
        key, value = self._keys(branches), self._values(branches)
        token_shares = None if tokens is None else self._token_shares(tokens, key)
        return self._answer(self._shares(scalars, key), value, token_shares)
