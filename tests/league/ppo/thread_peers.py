"""Peers that are threads of the test: the same words as over a process group, without its start."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import torch
from torch import Tensor

from league.ppo.errors import RanksLostError

Result = TypeVar("Result")


class Meeting:
    """Where `size` threads exchange things; `exchanges` counts how often they did.

    `first_is_there` is set once rank 0 has come to its first exchange.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.exchanges = 0
        self.first_is_there = threading.Event()
        self._barrier = threading.Barrier(size, timeout=600.0)
        self._given: list[Any] = [None] * size

    def exchange(self, rank: int, given: Any) -> list[Any]:
        if rank == 0:
            self.first_is_there.set()
        try:
            self._given[rank] = given
            if self._barrier.wait() == 0:
                self.exchanges += 1
            found = list(self._given)
            self._barrier.wait()
        except threading.BrokenBarrierError as error:
            raise RanksLostError("a rank is gone") from error
        return found

    def abandon(self) -> None:
        self.first_is_there.set()
        self._barrier.abort()


class ThreadPeers:
    """See league.ppo.peers.Peers."""

    def __init__(self, meeting: Meeting, rank: int) -> None:
        self.meeting, self.rank, self.size = meeting, rank, meeting.size

    def add_up(self, tensor: Tensor) -> None:
        assert tensor.is_contiguous() and tensor.is_floating_point()
        tensor.copy_(torch.stack(self.meeting.exchange(self.rank, tensor.clone())).sum(dim=0))

    def gather(self, raw: bytes) -> list[bytes]:
        return self.meeting.exchange(self.rank, raw)

    def spread(self, raw: bytes) -> bytes:
        found: bytes = self.meeting.exchange(self.rank, raw)[0]
        return found


def together(*tasks: Callable[[ThreadPeers], Result]) -> list[Result]:
    """Run one task per rank, each in a thread; what one raises ends the others too."""
    meeting = Meeting(len(tasks))

    def run(rank: int) -> Result:
        try:
            return tasks[rank](ThreadPeers(meeting, rank))
        except BaseException:
            meeting.abandon()
            raise

    with ThreadPoolExecutor(len(tasks)) as pool:
        futures = [pool.submit(run, rank) for rank in range(len(tasks))]
        errors = [error for future in futures if (error := future.exception()) is not None]
        for error in _worst_first(errors):
            raise error
        return [future.result() for future in futures]


def _worst_first(errors: Sequence[BaseException]) -> list[BaseException]:
    return sorted(errors, key=lambda error: isinstance(error, RanksLostError))
