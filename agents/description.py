"""SnapshotDescription and the header of a snapshot file: what can be read without torch.

A snapshot is one safetensors file: 8 bytes with the length of the header (little-endian), the
header (JSON: for each tensor its dtype, shape and place; our description under
`__metadata__.description`), then the tensors. Reading a header executes nothing and loads no
weights.
"""

from __future__ import annotations

import errno
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from agents.errors import (
    SnapshotArchitectureError,
    SnapshotCorruptError,
    SnapshotMissingError,
    SnapshotVersionError,
)
from arena.foreign import ForeignFileError, parse_json, read_start, reason_of
from msattn.config import FAMILIES, Shapes, TorsoConfig, observation_shapes
from msattn.errors import ConfigError

FORMAT_VERSION = 1

# Younger than the format: absent where the default holds, so that older descriptions mean what they
# did and keep their bytes, and an older program refuses what it could not play.
_OPTIONAL: dict[str, Any] = {"relation_mask": False}

# Our headers take about 10 kB; the bound guards against a damaged length.
_MAX_HEADER_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class SnapshotDescription:
    """Everything about a snapshot except its weights, as plain numbers and strings.

    Attributes:
        family: "attention" or "baseline".
        observation_version: version of the observation that the network reads.
        action_version: version of the actions that it chooses from.
        torso: widths of the network.
        shapes: shape of each input, without the batch.
        lineage: name of the chain of snapshots.
        parent: hash of the snapshot that this one continued, or None for the first.
        trained_decisions: decisions that the lineage was trained on.
        seed: seed of the training run.
        n_actions: number of logits.
        extra: free JSON, never interpreted here.
        probe_logits: logits for the fixed probe observation, filled in at saving.
        probe_value: value of the probe observation, filled in at saving.
        format_version: version of this layout.
        relation_mask: whether it was trained, and plays, with the mask of agents.relations.
    """

    family: str
    observation_version: int
    action_version: int
    torso: TorsoConfig
    shapes: Shapes
    lineage: str = ""
    parent: str | None = None
    trained_decisions: int = 0
    seed: int = 0
    n_actions: int = 45
    extra: Mapping[str, Any] = field(default_factory=dict)
    probe_logits: tuple[float, ...] = ()
    probe_value: float = 0.0
    format_version: int = FORMAT_VERSION
    relation_mask: bool = False

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise SnapshotArchitectureError(
                f"a snapshot's family must be one of {FAMILIES}, found {self.family!r}"
            )
        if not 1 <= self.n_actions <= 4096:
            raise SnapshotArchitectureError(f"n_actions must be 1..4096, found {self.n_actions}")
        try:
            object.__setattr__(self, "shapes", observation_shapes(self.shapes, self.torso))
        except ConfigError as error:
            raise SnapshotArchitectureError(f"a snapshot's inputs are unusable: {error}") from error

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON types; an optional one only where it is not the default."""
        values = asdict(self) | {
            "torso": self.torso.to_dict(),
            "shapes": {key: list(shape) for key, shape in self.shapes.items()},
            "extra": dict(self.extra),
            "probe_logits": list(self.probe_logits),
        }
        for name, usual in _OPTIONAL.items():
            if values[name] == usual:
                del values[name]
        return values

    def to_json(self) -> str:
        """Return JSON with sorted keys, so that equal descriptions give equal bytes."""
        return json.dumps(self.to_dict(), sort_keys=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> SnapshotDescription:
        """Rebuild from `to_json`.

        Raises:
            SnapshotCorruptError: not a description.
            SnapshotVersionError: a description in another layout.
            SnapshotArchitectureError: a network that cannot be built.
        """
        try:
            values = parse_json(text)
        except ValueError as error:
            raise SnapshotCorruptError(
                f"a snapshot's description is not JSON: {reason_of(error)}"
            ) from error
        if not isinstance(values, dict):
            raise SnapshotCorruptError(
                f"a snapshot's description is not a JSON object: {text[:80]!r}"
            )
        version = values.get("format_version")
        if version != FORMAT_VERSION:
            raise SnapshotVersionError(
                f"the snapshot has format {version!r} and this program reads {FORMAT_VERSION}; "
                "update the program, or save the snapshot again with this one"
            )
        _check_types(values)
        values["probe_logits"] = tuple(values["probe_logits"])
        try:
            values["torso"] = TorsoConfig.from_dict(values["torso"])
        except ConfigError as error:
            raise SnapshotArchitectureError(f"the snapshot's network: {error}") from error
        return cls(**values)


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]


def _check_types(values: dict[str, Any]) -> None:
    """Raise SnapshotCorruptError unless the keys and their JSON types are a description's."""
    expected = {entry.name for entry in fields(SnapshotDescription)}
    required = expected - set(_OPTIONAL)
    if not required <= set(values) <= expected:
        raise SnapshotCorruptError(
            f"a snapshot's description has missing keys {sorted(required - set(values))} and "
            f"unknown keys {sorted(set(values) - expected)}"
        )
    integers = ("observation_version", "action_version", "trained_decisions", "seed", "n_actions")
    good = {name: type(values[name]) is int for name in integers}
    good |= {name: isinstance(values[name], str) for name in ("family", "lineage")}
    good |= {name: isinstance(values[name], dict) for name in ("torso", "extra", "shapes")}
    good["relation_mask"] = isinstance(values.get("relation_mask", False), bool)
    good["parent"] = values["parent"] is None or isinstance(values["parent"], str)
    good["probe_value"] = _is_number(values["probe_value"])
    logits = values["probe_logits"]
    good["probe_logits"] = isinstance(logits, list) and all(map(_is_number, logits))
    good["shapes"] = good["shapes"] and all(
        isinstance(shape, list) and all(type(length) is int for length in shape)
        for shape in values["shapes"].values()
    )
    wrong = {name: values.get(name) for name, is_good in good.items() if not is_good}
    if wrong:
        raise SnapshotCorruptError(
            f"a snapshot's description has values of the wrong type: {str(wrong)[:200]}"
        )


