"""The two torsos: from an observation at three scales to a feature vector.

`MultiScaleAttention` and `MultiScaleBaseline` read the same observation and have outputs of the
same width, so that a league compares attention with its absence and nothing else. Pure torch:
processes that only play never import Stable-Baselines3.

Input, n rows: `global`, `local`, `tactical` [n, C, S, S], uint8 in 0..255 or float in 0..1;
`scalars` float [n, F]; `neighbours` float [n, R, 8 + T] (see `tokens`); `landings` float [n, 8, L]
(see `landings`). A torso reads those that its TorsoConfig asks for, `Torso.shapes`; other keys are
ignored. Output: float32[n, features_dim].
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from msattn.attention import ChannelAttention, ScaleFusion, SpatialAttention
from msattn.config import (
    FAMILIES,
    LANDINGS,
    N_DIRECTIONS,
    NEIGHBOURS,
    SCALARS,
    SCALES,
    Shapes,
    TorsoConfig,
    inputs_of,
    observation_shapes,
)
from msattn.directions import ALLY, BOAT, BREAK, N_PACT_ORDERS, N_SCORES, DirectionScores
from msattn.errors import ConfigError
from msattn.landings import LandingScores
from msattn.tokens import (
    USED,
    TokenAttention,
    Tokens,
    TokenScores,
    directions_as_rows,
    pooled,
    used_rows,
)

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


@dataclass(frozen=True)
class _Neighbours:
    """The neighbours of n rows of a batch.

    Attributes:
        rows: float32[n, R, 8 + T], the observation's.
        used: bool[n, R].
        hidden: float32[n, R, token_features], zero where a row is not in use.
    """

    rows: Tensor
    used: Tensor
    hidden: Tensor


class _MultiScale(nn.Module, ABC):
    """The part that both families share: branches, scalar features, tokens, scores.

    Attributes:
        shapes: of the inputs that are read.
        score_actions: the action of each score at the end of the features.
    """

    family: str
    output: nn.Linear

    def __init__(self, shapes: Shapes, config: TorsoConfig, *, attention: bool) -> None:
        super().__init__()
        self.shapes = {key: shapes[key] for key in inputs_of(config, shapes)}
        self.config = config
        self.features_dim = config.output
        n_scalars = shapes[SCALARS][0]
        self.n_first = n_scalars - N_DIRECTIONS * config.direction_scalars - config.later_scalars
        if self.n_first < 0:
            raise ConfigError(
                f"{N_DIRECTIONS} directions with {config.direction_scalars} scalars each and "
                f"{config.later_scalars} after them do not fit into {n_scalars} scalars; set "
                "direction_scalars lower"
            )
        n_own = self.n_first + config.later_scalars
        self.scores: DirectionScores | TokenScores | None = None
        self.landing_scores: LandingScores | None = None
        self.score_actions = list(range(N_SCORES))
        if config.token_features:
            has_landings = LANDINGS in self.shapes
            self.scores = TokenScores(
                width=config.token_features,
                features=config.output,
                hidden=config.direction_hidden,
                other_orders=N_PACT_ORDERS if has_landings else 0,
            )
            if has_landings:
                self.landing_scores = LandingScores(
                    facts=self.shapes[LANDINGS][1],
                    features=config.output,
                    hidden=config.direction_hidden,
                )
                for first in (ALLY, BREAK, BOAT):
                    self.score_actions += range(first, first + N_DIRECTIONS)
        elif config.direction_scalars:
            self.scores = DirectionScores(
                direction_scalars=config.direction_scalars,
                features=config.output,
                hidden=config.direction_hidden,
            )
        if self.scores is not None:
            self.features_dim += len(self.score_actions)
        scales = () if config.views == "off" else SCALES
        self.branches = nn.ModuleDict(
            {scale: Branch(shapes[scale], config, attention=attention) for scale in scales}
        )
        # Tokens tell what the directions' scalars do, to layers that turn with the board.
        self.n_own = n_own if config.token_features else n_scalars
        if self.n_own < 1:
            raise ConfigError(
                f"tokens need scalars of the seat itself, found {n_scalars} scalars in "
                f"{N_DIRECTIONS} directions with {config.direction_scalars} each and no others"
            )
        self.scalars = nn.Linear(self.n_own, config.scalar_features)
        self.tokens: Tokens | None = None
        if config.token_features:
            self.tokens = Tokens(facts=self._n_facts(), own=self.n_own, width=config.token_features)

    def _n_facts(self) -> int:
        if NEIGHBOURS in self.shapes:
            return self.shapes[NEIGHBOURS][1] - USED - 1
        if not self.config.direction_scalars:
            raise ConfigError(
                "tokens need the observation's neighbours, or scalars of each direction: set "
                "direction_scalars, or token_features = 0"
            )
        return self.config.direction_scalars

    def _read_views(self, observation: Mapping[str, Tensor]) -> list[Tensor]:
        return [
            branch(without_frame(observation[scale], self.shapes[scale][1]))
            for scale, branch in self.branches.items()
        ]

    def _own(self, observation: Mapping[str, Tensor]) -> Tensor:
        """Return the scalars that the scalar layers read, centred: with tokens the seat's own."""
        scalars = observation[SCALARS]
        n_later = self.config.later_scalars
        if n_later and self.n_own < scalars.shape[1]:
            scalars = torch.cat((scalars[:, : self.n_first], scalars[:, -n_later:]), dim=1)
        return centred(scalars[:, : self.n_own])

    def _directions(self, observation: Mapping[str, Tensor]) -> Tensor:
        """Return the scalars up to the last of a direction."""
        scalars = observation[SCALARS]
        return scalars[:, : scalars.shape[1] - self.config.later_scalars]

    def _read_scalars(self, observation: Mapping[str, Tensor]) -> Tensor:
        return F.relu(self.scalars(self._own(observation)))

    def _read_neighbours(self, observation: Mapping[str, Tensor]) -> _Neighbours | None:
        if self.tokens is None:
            return None
        if NEIGHBOURS in self.shapes:
            rows = observation[NEIGHBOURS].to(torch.float32)
        else:
            rows = directions_as_rows(self._directions(observation), self.config.direction_scalars)
        used = used_rows(rows)
        own = self._own(observation)
        return _Neighbours(rows, used, self.tokens(centred(rows[:, :, USED + 1 :]), own, used))

    def _finish(
        self, read: list[Tensor], observation: Mapping[str, Tensor], seen: _Neighbours | None
    ) -> Tensor:
        """Return float32[n, features_dim] for what the views, the tokens and the scalars gave."""
        features: Tensor = F.relu(self.output(torch.cat(read, dim=1)))
        if self.scores is None:
            return features
        if isinstance(self.scores, TokenScores):
            assert seen is not None
            scores = self.scores(seen.hidden, features, seen.rows)
        else:
            scores = self.scores(centred(self._directions(observation)), features)
        parts = [features, scores]
        if self.landing_scores is not None:
            parts.append(self.landing_scores(centred(observation[LANDINGS]), features))
        return torch.cat(parts, dim=1)

    @abstractmethod
    def join(self, observation: Mapping[str, Tensor], branches: list[Tensor]) -> Tensor:
        """Return float32[n, features_dim].

        Args:
            observation: the inputs of `shapes`; the views are not looked at.
            branches: float32[n, branch_features] for each view that is read, in order.
        """

    def forward(self, observation: Mapping[str, Tensor]) -> Tensor:
        """Return float32[n, features_dim]."""
        return self.join(observation, self._read_views(observation))


