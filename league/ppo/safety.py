"""What keeps an update honest: the last good state, finite checks, memory errors with advice."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from league.ppo.errors import LearnerError
from msattn.errors import first_line

_MEMORY_PHRASES = ("out of memory", "can't allocate memory", "not enough memory")


@contextmanager
def memory_advice(doing: str) -> Iterator[None]:
    """Turn running out of memory into a LearnerError that names the settings to lower.

    Args:
        doing: what needed the memory, as "while ...".
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        # torch.OutOfMemoryError is a RuntimeError; CPU allocators and MPS raise plain ones.
        known = isinstance(error, MemoryError | torch.OutOfMemoryError)
        if not known and not any(phrase in str(error).lower() for phrase in _MEMORY_PHRASES):
            raise
        raise LearnerError(
            f"out of memory {doing} ({first_line(error)}); lower learner.batch_size, "
            "learner.micro_batch or learner.n_matches, then learner.n_steps; smaller views "
            "(views.*) or the network preset 'small' need a new league"
        ) from error


class GoodState:
    """A copy of a policy and its optimizer as they were before an update.

    Clones: an alias would change together with what it should bring back.
    """

    def __init__(self, policy: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self._tensors = {name: tensor.detach().clone() for name, tensor in policy_tensors(policy)}
        self._optimizer: dict[str, Any] = copy.deepcopy(optimizer.state_dict())

    def restore(self, policy: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Put the copy back, in place; gradients are dropped."""
        with torch.no_grad():
            for name, tensor in policy_tensors(policy):
                tensor.copy_(self._tensors[name])
        optimizer.zero_grad(set_to_none=True)
        optimizer.load_state_dict(copy.deepcopy(self._optimizer))


def policy_tensors(policy: nn.Module) -> list[tuple[str, Tensor]]:
    """Return every parameter and buffer once, by name; SB3 lists a shared extractor thrice."""
    return [*policy.named_parameters(), *policy.named_buffers()]


def non_finite(parts: dict[str, Tensor]) -> list[str]:
    """Return the names of the parts that hold an infinity or a NaN; one read-back for all."""
    flags = torch.stack([torch.isfinite(part).all() for part in parts.values()])
    return [name for name, good in zip(parts, flags.tolist(), strict=True) if not good]


def parameters_norm(parameters: Sequence[Tensor]) -> Tensor:
    """Return a scalar that is finite exactly if every parameter is (and no square overflows)."""
    return torch.stack(torch._foreach_norm([p.detach() for p in parameters])).sum()


def explained_variance(values: NDArray[np.float32], returns: NDArray[np.float32]) -> float:
    """Return the share of the returns' variance that the values explain: 1 is all, 0 none.

    0 for constant returns, of which nothing is to be explained.
    """
    variance = float(np.var(returns))
    return 1.0 - float(np.var(returns - values)) / variance if variance > 0 else 0.0