@dataclass(frozen=True)
class SnapshotHeader:
    """What a snapshot file says about itself.

    Attributes:
        shapes: shape of each tensor by its name.
        size: bytes that the whole file must have.
        description: the description.
    """

    shapes: dict[str, tuple[int, ...]]
    size: int
    description: SnapshotDescription


def parse_header(raw: bytes, name: str) -> SnapshotHeader:
    """Parse the header of a snapshot file, from the whole file or from its beginning.

    Args:
        raw: the file from its first byte, at least the header.
        name: what to call the file in a message.

    Raises:
        SnapshotError: as `describe`.
    """
    length = int.from_bytes(raw[:8], "little")
    if len(raw) < 8 or length > _MAX_HEADER_BYTES or len(raw) < 8 + length:
        raise SnapshotCorruptError(
            f"{name} is not a snapshot: its first 8 bytes announce a header of {length} bytes, and "
            f"{max(len(raw) - 8, 0)} bytes follow"
        )
    try:
        header = parse_json(raw[8 : 8 + length])
        metadata = header.pop("__metadata__", {})
        shapes = {key: tuple(map(int, entry["shape"])) for key, entry in header.items()}
        end = max((int(entry["data_offsets"][1]) for entry in header.values()), default=0)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise SnapshotCorruptError(
            f"{name} has no readable safetensors header: {reason_of(error)}"
        ) from error
    if not isinstance(metadata, dict) or not isinstance(metadata.get("description"), str):
        raise SnapshotCorruptError(
            f"{name} is a safetensors file without our description: it was not saved by a league"
        )
    description = SnapshotDescription.from_json(metadata["description"])
    return SnapshotHeader(shapes, 8 + length + end, description)


def check_size(header: SnapshotHeader, size: int, name: str) -> None:
    """Raise SnapshotCorruptError unless a file has the size in bytes that its header gives."""
    if size != header.size:
        raise SnapshotCorruptError(
            f"{name} has {size} bytes and its header says {header.size}: it was truncated or "
            "overwritten; restore it from a backup"
        )


def unreadable(error: ForeignFileError) -> Exception:
    """Return what a snapshot file that cannot be read raises.

    A file that is missing or is not a file at all is a SnapshotError. What the machine refuses for
    now (permissions, a failing disk, too many open files) stays an OSError: no member is to blame.
    """
    if isinstance(error.__cause__, FileNotFoundError):
        return SnapshotMissingError(f"there is no snapshot file: {error}")
    if error.errno in (errno.EISDIR, errno.EINVAL, errno.EFBIG, errno.ELOOP, errno.ENAMETOOLONG):
        return SnapshotCorruptError(str(error))
    return error


def describe(path: str | Path) -> SnapshotDescription:
    """Return the description of a snapshot file, reading only its header, without torch.

    Checks the file's size against the header, not its hash: `SnapshotStore.load` does that.

    Raises:
        SnapshotMissingError: no such file.
        SnapshotCorruptError: not a snapshot, or truncated.
        SnapshotVersionError: a description in another layout.
        SnapshotArchitectureError: a network that cannot be built.
    """
    path = Path(path)
    try:
        start, size = read_start(path, 8 + _MAX_HEADER_BYTES)
    except ForeignFileError as error:
        raise unreadable(error) from error
    header = parse_header(start, str(path))
    check_size(header, size, str(path))
    return header.description