class MultiScaleAttention(_MultiScale):
    """Branches with attention, fused by attention of the scalars over the scales.

    scalars -> features -> query; keys and values from the branches; the result joined with the
    scalar features -> output. Tokens query the scales as the scalars do; scalars and tokens query
    the tokens, and each token is what it was plus what it found.
    """

    family = "attention"

    def __init__(self, shapes: Shapes, config: TorsoConfig) -> None:
        super().__init__(shapes, config, attention=True)
        n_joined = config.scalar_features
        self.fusion: ScaleFusion | None = None
        if config.views != "off":
            self.fusion = ScaleFusion(
                n_scales=len(SCALES),
                scalar_features=config.scalar_features,
                branch_features=config.branch_features,
                width=config.fusion,
                heads=config.heads,
                gated=config.views == "gated",
                token_features=config.token_features,
            )
            n_joined += config.fusion
        self.token_attention: TokenAttention | None = None
        self.token_views: nn.Linear | None = None
        if config.token_features:
            self.token_attention = TokenAttention(
                scalar_features=config.scalar_features,
                width=config.token_features,
                heads=config.token_heads,
            )
            n_joined += config.token_features
            if self.fusion is not None:
                # No bias: the tokens' attention has one.
                self.token_views = nn.Linear(config.fusion, config.token_features, bias=False)
        self.output = nn.Linear(n_joined, config.output)

    def join(self, observation: Mapping[str, Tensor], branches: list[Tensor]) -> Tensor:
        """Return float32[n, features_dim]; see `_MultiScale.join`."""
        scalars = self._read_scalars(observation)
        seen = self._read_neighbours(observation)
        parts = []
        from_views: Tensor | None = None
        if self.fusion is not None:
            views = torch.stack(branches, dim=1)
            if seen is None or self.token_views is None:
                parts.append(self.fusion(scalars, views))
            else:
                found = self.fusion(scalars, views, seen.hidden)
                parts.append(found[:, 0])
                from_views = self.token_views(found[:, 1:])
        if seen is not None:
            assert self.token_attention is not None
            found = self.token_attention(scalars, seen.hidden, seen.used)
            parts.append(F.relu(found[:, 0]))
            hidden = seen.hidden + found[:, 1:]
            if from_views is not None:
                hidden = hidden + from_views
            seen = replace(seen, hidden=F.relu(hidden) * seen.used[:, :, None])
        return self._finish([*parts, scalars], observation, seen)


class MultiScaleBaseline(_MultiScale):
    """The same branches and tokens without attention: views concatenated, tokens pooled."""

    family = "baseline"

    def __init__(self, shapes: Shapes, config: TorsoConfig) -> None:
        super().__init__(shapes, config, attention=False)
        n_joined = len(self.branches) * config.branch_features + config.scalar_features
        n_joined += 2 * config.token_features
        self.gate = None
        if config.views == "gated":
            self.gate = nn.Parameter(torch.zeros(len(SCALES), config.branch_features))
        self.output = nn.Linear(n_joined, config.output)

    def join(self, observation: Mapping[str, Tensor], branches: list[Tensor]) -> Tensor:
        """Return float32[n, features_dim]; see `_MultiScale.join`."""
        scalars = self._read_scalars(observation)
        seen = self._read_neighbours(observation)
        if self.gate is not None:
            branches = [view * gate for view, gate in zip(branches, self.gate, strict=True)]
        parts = [*branches]
        if seen is not None:
            parts.append(pooled(seen.hidden, seen.used))
        return self._finish([*parts, scalars], observation, seen)


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
    shapes = observation_shapes(spaces, config)
    if family == "attention":
        return MultiScaleAttention(shapes, config)
    if family == "baseline":
        return MultiScaleBaseline(shapes, config)
    raise ConfigError(f"a network's family must be one of {FAMILIES}, found {family!r}")
