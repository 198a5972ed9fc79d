"""In which precision a learner computes: float32, or bfloat16 under autocast where that pays.

bfloat16 is slower than float32 where the processor has no matrix unit for it, and for small views
even where it has one. So a probe decides: forward and backward passes of both, in turn, on this
machine, with this network; and the gradients must point the same way.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal, cast

import torch
from gymnasium import spaces
from torch import Tensor, nn

from msattn.probing import wait_for

Precision = Literal["auto", "float32", "bfloat16"]
# (in bfloat16, observations, masks bool[n, A]) -> log-probabilities float32[n, A], values
# float32[n]
Evaluate = Callable[[bool, dict[str, Tensor], Tensor], tuple[Tensor, Tensor]]

log = logging.getLogger(__name__)

PROBE_ROWS = 32
PROBE_REPEATS = 3
# Cells per side of the largest view from which a probe is worth its seconds: at 32, bfloat16 took
# 1.25 times as long on a processor with AMX.
PROBED_SIDE = 64
LEAST_GAIN = 1.15
LEAST_COSINE = 0.999


@dataclass(frozen=True)
class Probe:
    """What a probe found.

    Attributes:
        gain: seconds of float32 over seconds of bfloat16, forward and backward.
        cosine: between the two gradients of one loss.
    """

    gain: float
    cosine: float

    @property
    def pays(self) -> bool:
        """Return whether bfloat16 is clearly faster and learns in the same direction."""
        return self.gain >= LEAST_GAIN and self.cosine >= LEAST_COSINE


def can_bfloat16(device: torch.device) -> bool:
    """Return whether the device has a unit for products of bfloat16 matrices."""
    if device.type == "cpu":
        supported = getattr(torch.cpu, "_is_amx_tile_supported", None)
        return bool(supported()) if supported is not None else False
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


def is_worth_probing(space: spaces.Dict, device: torch.device) -> bool:
    """Return whether "auto" asks the probe at all: a unit for bfloat16, and large views."""
    return has_large_views(space) and can_bfloat16(device)


def has_large_views(space: spaces.Dict) -> bool:
    """Return whether a view of one row's observation is so large that a probe is worth its time."""
    sides = [max(box.shape[1:]) for box in space.values() if box.shape and len(box.shape) == 3]
    return max(sides, default=0) >= PROBED_SIDE


def autocast(device: torch.device, on: bool) -> contextlib.AbstractContextManager[object]:
    """Return a context that computes in bfloat16 where that is safe, if `on`."""
    if not on:
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


def chooses_bfloat16(
    asked: Precision,
    evaluate: Evaluate,
    policy: nn.Module,
    space: spaces.Dict,
    device: torch.device,
) -> bool:
    """Return whether a learner computes in bfloat16: as asked or, with "auto", as a probe finds.

    Args:
        asked: the setting.
        evaluate: what the probe runs.
        policy: whose gradients are compared; None afterwards.
        space: of one row's observation.
        device: where it runs.
    """
    if asked == "float32":
        return False
    if asked == "bfloat16":
        if not can_bfloat16(device):
            log.warning(
                "learner.precision is bfloat16, for which this device has no matrix unit: "
                "expect it to be slower than float32"
            )
        return True
    if not is_worth_probing(space, device):
        return False
    found = probe(evaluate, policy, space, device)
    log.info(
        "probe: float32 takes %.2f times the time of bfloat16, cosine of their gradients %.5f; "
        "training in %s",
        found.gain,
        found.cosine,
        "bfloat16" if found.pays else "float32",
    )
    return found.pays


def _nothing(fast: bool) -> None:
    """Do nothing."""


def probe(
    evaluate: Evaluate,
    policy: nn.Module,
    space: spaces.Dict,
    device: torch.device,
    *,
    n_rows: int = PROBE_ROWS,
    prepare: Callable[[bool], None] = _nothing,
) -> Probe:
    """Time two ways in turn, on noise, and compare their gradients; see `chooses_bfloat16`.

    The passes are those of an update: the policy is left in training mode, without gradients.

    Args:
        evaluate: its first argument tells the way: False, then True.
        n_rows: of each pass.
        prepare: called with the way before each pass; its time does not count.
    """
    policy.train()
    source = torch.Generator().manual_seed(0)
    rows = {
        key: _noise(cast(spaces.Box, box), n_rows, source).to(device) for key, box in space.items()
    }
    n_actions = int(cast(Any, policy).action_space.n)
    masks = torch.ones(n_rows, n_actions, dtype=torch.bool, device=device)
    buffers = [(buffer, buffer.clone()) for buffer in policy.buffers()]  # BatchNorm's
    spent: dict[bool, list[float]] = {False: [], True: []}
    gradients: dict[bool, Tensor] = {}
    for repeat in range(PROBE_REPEATS + 1):
        for fast, seconds in spent.items():
            prepare(fast)
            wait_for(device)
            began = time.perf_counter()
            log_probs, values = evaluate(fast, rows, masks)
            torch.autograd.backward(log_probs[:, 0].mean() + values.square().mean())
            wait_for(device)
            if repeat > 0:  # the first round warms up
                seconds.append(time.perf_counter() - began)
            gradients[fast] = _take_gradients(policy)
    with torch.no_grad():
        for buffer, before in buffers:
            buffer.copy_(before)
    cosine = nn.functional.cosine_similarity(
        gradients[False].double(), gradients[True].double(), dim=0
    )
    return Probe(median(spent[False]) / median(spent[True]), float(cosine))


def _take_gradients(policy: nn.Module) -> Tensor:
    """Return all gradients as one vector, float32[weights], and leave none."""
    parts = []
    for parameter in policy.parameters():
        if parameter.grad is not None:
            parts.append(parameter.grad.flatten().float())
            parameter.grad = None
    return torch.cat(parts)


def _noise(box: spaces.Box, n_rows: int, source: torch.Generator) -> Tensor:
    shape = (n_rows, *box.shape)
    if box.dtype == "uint8":
        return torch.randint(0, 256, shape, generator=source, dtype=torch.uint8)
    return torch.rand(shape, generator=source)
