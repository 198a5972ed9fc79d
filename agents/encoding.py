"""The bytes of a snapshot file: weights and description to bytes, and back through every check.

The store (`agents.snapshots`) decides where the bytes are kept and under which name; this module
decides what they are. Neither direction touches torch's random streams or executes anything from a
file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor

from agents.description import SnapshotDescription, SnapshotHeader, check_size, parse_header
from agents.errors import (
    SnapshotArchitectureError,
    SnapshotCorruptError,
    SnapshotNonFiniteError,
    SnapshotProbeError,
)
from arena.foreign import PARSER_ERRORS, reason_of
from msattn.actor_critic import ActorCritic
from msattn.config import N_DIRECTIONS, NEIGHBOURS, SCALES, Shapes

# float32 on another processor differs by about 1e-6 of the largest logit; a network that computes
# something else differs by a large part of it.
_PROBE_RELATIVE = 1e-3
_PROBE_ABSOLUTE = 1e-5
_DAMAGE: tuple[type[BaseException], ...] = (*PARSER_ERRORS, SafetensorError)


def probe_observation(shapes: Shapes) -> dict[str, NDArray[Any]]:
    """Return one fixed observation, made by integer arithmetic alone so that it never changes.

    Images are uint8[1, C, S, S], scalars and neighbours float32 in -1..1: the multiplicative hash
    (2654435761 * i mod 2**32) of the running index i.
    """
    probe: dict[str, NDArray[Any]] = {}
    for key, shape in shapes.items():
        index = np.arange(int(np.prod(shape)), dtype=np.uint64)
        hashed = (index * np.uint64(2654435761)) % np.uint64(2**32) >> np.uint64(16)
        if len(shape) == 3:
            probe[key] = (hashed % np.uint64(256)).astype(np.uint8).reshape(1, *shape)
        else:
            scaled = hashed.astype(np.float32) / np.float32(32768.0) - np.float32(1.0)
            probe[key] = scaled.reshape(1, *shape)
    return probe


def noise_observations(shapes: Shapes, n: int) -> dict[str, NDArray[Any]]:
    """Return `n` observations of seeded noise, where any will do: timings, comparisons of logits.

    Images are uint8[n, C, S, S], scalars float32[n, F], standard normal, as are the facts of the
    neighbours, float32[n, R, 8 + T], in use where one of the 8 random directions points at a row.
    """
    rng = np.random.Generator(np.random.PCG64(0))
    noise = {
        key: rng.integers(0, 256, (n, *shape), dtype=np.uint8)
        if key in SCALES
        else rng.standard_normal((n, *shape)).astype(np.float32)
        for key, shape in shapes.items()
    }
    if NEIGHBOURS in noise:
        rows = noise[NEIGHBOURS]
        target = rng.integers(-1, rows.shape[1], (n, N_DIRECTIONS))  # of each direction; -1 is none
        rows[:, :, :N_DIRECTIONS] = target[:, None, :] == np.arange(rows.shape[1])[None, :, None]
        used: NDArray[Any] = rows[:, :, :N_DIRECTIONS].max(axis=2)
        rows[:, :, N_DIRECTIONS] = used
        rows *= used[:, :, None]
    return noise


def _network(description: SnapshotDescription, weights: dict[str, Tensor]) -> ActorCritic:
    """Return a frozen network around `weights`, which it uses without copying.

    Raises:
        SnapshotArchitectureError: names, shapes or dtypes do not match the description.
    """
    network = ActorCritic.on_meta(
        description.family,
        description.shapes,
        description.torso,
        n_actions=description.n_actions,
    )
    expected = {name: (tuple(t.shape), t.dtype) for name, t in network.state_dict().items()}
    found = {name: (tuple(t.shape), t.dtype) for name, t in weights.items()}
    if expected != found:
        wrong = [name for name in sorted(expected | found) if expected.get(name) != found.get(name)]
        name = wrong[0]
        raise SnapshotArchitectureError(
            f"the weights do not fit a {description.family!r} network of {description.torso}: "
            f"{len(wrong)} differ, first {name!r}: expected {expected.get(name, 'none')}, found "
            f"{found.get(name, 'none')}"
        )
    network.load_state_dict(weights, assign=True)
    return network.eval().requires_grad_(False)


def _probe(network: ActorCritic, shapes: Shapes) -> tuple[tuple[float, ...], float]:
    """Return the logits and the value of the probe observation."""
    observation = {key: torch.from_numpy(x) for key, x in probe_observation(shapes).items()}
    with torch.inference_mode():
        logits, values = network(observation)
    return tuple(float(x) for x in logits[0]), float(values[0])


def _require_finite(weights: Mapping[str, Tensor], name: str) -> None:
    for key, tensor in weights.items():
        if not bool(torch.isfinite(tensor).all()):
            n_bad = int((~torch.isfinite(tensor)).sum())
            raise SnapshotNonFiniteError(
                f"{name}: {n_bad} of {tensor.numel()} numbers of {key!r} are not finite"
            )


def encode(
    state_dict: Mapping[str, Tensor], description: SnapshotDescription
) -> tuple[bytes, SnapshotDescription]:
    """Return the bytes of a snapshot file and its description with the probe filled in.

    Equal weights and descriptions give equal bytes. The tensors are copied to the CPU first: the
    learner goes on changing its own.

    Raises:
        SnapshotArchitectureError: the weights do not fit the described network.
        SnapshotNonFiniteError: a weight, a logit or the value is not finite.
    """
    weights = {
        key: tensor.detach().to("cpu", copy=True).contiguous()
        for key, tensor in sorted(state_dict.items())
    }
    network = _network(description, weights)
    _require_finite(weights, "the weights to save")
    logits, value = _probe(network, description.shapes)
    if not np.isfinite([*logits, value]).all():
        raise SnapshotNonFiniteError(
            f"the weights to save are finite, but the network overflows: value {value}, logits "
            f"{logits[:3]}..."
        )
    description = replace(description, probe_logits=logits, probe_value=value)
    raw = safetensors.torch.save(weights, metadata={"description": description.to_json()})
    return raw, description


def decode(raw: bytes, name: str) -> tuple[SnapshotHeader, ActorCritic]:
    """Check a snapshot file and return its header and network; see `SnapshotStore.load`."""
    header = parse_header(raw, name)
    check_size(header, len(raw), name)
    try:
        weights = safetensors.torch.load(raw)
    except _DAMAGE as error:
        raise SnapshotCorruptError(f"{name} has no readable tensors: {reason_of(error)}") from error
    network = _network(header.description, weights)
    _require_finite(weights, name)
    logits, value = _probe(network, header.description.shapes)
    stored = np.array([*header.description.probe_logits, header.description.probe_value])
    found = np.array([*logits, value])
    if stored.shape != found.shape:
        raise SnapshotProbeError(
            f"{name} stores {stored.size - 1} probe logits and its network has {found.size - 1}"
        )
    for what, now, then in (
        ("logits", found[:-1], stored[:-1]),
        ("value", found[-1:], stored[-1:]),
    ):
        worst = float(np.abs(now - then).max())
        # Written so that NaN fails.
        if not worst <= _PROBE_ABSOLUTE + _PROBE_RELATIVE * float(np.abs(then).max()):
            raise SnapshotProbeError(
                f"{name}: the {what} of the probe observation differ by {worst:.3g} from those "
                "stored at saving; this program's network is not the one that was trained, so use "
                "the program version that saved it"
            )
    return header, network
