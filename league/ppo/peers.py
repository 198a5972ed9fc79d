"""The ranks of one learner: what they tell each other, and the group that carries it.

A rank is a process with its own matches. Whoever has no ranks has no `Peers` either, and nothing
here is called: torch's process group is begun by `join_group` alone.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Protocol

import torch
from torch import Tensor

from league.ppo.errors import RanksLostError
from league.ppo.place import RankPlace
from msattn.errors import first_line

START_S = 300.0
"""Seconds in which all ranks must have come to the meeting place: imports on a busy machine."""
_LONGEST_WAIT = timedelta(days=14)
"""For a rank that waits for a full disk. A dead rank is noticed at once by its closed connections,
and one that hangs by whoever started the group (`learner.lease_s`)."""


class Peers(Protocol):
    """What a rank says to the others: every call is made by all ranks, in the same order.

    Each raises RanksLostError when another rank is gone.
    """

    @property
    def rank(self) -> int:
        """Number of this rank, from 0."""

    @property
    def size(self) -> int:
        """Number of ranks."""

    def add_up(self, tensor: Tensor) -> None:
        """Replace a contiguous tensor of floats by the sum over all ranks, the same bits on each.

        A sum and never a mean: the mean is silently wrong with gloo (pytorch#162338).
        """

    def gather(self, raw: bytes) -> list[bytes]:
        """Return what each rank passed, in their order."""

    def spread(self, raw: bytes) -> bytes:
        """Return what rank 0 passed; what the others pass does not matter."""


class GroupPeers:
    """Peers over torch's process group: gloo, and nccl for what lies on GPUs of their own."""

    def __init__(self, rank: int, size: int, *, has_nccl: bool) -> None:
        self.rank, self.size = rank, size
        self._has_nccl = has_nccl

    def add_up(self, tensor: Tensor) -> None:
        """See Peers."""
        import torch.distributed as dist

        with _others_are_there():
            if tensor.device.type == "cpu" or self._has_nccl:
                dist.all_reduce(tensor, op=dist.ReduceOp.SUM)
            else:
                on_host = tensor.cpu()
                dist.all_reduce(on_host, op=dist.ReduceOp.SUM)
                tensor.copy_(on_host)

    def gather(self, raw: bytes) -> list[bytes]:
        """See Peers."""
        import torch.distributed as dist

        lengths = [torch.zeros(1, dtype=torch.int64) for _ in range(self.size)]
        with _others_are_there():
            dist.all_gather(lengths, torch.tensor([len(raw)]))
            sizes = [int(length) for length in lengths]
            found = [torch.zeros(max(sizes), dtype=torch.uint8) for _ in range(self.size)]
            if max(sizes):
                dist.all_gather(found, _tensor(raw, max(sizes)))
        return [bytes(tensor[:size].numpy()) for tensor, size in zip(found, sizes, strict=True)]

    def spread(self, raw: bytes) -> bytes:
        """See Peers."""
        import torch.distributed as dist

        length = torch.tensor([len(raw)])
        with _others_are_there():
            dist.broadcast(length, src=0)
            size = int(length)
            tensor = _tensor(raw, size) if self.rank == 0 else torch.zeros(size, dtype=torch.uint8)
            if size:
                dist.broadcast(tensor, src=0)
        return raw if self.rank == 0 else bytes(tensor.numpy())


def join_group(place: RankPlace, device: torch.device, meeting: Any = None) -> GroupPeers:
    """Meet the other ranks; returns when all are there. Once per process.

    Args:
        device: that this rank learns on, with its index where there are several.
        meeting: torch's store of ranks on several machines (league.ppo.meeting).

    Raises:
        RanksLostError: not all came within START_S.
    """
    import torch.distributed as dist

    if device.type == "cuda":
        torch.cuda.set_device(device)
    if meeting is None:
        _stay_on_this_machine()
    with _others_are_there(f"waited {START_S:g} s for all {place.size} ranks to start"):
        store = meeting or dist.FileStore(str(place.meeting), place.size)  # type: ignore[attr-defined, unused-ignore]
        store.set(f"here/{place.rank}", _gpu(device) if dist.is_nccl_available() else "")
        everyone = [f"here/{rank}" for rank in range(place.size)]
        store.wait(everyone, timedelta(seconds=START_S))
        gpus = {store.get(name).decode() for name in everyone}
        # A GPU for each rank: nccl refuses two ranks on one.
        has_nccl = "" not in gpus and len(gpus) == place.size
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if has_nccl else "gloo",
            store=store,
            rank=place.rank,
            world_size=place.size,
            timeout=_LONGEST_WAIT,
        )
    return GroupPeers(place.rank, place.size, has_nccl=has_nccl)


def _gpu(device: torch.device) -> str:
    """Return what no other GPU is called, on whichever machine; "" for other devices."""
    return "" if device.type != "cuda" else str(torch.cuda.get_device_properties(device).uuid)


def _stay_on_this_machine() -> None:
    """Have gloo listen on the loopback interface alone, unless the environment names another.

    By itself it takes the address that the host's name stands for, which others can reach, or
    which nobody can.
    """
    names = {name for _, name in socket.if_nameindex()}
    for loopback in ("lo", "lo0"):
        if loopback in names:
            os.environ.setdefault("GLOO_SOCKET_IFNAME", loopback)


@contextmanager
def _others_are_there(doing: str = "lost the connection to the others") -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # torch's DistError among them
        raise RanksLostError(f"a rank {doing} ({first_line(error)})") from error


def _tensor(raw: bytes, size: int) -> Tensor:
    """Return uint8[size] that begins with these bytes."""
    tensor = torch.zeros(size, dtype=torch.uint8)
    if raw:
        tensor[: len(raw)] = torch.frombuffer(bytearray(raw), dtype=torch.uint8)
    return tensor


def device_of(place: RankPlace | None, device: torch.device) -> torch.device:
    """Return the device of a rank: the ranks of a machine share its GPUs out in turn."""
    if place is None or device.type != "cuda":
        return device
    return torch.device("cuda", place.rank % max(torch.cuda.device_count(), 1))
