"""Rows on their way to a device: the right ones, and no buffer is overwritten while it is read."""

from __future__ import annotations

import numpy as np
import torch

from msattn.staging import N_BUFFERS, HostLane, Staging, lane_of

CPU = torch.device("cpu")


class LateLane:
    """A lane whose copies are done when somebody waits for them, as on a stream of its own."""

    pins = False

    def __init__(self) -> None:
        self.open: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self.n = 0
        self.said: list[str] = []

    def begin(self) -> None:
        self.said.append("begin")

    def copy(self, target: torch.Tensor, source: torch.Tensor) -> int:
        self.n += 1
        self.open[self.n] = (target, source)
        return self.n

    def join(self, mark: object) -> None:
        self.said.append("join")

    def wait(self, mark: object) -> None:
        self.said.append("wait")
        assert isinstance(mark, int)
        for each in [known for known in self.open if known <= mark]:  # in their order
            target, source = self.open.pop(each)
            target.copy_(source)


def test_a_cpu_copies_at_once() -> None:
    assert isinstance(lane_of(CPU), HostLane)
    staging = Staging(CPU)
    sources = {"a": np.arange(12, dtype=np.uint8).reshape(4, 3), "b": np.ones((4, 2), np.float32)}
    targets = {"a": torch.zeros((2, 3), dtype=torch.uint8)}
    staging.bring(targets, sources, np.array([3, 1]))
    assert targets["a"].tolist() == [[9, 10, 11], [3, 4, 5]]
    staging.bring(targets, sources, slice(0, 2))
    assert targets["a"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_the_host_may_overwrite_its_arrays_and_no_buffer_that_is_read_is() -> None:
    lane = LateLane()
    staging = Staging(CPU, lane)
    source = np.zeros((4, 2), np.float32)
    targets = [torch.full((3, 2), -1.0) for _ in range(5)]
    for step, target in enumerate(targets):
        source[:] = step
        staging.bring({"x": target}, {"x": source}, np.array([0, 1, 2]))
        assert len(lane.open) <= N_BUFFERS
    lane.wait(lane.n)
    assert [target.unique().tolist() for target in targets] == [[float(i)] for i in range(5)]
    assert lane.said.count("wait") == 5 - N_BUFFERS + 1 and lane.said.count("join") == 5


def test_a_buffer_grows_with_the_rows() -> None:
    staging = Staging(CPU)
    source = np.arange(40, dtype=np.float32).reshape(20, 2)
    for n in (1, 1, 20, 3):
        target = torch.zeros((n, 2))
        staging.bring({"x": target}, {"x": source}, slice(0, n))
        assert torch.equal(target, torch.from_numpy(source[:n]))
