"""Record where a policy looks: at which places, scales and neighbours, for a batch.

`look` hooks the attention layers for one forward pass and removes the hooks before it returns,
even when the pass fails. The layers hold no recorder and do no extra work at other times.
`without_attention` hooks them in the same way and makes their weights even: what a policy does then
shows what its attention is worth. A baseline has no attention: its record holds no more than the
gates of its views, and it does the same without.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from msattn.attention import ChannelAttention, ScaleFusion, SpatialAttention
from msattn.config import SCALES
from msattn.errors import ConfigError
from msattn.extractors import MultiScaleAttention, MultiScaleBaseline, Torso
from msattn.tokens import TokenAttention

FloatArray = NDArray[np.float32]

KINDS = ("places", "scales", "neighbours")
"""What attention chooses among: the cells of a map, the three views, the neighbours."""


@dataclass
class AttentionRecord:
    """The attention of one forward pass over n rows, on the CPU.

    Attributes:
        spatial: per scale, one float32[n, H, W] per spatial layer, first to last; every map has
            mean 1 over its cells.
        channel: per scale, one float32[n, C] in (0, 1) per channel layer, first to last.
        head_weights: float32[n, heads, 3], each head's shares of the scales, in the order of
            `scales`; None for a baseline, and without views.
        scale_weights: float32[3], the learnable weights, summing to 1; None as `head_weights`.
        gates: float32[3], the root mean square of each scale's gates, 0 while the scale has no
            effect; None where the views have no gates.
        token_weights: float32[n, token_heads, 1 + R, R], how the seat itself (first) and each row
            of `neighbours` divide their attention among the rows; None for a baseline, and without
            tokens. Rows that are not in use get 0, and what they would look at means nothing.
        token_scales: float32[n, heads, R, 3], how each row divides its attention among the scales;
            None where there are no such queries.
        used: bool[n, R], whether each row is in use; None without `token_weights`.
        scales: names of the scales, in order.
    """

    spatial: dict[str, list[FloatArray]] = field(default_factory=dict)
    channel: dict[str, list[FloatArray]] = field(default_factory=dict)
    head_weights: FloatArray | None = None
    scale_weights: FloatArray | None = None
    gates: FloatArray | None = None
    token_weights: FloatArray | None = None
    token_scales: FloatArray | None = None
    used: NDArray[np.bool_] | None = None
    scales: tuple[str, ...] = SCALES

    def shares(self, scale: str, layer: int, size: int) -> FloatArray:
        """Return one spatial map as shares of attention per cell of the view.

        Args:
            scale: "global", "local" or "tactical".
            layer: index of the spatial layer; -1 is the last.
            size: side of the view in cells.

        Returns:
            float32[n, size, size]; the share of a map's cell is spread evenly over the cells of the
            view that it covers, and every row sums to 1.

        Raises:
            ConfigError: there is no such map.
        """
        maps = self.spatial.get(scale, [])
        if not -len(maps) <= layer < len(maps):
            raise ConfigError(
                f"no spatial map {layer} of scale {scale!r}: this record holds "
                f"{ {name: len(found) for name, found in self.spatial.items()} }"
            )
        chosen = maps[layer]
        # Cell i of a stride-2 chain covers the view cells from i * size / H on.
        index = np.arange(size) * chosen.shape[1] // size
        spread = chosen[:, index][:, :, index]
        shares: FloatArray = (spread / spread.sum(axis=(1, 2), keepdims=True)).astype(np.float32)
        return shares

    def share_on(self, scale: str, layer: int, region: NDArray[np.generic]) -> FloatArray:
        """Return the share of attention on a region, float32[n] in 0..1.

        Args:
            scale: as in `shares`.
            layer: as in `shares`.
            region: [n, size, size], the part 0..1 of each view cell that belongs to the region:
                a bool mask, or a channel of the observation divided by 255.
        """
        shares = self.shares(scale, layer, region.shape[-1])
        share: FloatArray = (shares * region.astype(np.float32)).sum(axis=(1, 2)).astype(np.float32)
        return share

    def entropy(self, scale: str, layer: int) -> FloatArray:
        """Return how spread out a spatial map is, float32[n]: 1 is evenly, 0 is one cell."""
        chosen = self.spatial[scale][layer].astype(np.float64)
        shares = chosen / chosen.sum(axis=(1, 2), keepdims=True)
        logs = np.log(np.maximum(shares, np.finfo(np.float64).tiny))
        cells = chosen.shape[1] * chosen.shape[2]
        entropy = -(shares * logs).sum(axis=(1, 2)) / max(np.log(cells), 1e-12)
        evenness: FloatArray = entropy.astype(np.float32)
        return evenness

    def token_entropy(self) -> FloatArray:
        """Return how evenly the seat looks at its neighbours, float32[n, token_heads].

        1 is evenly, 0 is one of several; NaN where there are fewer than two to choose from.
        """
        if self.token_weights is None or self.used is None:
            raise ConfigError("this record holds no attention among neighbours")
        shares = self.token_weights[:, :, 0].astype(np.float64)
        entropy = -(shares * np.log(np.maximum(shares, np.finfo(np.float64).tiny))).sum(axis=2)
        n_used = self.used.sum(axis=1)
        most = np.where(n_used > 1, np.log(np.maximum(n_used, 2)), np.nan)
        evenness: FloatArray = (entropy / most[:, None]).astype(np.float32)
        return evenness


def find_torso(module: nn.Module) -> Torso:
    """Return the torso in an ActorCritic, an SB3 policy or an extractor, or the torso itself.

    Raises:
        ConfigError: the module holds none, or several.
    """
    kinds = (MultiScaleAttention, MultiScaleBaseline)
    torsos = [part for part in module.modules() if isinstance(part, kinds)]
    if len(torsos) != 1:
        raise ConfigError(
            f"expected one multi-scale torso in {type(module).__name__}, found {len(torsos)}; pass "
            "the torso itself"
        )
    return torsos[0]


def _array(weights: Tensor) -> FloatArray:
    return weights.detach().to("cpu", torch.float32).numpy().copy()


@contextmanager
def recording(torso: Torso) -> Iterator[AttentionRecord]:
    """Fill a record from the forward passes of `torso` inside the block.

    Each pass replaces what the previous one recorded. The hooks are removed when the block ends,
    however it ends.
    """
    record = AttentionRecord()
    handles = []

    def spatial_hook(maps: list[FloatArray], index: int) -> Callable[..., None]:
        def hook(layer: SpatialAttention, inputs: tuple[Tensor], _output: Tensor) -> None:
            maps[index : index + 1] = [_array(layer.weights(inputs[0])[:, 0])]

        return hook

    def channel_hook(weights: list[FloatArray], index: int) -> Callable[..., None]:
        def hook(layer: ChannelAttention, inputs: tuple[Tensor], _output: Tensor) -> None:
            weights[index : index + 1] = [_array(layer.weights(inputs[0]))]

        return hook

    def fusion_hook(layer: ScaleFusion, inputs: tuple[Tensor, ...], _output: Tensor) -> None:
        record.head_weights = _array(layer.head_weights(inputs[0], inputs[1]))
        record.scale_weights = _array(layer.scale_weights())
        if len(inputs) > 2:
            record.token_scales = _array(layer.token_weights(inputs[2], inputs[1]))

    def token_hook(layer: TokenAttention, inputs: tuple[Tensor, ...], _output: Tensor) -> None:
        record.token_weights = _array(layer.shares(*inputs))
        record.used = inputs[2].cpu().numpy().copy()

    try:
        if isinstance(torso, MultiScaleAttention):
            for scale, branch in torso.branches.items():
                n_spatial = n_channel = 0
                maps = record.spatial.setdefault(scale, [])
                weights = record.channel.setdefault(scale, [])
                for layer in branch.modules():
                    if isinstance(layer, SpatialAttention):
                        handles.append(layer.register_forward_hook(spatial_hook(maps, n_spatial)))
                        n_spatial += 1
                    elif isinstance(layer, ChannelAttention):
                        hook = channel_hook(weights, n_channel)
                        handles.append(layer.register_forward_hook(hook))
                        n_channel += 1
            if torso.fusion is not None:
                handles.append(torso.fusion.register_forward_hook(fusion_hook))
            if torso.token_attention is not None:
                handles.append(torso.token_attention.register_forward_hook(token_hook))
        gate = torso.gate if isinstance(torso, MultiScaleBaseline) else None
        if isinstance(torso, MultiScaleAttention) and torso.fusion is not None:
            gate = torso.fusion.gate
        if gate is not None:
            record.gates = _array(gate.square().mean(dim=1).sqrt())
        yield record
    finally:
        for handle in handles:
            handle.remove()


def attention_layers(module: nn.Module, kinds: Collection[str] = KINDS) -> list[nn.Module]:
    """Return the attention layers of some KINDS; `module` is what `find_torso` takes."""
    classes = {"places": SpatialAttention, "scales": ScaleFusion, "neighbours": TokenAttention}
    chosen = tuple(classes[kind] for kind in kinds)
    return [layer for layer in find_torso(module).modules() if isinstance(layer, chosen)]


@contextmanager
def without_attention(module: nn.Module, kinds: Collection[str] = KINDS) -> Iterator[None]:
    """Make the weights of some kinds of attention even inside the block.

    Every cell of a map then counts as much as any other, so does each scale (times its learnable
    weight and gate, which do not depend on the observation), and each neighbour. Channel weights
    are no choice among places and stay.

    Args:
        module: what `find_torso` takes.
        kinds: out of KINDS.
    """
    layers = attention_layers(module, kinds)

    def hook(layer: nn.Module, inputs: tuple[Tensor, ...], _output: Tensor) -> Tensor:
        if isinstance(layer, ScaleFusion | TokenAttention):
            return layer.evenly(*inputs)
        return inputs[0]  # the mean weight is 1

    handles = [layer.register_forward_hook(hook) for layer in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def look(
    module: nn.Module, observation: Mapping[str, Tensor | NDArray[np.generic]]
) -> AttentionRecord:
    """Return where a policy looks for a batch of observations.

    Runs one forward pass in evaluation mode without gradients, on the module's device, and leaves
    the module as it was.

    Args:
        module: what `find_torso` takes.
        observation: images [n, C, S, S], uint8 or float in 0..1, scalars float [n, F], and
            neighbours float [n, R, 8 + T], as far as they are read, as tensors or numpy arrays.

    Raises:
        ConfigError: the module holds no torso.
    """
    torso = find_torso(module)
    device = next(torso.parameters()).device
    inputs = {key: torch.as_tensor(value).to(device) for key, value in observation.items()}
    modes = [(part, part.training) for part in torso.modules()]
    torso.eval()
    try:
        with torch.no_grad(), recording(torso) as record:
            torso(inputs)
    finally:
        for part, training in modes:
            part.training = training
    return record
