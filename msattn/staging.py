"""Rows of the host's arrays onto a device: pinned buffers and a stream of their own where they pay.

On CUDA a copy from ordinary memory stops the host until it is done. Here rows are gathered into
pinned buffers, two per array in turn, and copied on a stream of their own; whoever computes with
them waits on the device, not on the host. Elsewhere the same code copies at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

N_BUFFERS = 2  # per array: one is filled while the other is copied


class Lane(Protocol):
    """Where copies run.

    Attributes:
        pins: whether the host's buffers must lie in pinned memory.
    """

    pins: bool

    def begin(self) -> None:
        """Let later copies wait for what the device computes now: it may read their targets."""

    def copy(self, target: Tensor, source: Tensor) -> object:
        """Start a copy; return a mark of its end."""

    def join(self, mark: object) -> None:
        """Let what the device computes from now on wait for a copy."""

    def wait(self, mark: object) -> None:
        """Let the host wait for a copy."""


class HostLane:
    """Copies that are done when they return: on a CPU, and wherever there are no streams."""

    pins = False

    def begin(self) -> None:
        """Nothing runs."""

    def copy(self, target: Tensor, source: Tensor) -> None:
        """Copy."""
        target.copy_(source)

    def join(self, mark: object) -> None:
        """It is done."""

    def wait(self, mark: object) -> None:
        """It is done."""


class CudaLane:
    """Copies on a stream of their own."""

    pins = True

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def begin(self) -> None:
        """See Lane."""
        self._stream.wait_stream(torch.cuda.current_stream(self._device))

    def copy(self, target: Tensor, source: Tensor) -> torch.cuda.Event:
        """See Lane."""
        with torch.cuda.stream(self._stream):
            target.copy_(source, non_blocking=True)
            mark = torch.cuda.Event()  # type: ignore[no-untyped-call]
            mark.record(self._stream)
        target.record_stream(self._stream)
        return mark

    def join(self, mark: object) -> None:
        """See Lane."""
        assert isinstance(mark, torch.cuda.Event)
        torch.cuda.current_stream(self._device).wait_event(mark)

    def wait(self, mark: object) -> None:
        """See Lane."""
        assert isinstance(mark, torch.cuda.Event)
        mark.synchronize()


def lane_of(device: torch.device) -> Lane:
    """Return the lane of a device; one without streams copies at once."""
    return CudaLane(device) if device.type == "cuda" else HostLane()


@dataclass
class _Buffer:
    """One of an array's buffers, and the mark of the copy that reads it."""

    rows: Tensor
    mark: object = None
    is_read: bool = False


class Staging:
    """The buffers of one reader: a learner's rollout, or frozen networks.

    Args:
        device: of the targets.
        lane: None takes that of the device.
    """

    def __init__(self, device: torch.device, lane: Lane | None = None) -> None:
        self.lane = lane_of(device) if lane is None else lane
        self._buffers: dict[str, list[_Buffer]] = {}
        self._turn: dict[str, int] = {}

    def begin(self) -> None:
        """Let copies wait for what the device computes now."""
        self.lane.begin()

    def bring(
        self,
        targets: Mapping[str, Tensor],
        sources: Mapping[str, NDArray[Any]],
        rows: NDArray[np.int64] | slice,
    ) -> None:
        """Copy rows of the host's arrays into tensors of the device.

        What the device computes afterwards waits for them; the host does not, and may overwrite the
        arrays at once.

        Args:
            targets: by key, [n, ...], of the same type as the source.
            sources: by key, [N, ...]; other keys are left alone.
            rows: n of them.
        """
        marks = []
        for key, target in targets.items():
            buffer = self._next(key, sources[key], len(target))
            staged = buffer.rows[: len(target)]
            if isinstance(rows, slice):
                np.copyto(staged.numpy(), sources[key][rows])
            else:
                np.take(sources[key], rows, axis=0, out=staged.numpy(), mode="clip")
            buffer.mark, buffer.is_read = self.lane.copy(target, staged), True
            marks.append(buffer.mark)
        for mark in marks:
            self.lane.join(mark)

    def _next(self, key: str, source: NDArray[Any], n: int) -> _Buffer:
        """Return the buffer whose turn it is, once nothing reads it, with room for n rows."""
        turn = self._turn[key] = (self._turn.get(key, -1) + 1) % N_BUFFERS
        buffers = self._buffers.setdefault(key, [])
        if turn == len(buffers):
            buffers.append(_Buffer(self._empty(source, n)))
        buffer = buffers[turn]
        if buffer.is_read:
            self.lane.wait(buffer.mark)
        if len(buffer.rows) < n or buffer.rows.shape[1:] != source.shape[1:]:
            buffer.rows = self._empty(source, n)
        return buffer

    def _empty(self, source: NDArray[Any], n: int) -> Tensor:
        dtype = torch.from_numpy(source[:0]).dtype
        return torch.zeros((n, *source.shape[1:]), dtype=dtype, pin_memory=self.lane.pins)
