"""An update that several ranks make together, as one process with all their rows would.

Promises: the gradient of a step is the mean over the minibatches of all ranks together, in one flat
float32 buffer, added up once per step; advantages are normalised over those rows, and the KL
estimate that may end the update is theirs. So all ranks take the same steps and have the same
weights. A minibatch holds up to `batch_size / ranks` rows of each rank: ranks may have none left.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from league.ppo.buffer import RaggedRolloutBuffer, Samples
from league.ppo.loss import TERMS
from league.ppo.peers import Peers


class JointGradients:
    """The gradients of all parameters that are trained now, and the loss's terms behind them.

    Every `grad` is a view of `flat`, so that nothing is packed or unpacked.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], peers: Peers) -> None:
        self._peers = peers
        self._frozen = [p for p in parameters if not p.requires_grad]
        self._trained = [p for p in parameters if p.requires_grad]
        sizes = [p.numel() for p in self._trained]
        device = parameters[0].device
        self.flat = torch.zeros(sum(sizes) + len(TERMS), device=device)
        *views, self._terms = torch.split(self.flat, [*sizes, len(TERMS)])
        # The strides of the parameter: an optimizer's fused step wants them alike.
        self._views = [
            view.as_strided(p.size(), p.stride(), view.storage_offset())
            for view, p in zip(views, self._trained, strict=True)
        ]

    def clear(self) -> None:
        """Set all gradients to zero."""
        self.flat.zero_()
        for parameter, view in zip(self._trained, self._views, strict=True):
            parameter.grad = view
        for parameter in self._frozen:
            parameter.grad = None

    def add_up(self, terms: Tensor) -> Tensor:
        """Add up the gradients and the terms over the ranks; returns the sum of the terms.

        Both must be shares of the mean over all rows, so that their sum is that mean.
        """
        self._terms.copy_(terms)
        self._peers.add_up(self.flat)
        summed: Tensor = self._terms.clone()
        return summed


@dataclass(frozen=True)
class JointRows:
    """How the rows of all ranks are divided into minibatches.

    Attributes:
        bounds: of this rank's minibatches within its own order.
        totals: rows of each minibatch, all ranks together.
    """

    bounds: list[tuple[int, int]]
    totals: list[int]

    @classmethod
    def of(cls, sizes: Sequence[int], rank: int, per_rank: int) -> JointRows:
        """Divide.

        Args:
            sizes: rows of each rank.
            per_rank: rows of each rank in a minibatch.

        A last minibatch of a single row joins the one before, as in RaggedRolloutBuffer.
        """
        count = max(1, math.ceil(max(sizes) / per_rank))
        starts = [i * per_rank for i in range(count)]
        if count > 1 and sum(max(0, size - starts[-1]) for size in sizes) < 2:
            starts.pop()
        ends = [*starts[1:], max(sizes)]

        def part(size: int, i: int) -> tuple[int, int]:
            return min(starts[i], size), min(ends[i], size)

        totals = [
            sum(stop - start for start, stop in (part(size, i) for size in sizes))
            for i in range(len(starts))
        ]
        return cls([part(sizes[rank], i) for i in range(len(starts))], totals)


def joint_sizes(peers: Peers, own: int) -> list[int]:
    """Return how many rows each rank has."""
    sizes = torch.zeros(peers.size, dtype=torch.float64)
    sizes[peers.rank] = own
    peers.add_up(sizes)
    return [int(size) for size in sizes.tolist()]


def joint_centre(peers: Peers, buffer: RaggedRolloutBuffer) -> Tensor:
    """Return the mean advantage over the rollouts of all ranks, a scalar on the device."""
    own = buffer.advantages[: buffer.size()].cpu().double()
    sums = torch.stack((own.sum(), torch.tensor(float(len(own)), dtype=torch.float64)))
    peers.add_up(sums)
    return (sums[0] / sums[1]).to(buffer.device, torch.float32)


def joint_top(peers: Peers, buffer: RaggedRolloutBuffer, share: float, centre: Tensor) -> Tensor:
    """Return int64[n], this rank's part of the rows whose advantage is farthest from the centre.

    Args:
        share: of the rows of all ranks together; at least two of them are chosen.
    """
    own = (buffer.advantages[: buffer.size()] - centre).abs()
    sizes = joint_sizes(peers, len(own))
    start = sum(sizes[: peers.rank])
    distances = torch.zeros(sum(sizes), dtype=torch.float64)
    distances[start : start + len(own)] = own.cpu().double()
    peers.add_up(distances)
    n = min(len(distances), max(2, math.ceil(share * len(distances))))
    chosen = torch.topk(distances, n, sorted=False).indices.sort().values
    mine = chosen[(chosen >= start) & (chosen < start + len(own))] - start
    return mine.to(buffer.device)


def joint_minibatches(
    peers: Peers,
    buffer: RaggedRolloutBuffer,
    order: Tensor,
    rows: JointRows,
    centre: Tensor | None,
    *,
    normalize: bool,
) -> Iterator[tuple[Samples, Tensor, int]]:
    """Yield this rank's part of each minibatch, its advantages, and the rows of all ranks in it.

    Args:
        order: int64[n], this rank's rows in the order of this epoch.
        rows: how they are divided.
        centre: see `league.ppo.loss.normalised`.
        normalize: whether the advantages are normalised, over the rows of all ranks.
    """
    scales = _scales(peers, buffer, order, rows, centre) if normalize else None
    for i, (start, stop) in enumerate(rows.bounds):
        batch = buffer.samples(order[start:stop])
        advantages = batch.advantages
        if scales is not None:
            mean, deviation = scales[0][i], scales[1][i]
            advantages = (advantages - mean) / (deviation + 1e-8)
        yield batch, advantages, rows.totals[i]


def _scales(
    peers: Peers,
    buffer: RaggedRolloutBuffer,
    order: Tensor,
    rows: JointRows,
    centre: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Return what is subtracted and what divides, float32[minibatches] each, in one exchange."""
    values = buffer.advantages[order].cpu().double()
    if centre is not None:
        values = values - centre.cpu().double()
    sums = torch.stack(
        [
            torch.stack((part.sum(), part.square().sum()))
            for part in (values[start:stop] for start, stop in rows.bounds)
        ]
    )
    peers.add_up(sums)
    n = torch.tensor(rows.totals, dtype=torch.float64)
    if centre is not None:
        means = torch.full_like(n, float(centre))
        variances = sums[:, 1] / n
    else:
        means = sums[:, 0] / n
        variances = (sums[:, 1] - n * means.square()) / (n - 1)
    deviations = variances.clamp_min(0.0).sqrt()
    return means.to(buffer.device, torch.float32), deviations.to(buffer.device, torch.float32)
