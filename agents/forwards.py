"""Forward passes of frozen networks on a GPU: few sizes of batches, and one graph for each.

Launching the kernels of a small network takes longer than computing them. A CUDA graph launches all
of them at once, for one number of rows: so rows are padded to the next of few sizes (`BUCKETS`),
and all members of one architecture share the graphs, into whose network their weights are copied.
Without CUDA the same code runs without graphs; that is how it is tested.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Mapping
from statistics import median
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from msattn.actor_critic import ActorCritic
from msattn.config import Shapes
from msattn.errors import first_line
from msattn.probing import LEAST_GAIN, wait_for
from msattn.staging import Lane, Staging

log = logging.getLogger(__name__)

BUCKETS = (16, 64, 256)
_WARM_UPS = 3  # passes before a capture: libraries choose their algorithms in the first
_PROBE_REPEATS = 10


def bucket_of(n_rows: int) -> int:
    """Return the size that so many rows, at most the largest, are padded to."""
    return next(size for size in BUCKETS if n_rows <= size)


def parts(n_rows: int) -> list[slice]:
    """Return the rows of each pass, the largest size at most."""
    return [slice(i, min(i + BUCKETS[-1], n_rows)) for i in range(0, n_rows, BUCKETS[-1])]


def _weights(network: nn.Module) -> list[Tensor]:
    """Return parameters and floating buffers, in their order."""
    held = network.state_dict(keep_vars=True).values()
    return [each for each in held if each.is_floating_point()]


def _type_of(shape: tuple[int, ...]) -> torch.dtype:
    return torch.uint8 if len(shape) == 3 else torch.float32


def _architecture(network: ActorCritic) -> tuple[object, ...]:
    """Return what is equal for networks that can share a graph."""
    shapes = tuple((name, tuple(x.shape)) for name, x in network.state_dict().items())
    config = network.torso.config
    return (network.torso.family, repr(config), tuple(network.torso.shapes.items()), shapes)


class _Pass:
    """One (architecture, size): a network whose weights are exchanged, its inputs and its outputs.

    Attributes:
        inputs: by key, [size, ...] on the device; rows that are not used hold what was there.
    """

    def __init__(
        self, network: ActorCritic, shapes: Shapes, size: int, device: torch.device, capture: bool
    ) -> None:
        self._network = copy.deepcopy(network).to(device).eval().requires_grad_(False)
        held = _weights(self._network)
        self._flat = torch.cat([x.detach().flatten() for x in held])
        for x, view in zip(held, torch.split(self._flat, [x.numel() for x in held]), strict=True):
            x.data = view.view_as(x)
        self.inputs = {
            key: torch.zeros((size, *shape), device=device, dtype=_type_of(shape))
            for key, shape in shapes.items()
        }
        self._graph: torch.cuda.CUDAGraph | None = None
        if capture:
            self._capture(device)

    def _capture(self, device: torch.device) -> None:
        side = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(side):
            for _ in range(_WARM_UPS):
                self._network(self.inputs)
        torch.cuda.current_stream(device).wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._logits = self._network(self.inputs)[0]

    def run(self, flat: Tensor) -> Tensor:
        """Return logits float32[size, A] of the inputs with these weights; valid until the next."""
        self._flat.copy_(flat)
        if self._graph is None:
            self._logits = self._network(self.inputs)[0]
        else:
            self._graph.replay()
        logits: Tensor = self._logits
        return logits


class SharedForwards:
    """The passes of all frozen members that play on one device.

    Not for networks whose weights still change: each network's are read once.

    Args:
        capture: whether to make CUDA graphs.
        lane: of the copies; None takes that of the device.
    """

    def __init__(
        self, device: torch.device, *, capture: bool = True, lane: Lane | None = None
    ) -> None:
        self.device = device
        self._capture = capture
        self._passes: dict[tuple[object, ...], _Pass] = {}
        self._known: WeakKeyDictionary[nn.Module, tuple[tuple[object, ...], Tensor]]
        self._known = WeakKeyDictionary()
        self._staging = Staging(device, lane)

    def logits(
        self, network: ActorCritic, shapes: Shapes, observation: Mapping[str, NDArray[Any] | Tensor]
    ) -> Tensor:
        """Return float32[n, A] on the device, within rounding those of the network itself.

        Args:
            shapes: of the inputs that the network reads.
            observation: by key [n, ...]: the host's arrays, or tensors of the device.
        """
        known = self._known.get(network)
        if known is None:
            flat = torch.cat([x.detach().flatten() for x in _weights(network)]).to(self.device)
            known = self._known[network] = (_architecture(network), flat)
        architecture, flat = known
        n = len(observation["scalars"])
        found = []
        with torch.inference_mode():
            for rows in parts(n):
                size = bucket_of(rows.stop - rows.start)
                key = (architecture, size)
                if key not in self._passes:
                    with torch.inference_mode(False), torch.no_grad():
                        self._passes[key] = _Pass(network, shapes, size, self.device, self._capture)
                one = self._passes[key]
                self._fill(one.inputs, observation, rows)
                found.append(one.run(flat)[: rows.stop - rows.start].clone())
        return torch.cat(found)

    def _fill(
        self,
        inputs: Mapping[str, Tensor],
        observation: Mapping[str, NDArray[Any] | Tensor],
        rows: slice,
    ) -> None:
        n = rows.stop - rows.start
        here: dict[str, NDArray[Any]] = {}
        self._staging.begin()
        for key, target in inputs.items():
            source = observation[key]
            if isinstance(source, Tensor):
                target[:n].copy_(source[rows])
            else:
                here[key] = source
        self._staging.bring({key: inputs[key][:n] for key in here}, here, rows)


def probe_graphs(
    device: torch.device, network: ActorCritic, shapes: Shapes
) -> tuple[SharedForwards | None, str]:
    """Return passes with graphs where they work and pay, and what was found, in words.

    Args:
        network: of the architecture that most members have; it is copied.
    """
    if device.type != "cuda":
        return None, f"off: {device.type} has no CUDA graphs"
    frozen = copy.deepcopy(network).to(device).eval().requires_grad_(False)
    rows = {
        key: np.zeros((BUCKETS[1], *shape), np.uint8 if len(shape) == 3 else np.float32)
        for key, shape in shapes.items()
    }
    arms = {name: SharedForwards(device, capture=name == "graph") for name in ("graph", "plain")}
    spent: dict[str, list[float]] = {name: [] for name in arms}
    try:
        for repeat in range(_PROBE_REPEATS + 1):
            for name, arm in arms.items():
                wait_for(device)
                began = time.perf_counter()
                arm.logits(frozen, shapes, rows)
                wait_for(device)
                if repeat > 0:
                    spent[name].append(time.perf_counter() - began)
    except RuntimeError as error:  # a driver or an operation that cannot be captured
        log.debug("no CUDA graphs", exc_info=True)
        return None, f"off: {first_line(error)}"
    gain = median(spent["plain"]) / median(spent["graph"])
    if gain < LEAST_GAIN:
        return None, f"off: {gain:.2f} times as fast"
    return arms["graph"], f"on, rows in {', '.join(map(str, BUCKETS))}: {gain:.2f} times as fast"
