"""TorsoConfig: the widths of a network, as plain numbers that fit into a JSON description.

Owns what may vary between two networks of one family, the limits of each number, the two presets
and which parts of an observation a network reads. It does without torch, so that a snapshot's
description can be read and checked without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from msattn.errors import ConfigError

FAMILIES = ("attention", "baseline")
SCALES = ("global", "local", "tactical")
SCALARS = "scalars"
NEIGHBOURS = "neighbours"
LANDINGS = "landings"
NORMS = ("group", "batch")
VIEWS = ("on", "gated", "off")
N_DIRECTIONS = 8

Shapes = dict[str, tuple[int, ...]]

# Far above any sensible network; they keep a hostile description from exhausting memory.
_MAX_WIDTH = 4096
_MAX_LAYERS = 8
_MAX_IMAGE = 2048
_MAX_CHANNELS = 16
_MAX_ROWS = 64

# Descriptions of networks without neighbours are those of before, to the byte.
_LATER_FIELDS = ("views", "token_features", "token_heads", "later_scalars")


@dataclass(frozen=True)
class TorsoConfig:
    """Widths of a torso; the defaults are the first `classic` preset's, without direction scores.

    Attributes:
        channels: output channels of the stride-2 convolutions of a branch, first to last. A view
            too small for all of them uses the first ones (see `extractors.n_layers`).
        branch_features: features per scale.
        scalar_features: features of the scalar vector; also the input of the fusion's query.
        heads: heads of the fusion's attention; divides `fusion`.
        fusion: width of the fusion's attention (the attention family only).
        output: width of the torso's output, which the policy and value heads read.
        norm: "group" (no state that differs between rollout and update) or "batch".
        grid: a branch's last feature map is pooled to at most `grid` x `grid` cells.
        direction_scalars: scalars per direction, for 8 directions at the end of the vector (see
            `directions`); 0 means none, and no direction scores.
        direction_hidden: width of the hidden layer that scores a direction or a neighbour.
        views: whether the three views are read: "on", "gated" (through gates that start at zero, so
            that the network starts as one without views) or "off" (no branches are built).
        token_features: width of a neighbour's hidden state (see `tokens`); 0 reads no neighbours.
            An observation without the key `neighbours` then gives one token per direction.
        token_heads: heads with which tokens attend to each other; divides `token_features` (the
            attention family only).
        later_scalars: scalars of the seat itself that follow those of the directions.
    """

    channels: tuple[int, ...] = (32, 64, 64, 48)
    branch_features: int = 256
    scalar_features: int = 128
    heads: int = 8
    fusion: int = 256
    output: int = 512
    norm: str = "group"
    grid: int = 4
    direction_scalars: int = 0
    direction_hidden: int = 64
    views: str = "on"
    token_features: int = 0
    token_heads: int = 4
    later_scalars: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", tuple(self.channels))
        if not 1 <= len(self.channels) <= _MAX_LAYERS:
            raise ConfigError(
                f"TorsoConfig.channels must name 1 to {_MAX_LAYERS} layers, found {self.channels!r}"
            )
        widths = {f"channels[{i}]": width for i, width in enumerate(self.channels)}
        widths |= {
            name: getattr(self, name)
            for name in (
                "branch_features",
                "scalar_features",
                "heads",
                "fusion",
                "output",
                "grid",
                "direction_hidden",
                "token_heads",
            )
        }
        for name in ("direction_scalars", "token_features", "later_scalars"):
            width = getattr(self, name)
            if type(width) is not int or not 0 <= width <= _MAX_WIDTH:
                raise ConfigError(
                    f"TorsoConfig.{name} must be an integer in 0..{_MAX_WIDTH}, found {width!r}"
                )
        for name, width in widths.items():
            if type(width) is not int or not 1 <= width <= _MAX_WIDTH:
                raise ConfigError(
                    f"TorsoConfig.{name} must be an integer in 1..{_MAX_WIDTH}, found {width!r}"
                )
        for width in self.channels:
            if width % 8:
                raise ConfigError(
                    "TorsoConfig.channels must be multiples of 8 (8 norm groups, and channel "
                    f"attention squeezes by 8), found {self.channels!r}"
                )
        if self.fusion % self.heads:
            raise ConfigError(
                f"TorsoConfig.fusion ({self.fusion}) must be a multiple of heads ({self.heads})"
            )
        if self.token_features % self.token_heads:
            raise ConfigError(
                f"TorsoConfig.token_features ({self.token_features}) must be a multiple of "
                f"token_heads ({self.token_heads})"
            )
        for name, known in (("norm", NORMS), ("views", VIEWS)):
            if getattr(self, name) not in known:
                raise ConfigError(
                    f"TorsoConfig.{name} must be one of {known}, found {getattr(self, name)!r}"
                )

    @classmethod
    def preset(cls, name: str, observation: Any = None, *, views: str | None = None) -> TorsoConfig:
        """Return the preset of a name, `small` or `classic`, which goes with the league's preset.

        The observation decides between the two versions of a preset: the second reads the
        neighbours as tokens, and the views, if at all, through gates.

        Args:
            observation: what `observation_shapes` takes; None is one without neighbours.
            views: as in the class; None is "on" in the first version, and in the second "gated" for
                `classic` and "off" for `small`, where views did not pay (docs/learning.md).
                "gated" and "off" always mean the second, whose tokens are the directions where
                the observation has no neighbours.

        Parameters with heads, at the observation's 12 channels, 104 scalars and 42 columns of
        neighbours (`league bench networks` prints them), and milliseconds of processor time per
        observation with 256 rows on one busy x86 core (small; one torch thread, third best of 12):

        ========  =======  =====  =========  ==========  =======  ==================
        preset    version  views  family     parameters  forward  forward + backward
        ========  =======  =====  =========  ==========  =======  ==================
        small           1  on     attention     244,319     0.11                0.33
        small           1  on     baseline      258,331     0.09                0.25
        small           2  gated  attention     260,627   0.14                0.40
        small           2  gated  baseline      249,771   0.10                0.26
        small           2  off    attention      32,335   0.02                0.05
        small           2  off    baseline       27,691   0.01                0.02
        classic         1  on     attention   1,360,846
        classic         1  on     baseline    1,383,667
        classic         2  gated  attention   1,483,586
        classic         2  gated  baseline    1,469,987
        ========  =======  =====  =========  ==========  =======  ==================

        So on a CPU attention makes the network up to 50 % slower, not the 10 % aimed at; first
        layers of 24 and later ones of 48 or 64 channels gave about the same share. `classic`
        ends in 48 channels, not 64, to keep the baseline below 1.5 million.
        """
        if name not in _PRESETS:
            raise ConfigError(f"unknown network preset {name!r}: expected 'small' or 'classic'")
        entries = getattr(observation, "spaces", observation) or ()
        if views is None:
            views = _VIEWS[name] if NEIGHBOURS in entries else "on"
        widths = _PRESETS[name]
        if NEIGHBOURS in entries or views != "on":
            widths = widths | (_LEAN if views == "off" else _TOKENS)[name] | {"views": views}
        if LANDINGS in entries:
            widths = widths | {"later_scalars": _LATER_SCALARS}
        return cls(**widths)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON types, those of the second version only where they are used."""
        values = asdict(self) | {"channels": list(self.channels)}
        defaults = type(self)()
        for name in _LATER_FIELDS:
            if values[name] == getattr(defaults, name):
                del values[name]
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TorsoConfig:
        """Rebuild from `to_dict`; raise ConfigError if a key is unknown."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ConfigError(
                f"unknown keys in a network description: {unknown}; known: {sorted(known)}"
            )
        channels = values.get("channels", cls.channels)
        if not isinstance(channels, list | tuple):
            raise ConfigError(f"channels must be a list of integers, found {channels!r}")
        return cls(**{**values, "channels": tuple(channels)})


_PRESETS: dict[str, dict[str, Any]] = {
    "classic": {"direction_scalars": 11},
    "small": {
        "channels": (8, 16, 32),
        "branch_features": 96,
        "scalar_features": 64,
        "heads": 4,
        "fusion": 96,
        "output": 256,
        "direction_scalars": 11,
        "direction_hidden": 32,
    },
}
_LATER_SCALARS = 20  # of an observation with landings
_VIEWS = {"small": "off", "classic": "gated"}  # of the second version
# Where the second version differs from the first.
_TOKENS: dict[str, dict[str, Any]] = {
    "classic": {"token_features": 80},
    "small": {"output": 192, "token_features": 48},
}
# Without views: few weights, which learn faster than many (docs/learning.md).
_LEAN: dict[str, dict[str, Any]] = {
    "classic": {
        "scalar_features": 96,
        "output": 128,
        "direction_hidden": 48,
        "token_features": 64,
    },
    "small": {"scalar_features": 48, "output": 96, "token_features": 40},
}


def inputs_of(config: TorsoConfig, observation: Any) -> tuple[str, ...]:
    """Return the keys of an observation that a network reads, in their order.

    Args:
        observation: a mapping or a `gymnasium.spaces.Dict` with the observation's keys.
    """
    scales = () if config.views == "off" else SCALES
    has_rows = NEIGHBOURS in getattr(observation, "spaces", observation)
    rows = (NEIGHBOURS,) if config.token_features and has_rows else ()
    has_landings = LANDINGS in getattr(observation, "spaces", observation)
    landings = (LANDINGS,) if rows and has_landings else ()
    return (*scales, SCALARS, *rows, *landings)


def observation_shapes(spaces: Any, config: TorsoConfig | None = None) -> Shapes:
    """Check the inputs that a network may read and return their shapes.

    Args:
        spaces: a `gymnasium.spaces.Dict`, or a mapping from key to a space or to a shape.
            Keys other than the views, `scalars`, `neighbours` and `landings`, such as
            `action_mask`, are ignored. A space with a `margin` shows its image in a frame of so
            many cells, which networks cut off and which does not count.
        config: of the network; one that does not read the views can do without them.

    Raises:
        ConfigError: a key is missing, an image is not (C <= 16, size, size) with a size that is a
            multiple of 16, the scalars are not a vector, or the neighbours are not rows of 8
            directions and at least two facts, or the landings are not 8 rows.
    """
    entries = getattr(spaces, "spaces", spaces)
    needed = (*SCALES, SCALARS) if config is None else inputs_of(config, entries)
    shapes: Shapes = {}
    for key in (*SCALES, SCALARS, NEIGHBOURS, LANDINGS):
        if key not in entries:
            if key not in needed:
                continue
            raise ConfigError(f"the observation needs the keys {needed}, found {sorted(entries)}")
        entry = entries[key]
        shape = tuple(int(length) for length in getattr(entry, "shape", entry))
        margin = int(getattr(entry, "margin", 0))
        if margin and len(shape) == 3:
            shape = (shape[0], shape[1] - 2 * margin, shape[2] - 2 * margin)
        shapes[key] = shape
        if key == SCALARS:
            if len(shape) != 1 or not 1 <= shape[0] <= _MAX_WIDTH:
                raise ConfigError(f"{key!r} must be a vector of 1..{_MAX_WIDTH}, found {shape}")
        elif key == NEIGHBOURS:
            fits = len(shape) == 2 and 1 <= shape[0] <= _MAX_ROWS
            if not fits or not N_DIRECTIONS + 2 <= shape[1] <= _MAX_WIDTH:
                raise ConfigError(
                    f"{key!r} must be (rows, columns) with 1..{_MAX_ROWS} rows and {N_DIRECTIONS} "
                    f"columns of directions before at least two of facts, found {shape}"
                )
        elif key == LANDINGS:
            if len(shape) != 2 or shape[0] != N_DIRECTIONS or not 1 <= shape[1] <= _MAX_WIDTH:
                raise ConfigError(
                    f"{key!r} must be ({N_DIRECTIONS}, columns) with 1..{_MAX_WIDTH} columns, "
                    f"found {shape}"
                )
        elif (
            len(shape) != 3
            or not 1 <= shape[0] <= _MAX_CHANNELS
            or shape[1] != shape[2]
            or shape[1] % 16
            or not 16 <= shape[1] <= _MAX_IMAGE
        ):
            raise ConfigError(
                f"{key!r} must be (C, S, S) with C <= {_MAX_CHANNELS} and S a multiple of 16 up "
                f"to {_MAX_IMAGE}, found {shape}"
            )
    return shapes
