"""TorsoConfig: the widths of a network, as plain numbers that fit into a JSON description.

Owns what may vary between two networks of one family, the limits of each number and the two
presets. It does without torch, so that a snapshot's description can be read and checked without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from msattn.errors import ConfigError

FAMILIES = ("attention", "baseline")
SCALES = ("global", "local", "tactical")
SCALARS = "scalars"
NORMS = ("group", "batch")

Shapes = dict[str, tuple[int, ...]]

# Far above any sensible network; they keep a hostile description from exhausting memory.
_MAX_WIDTH = 4096
_MAX_LAYERS = 8
_MAX_IMAGE = 2048
_MAX_CHANNELS = 16


@dataclass(frozen=True)
class TorsoConfig:
    """Widths of a torso; the defaults are the `classic` preset's, without direction scores.

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
        direction_hidden: width of the hidden layer that scores a direction.
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
            )
        }
        if type(self.direction_scalars) is not int or not 0 <= self.direction_scalars <= _MAX_WIDTH:
            raise ConfigError(
                f"TorsoConfig.direction_scalars must be an integer in 0..{_MAX_WIDTH}, found "
                f"{self.direction_scalars!r}"
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
        if self.norm not in NORMS:
            raise ConfigError(f"TorsoConfig.norm must be one of {NORMS}, found {self.norm!r}")

    @classmethod
    def preset(cls, name: str) -> TorsoConfig:
        """Return the preset of a name, `small` or `classic`, which goes with the league's preset.

        Parameters with heads, at the observation's 12 channels and 104 scalars (`league bench
        networks` prints them), and milliseconds per observation, measured before the direction
        scores were added, on one x86 core (one torch thread; small: batch 64, best of 30; classic:
        batch 16, best of 5):

        ========  =========  ==========  =======  ==================
        preset    family     parameters  forward  forward + backward
        ========  =========  ==========  =======  ==================
        small     attention     244,319     0.18                0.50
        small     baseline      258,331     0.14                0.37
        classic   attention   1,360,846      4.4                13.8
        classic   baseline    1,383,667      3.8                11.6
        ========  =========  ==========  =======  ==================

        So on a CPU attention makes the network 15 to 35 % slower, not the 10 % aimed at; first
        layers of 24 and later ones of 48 or 64 channels gave about the same share. `classic`
        ends in 48 channels, not 64, to keep the baseline below 1.5 million.
        """
        if name == "classic":
            return cls(direction_scalars=11)
        if name == "small":
            return cls(
                channels=(8, 16, 32),
                branch_features=96,
                scalar_features=64,
                heads=4,
                fusion=96,
                output=256,
                direction_scalars=11,
                direction_hidden=32,
            )
        raise ConfigError(f"unknown network preset {name!r}: expected 'small' or 'classic'")

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return asdict(self) | {"channels": list(self.channels)}

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


def observation_shapes(spaces: Any) -> Shapes:
    """Check the four inputs that a network reads and return their shapes.

    Args:
        spaces: a `gymnasium.spaces.Dict`, or a mapping from key to a space or to a shape.
            Other keys, such as `action_mask`, are ignored. A space with a `margin` shows its image
            in a frame of so many cells, which networks cut off and which does not count.

    Raises:
        ConfigError: a key is missing, an image is not (C <= 16, size, size) with a size that is a
            multiple of 16, or the scalars are not a vector.
    """
    entries = getattr(spaces, "spaces", spaces)
    shapes: Shapes = {}
    for key in (*SCALES, SCALARS):
        if key not in entries:
            raise ConfigError(
                f"the observation needs the keys {(*SCALES, SCALARS)}, found {sorted(entries)}"
            )
        entry = entries[key]
        shape = tuple(int(length) for length in getattr(entry, "shape", entry))
        margin = int(getattr(entry, "margin", 0))
        if margin and len(shape) == 3:
            shape = (shape[0], shape[1] - 2 * margin, shape[2] - 2 * margin)
        shapes[key] = shape
        if key == SCALARS:
            if len(shape) != 1 or not 1 <= shape[0] <= _MAX_WIDTH:
                raise ConfigError(f"{key!r} must be a vector of 1..{_MAX_WIDTH}, found {shape}")
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
