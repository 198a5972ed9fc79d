"""The two torsos: from an observation at three scales to a feature vector.

`MultiScaleAttention` and `MultiScaleBaseline` read the same observation and have outputs of the
same width, so that a league compares attention with its absence and nothing else. Pure torch:
processes that only play never import Stable-Baselines3.

Input, n rows: `global`, `local`, `tactical` [n, C, S, S], uint8 in 0..255 or float in 0..1;
`scalars` float [n, F]. Other keys are ignored. Output: float32[n, features_dim].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from msattn.attention import ChannelAttention, ScaleFusion, SpatialAttention
from msattn.config import FAMILIES, SCALARS, SCALES, Shapes, TorsoConfig, observation_shapes
from msattn.directions import N_DIRECTIONS, N_SCORES, DirectionScores
from msattn.errors import ConfigError

_NORM_GROUPS = 8


def n_layers(size: int, config: TorsoConfig) -> int:
    """Return how many stride-2 layers a view of `size` cells gets.

    All of `config.channels`, but never so many that the feature map gets smaller than
    `config.grid`: after four layers a 16 x 16 view is one pixel, in which positions are lost. At
    least one.
    """
    layers = 0
    while layers < len(config.channels) and (size + 1) // 2 >= config.grid:
        size = (size + 1) // 2
        layers += 1
    return max(layers, 1)


def _norm(kind: str, channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels) if kind == "batch" else nn.GroupNorm(_NORM_GROUPS, channels)


def as_unit_float(image: Tensor) -> Tensor:
    """Return an image as float32 in 0..1: uint8 is divided by 255, float is kept as it is."""
    if image.dtype == torch.uint8:
        return image.to(torch.float32).mul_(1.0 / 255.0)
    return image.to(torch.float32)


def centred(scalars: Tensor) -> Tensor:
    """Return scalars, most of which are shares in 0..1, as float32 in -2..2.

    Their spread is then near 1: a layer reads a difference between strengths of 0.33 and 0.5
    before its weights have grown.
    """
    return scalars.to(torch.float32) * 4.0 - 2.0


class CellPool(nn.Module):
    """Average a [n, C, S, S] map over square blocks to at most `grid` x `grid` cells.

    Blocks have ceil(S / grid) cells per side; the far edges are padded with zeros. Not adaptive
    pooling: MPS refuses it for sizes that do not divide, and its backward pass on CUDA is not
    deterministic.
    """

    def __init__(self, size: int, grid: int) -> None:
        super().__init__()
        self.block = -(-size // grid)
        self.cells = -(-size // self.block)
        self.padding = self.cells * self.block - size

    def forward(self, x: Tensor) -> Tensor:
        """Return float32[n, C, cells, cells]."""
        if self.block == 1:
            return x
        if self.padding:
            x = F.pad(x, (0, self.padding, 0, self.padding))
        return F.avg_pool2d(x, self.block)


def without_frame(image: Tensor, side: int) -> Tensor:
    """Return the middle of an image [n, C, S, S], `side` cells wide.

    Environments show small views in a frame, learners and agents get them without one.
    """
    margin = (image.shape[-1] - side) // 2
    return image[..., margin : margin + side, margin : margin + side]


class Branch(nn.Module):
    """One scale: stride-2 layers Conv -> ReLU -> norm (-> attention), pool, flatten, linear.

    With attention the layers alternate between "where" (spatial) and "what" (channel), so that each
    refines the other.
    """

    def __init__(self, shape: tuple[int, ...], config: TorsoConfig, *, attention: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        n_in, size = shape[0], shape[1]
        for index in range(n_layers(size, config)):
            n_out = config.channels[index]
            layers += [
                nn.Conv2d(n_in, n_out, kernel_size=3, stride=2, padding=1),
                nn.ReLU(inplace=True),
                _norm(config.norm, n_out),
            ]
            if attention:
                layers.append(ChannelAttention(n_out) if index % 2 else SpatialAttention(n_out))
            n_in, size = n_out, (size + 1) // 2
        pool = CellPool(size, config.grid)
        layers += [pool, nn.Flatten()]
        self.layers = nn.Sequential(*layers)
        self.linear = nn.Linear(n_in * pool.cells**2, config.branch_features)

    def forward(self, image: Tensor) -> Tensor:
        """Return float32[n, branch_features] for an image [n, C, S, S]."""
        return F.relu(self.linear(self.layers(as_unit_float(image))))


class _MultiScale(nn.Module):
    """The part that both families share: the branches and the scalar features."""

    family: str
    output: nn.Linear

    def __init__(self, shapes: Shapes, config: TorsoConfig, *, attention: bool) -> None:
        super().__init__()
        self.shapes = shapes
        self.config = config
        self.features_dim = config.output
        self.scores: DirectionScores | None = None
        if config.direction_scalars:
            if shapes[SCALARS][0] < N_DIRECTIONS * config.direction_scalars:
                raise ConfigError(
                    f"{N_DIRECTIONS} directions with {config.direction_scalars} scalars each do "
                    f"not fit into {shapes[SCALARS][0]} scalars; set direction_scalars lower"
                )
            self.scores = DirectionScores(
                direction_scalars=config.direction_scalars,
                features=config.output,
                hidden=config.direction_hidden,
            )
            self.features_dim += N_SCORES
        self.branches = nn.ModuleDict(
            {scale: Branch(shapes[scale], config, attention=attention) for scale in SCALES}
        )
        self.scalars = nn.Linear(shapes[SCALARS][0], config.scalar_features)

    def _read(self, observation: Mapping[str, Tensor]) -> tuple[Tensor, list[Tensor]]:
        scalars = F.relu(self.scalars(centred(observation[SCALARS])))
        return scalars, [
            branch(without_frame(observation[scale], self.shapes[scale][1]))
            for scale, branch in self.branches.items()
        ]

    def finish(self, joined: Tensor, observation: Mapping[str, Tensor]) -> Tensor:
        """Return float32[n, features_dim] for the joined branches and scalar features."""
        features: Tensor = F.relu(self.output(joined))
        if self.scores is None:
            return features
        scores = self.scores(centred(observation[SCALARS]), features)
        return torch.cat((features, scores), dim=1)


class MultiScaleAttention(_MultiScale):
    """Branches with attention, fused by attention of the scalars over the scales.

    scalars -> features -> query; keys and values from the branches; the result joined with the
    scalar features -> output.
    """

    family = "attention"

    def __init__(self, shapes: Shapes, config: TorsoConfig) -> None:
        super().__init__(shapes, config, attention=True)
        self.fusion = ScaleFusion(
            n_scales=len(SCALES),
            scalar_features=config.scalar_features,
            branch_features=config.branch_features,
            width=config.fusion,
            heads=config.heads,
        )
        self.output = nn.Linear(config.fusion + config.scalar_features, config.output)

    def forward(self, observation: Mapping[str, Tensor]) -> Tensor:
        """Return float32[n, features_dim]."""
        scalars, branches = self._read(observation)
        answer = self.fusion(scalars, torch.stack(branches, dim=1))
        return self.finish(torch.cat((answer, scalars), dim=1), observation)


class MultiScaleBaseline(_MultiScale):
    """The same branches without attention, joined by concatenation -> output."""

    family = "baseline"

    def __init__(self, shapes: Shapes, config: TorsoConfig) -> None:
        super().__init__(shapes, config, attention=False)
        joined = len(SCALES) * config.branch_features + config.scalar_features
        self.output = nn.Linear(joined, config.output)

    def forward(self, observation: Mapping[str, Tensor]) -> Tensor:
        """Return float32[n, features_dim]."""
        scalars, branches = self._read(observation)
        return self.finish(torch.cat((*branches, scalars), dim=1), observation)


Torso = MultiScaleAttention | MultiScaleBaseline


def build_torso(family: str, spaces: Any, config: TorsoConfig) -> Torso:
    """Build the torso of a family.

    Args:
        family: "attention" or "baseline".
        spaces: what `observation_shapes` takes.
        config: widths.

    Raises:
        ConfigError: unknown family, or an observation that a network cannot read.
    """
    shapes = observation_shapes(spaces)
    if family == "attention":
        return MultiScaleAttention(shapes, config)
    if family == "baseline":
        return MultiScaleBaseline(shapes, config)
    raise ConfigError(f"a network's family must be one of {FAMILIES}, found {family!r}")
