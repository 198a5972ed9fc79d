"""In which form a learner computes its network: compiled or not, channels last or first.

Both pay on some devices and cost on others, so each is probed at the learner's start: forward and
backward passes of both ways, in turn, with this network; the gradients must point the same way.
On a CPU neither is tried unless it is asked for.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal, cast

import torch
from gymnasium import spaces
from torch import Tensor, nn

from league.ppo.precision import LEAST_COSINE, Evaluate, Probe, has_large_views, probe
from msattn.errors import first_line
from msattn.probing import LEAST_GAIN

Compile = Literal["auto", "on", "off"]

log = logging.getLogger(__name__)

_COMPILERS = ("c++", "g++", "clang++", "cl")


@dataclass(frozen=True)
class Form:
    """What was chosen.

    Attributes:
        compiled: computes what the learner's own evaluation does; None where that is faster.
        n_rows: of the passes that are compiled: others would be compiled anew.
        said: what was found, one clause each.
    """

    compiled: Evaluate | None = None
    n_rows: int = 0
    said: tuple[str, ...] = ()

    def of(self, n_rows: int) -> Evaluate | None:
        """Return the compiled code if a pass over so many rows goes through it.

        Those of an update do: they have gradients and are whole.
        """
        return self.compiled if n_rows == self.n_rows and torch.is_grad_enabled() else None


def choose_form(
    asked: Compile,
    evaluate: Evaluate,
    policy: nn.Module,
    space: spaces.Dict,
    device: torch.device,
    *,
    n_rows: int,
    in_bfloat16: bool,
    has_hooks: bool = False,
) -> Form:
    """Return the form of a learner's network; its convolutions are put into it.

    Args:
        asked: `learner.compile`.
        evaluate: what is computed; see `league.ppo.precision.Evaluate`.
        policy: whose gradients are compared; None afterwards.
        space: of one row's observation.
        n_rows: of the passes of an update.
        has_hooks: something reads the network's inner values as it computes.
    """

    def ways(compiled: Evaluate) -> Evaluate:
        """Return what evaluates with the second of two ways, if told so."""
        return lambda fast, *seen: (compiled if fast else evaluate)(in_bfloat16, *seen)

    layout = f"convolutions {_choose_layout(ways(evaluate), policy, space, device)}"
    reason = _why_not(asked, device, has_hooks=has_hooks)
    if reason is not None:
        return Form(None, n_rows, (f"update not compiled: {reason}", layout))
    compiled, sentence = _probe_compiled(
        asked, evaluate, lambda made: probe(ways(made), policy, space, device, n_rows=n_rows)
    )
    return Form(compiled, n_rows, (f"update {sentence}", layout))


# --- channels last --------------------------------------------------------------------------------


def set_layout(policy: nn.Module, channels_last: bool) -> None:
    """Put the weights of convolutions into this order in memory; their values stay."""
    order = torch.channels_last if channels_last else torch.contiguous_format
    for parameter in policy.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=order)


def like_parameters(optimizer: torch.optim.Optimizer) -> None:
    """Give what an optimizer remembers of each parameter that parameter's order in memory.

    A fused step wants them alike; a checkpoint holds them with channels first.
    """
    for parameter, known in optimizer.state.items():
        for name, value in known.items():
            is_like = isinstance(value, Tensor) and value.shape == parameter.shape
            if is_like and value.stride() != parameter.stride():
                known[name] = torch.empty_like(parameter).copy_(value)


def _choose_layout(
    plain: Evaluate, policy: nn.Module, space: spaces.Dict, device: torch.device
) -> str:
    if not has_large_views(space):
        return "channels first: no large views"
    if device.type != "cuda":
        return "channels first: not tried on this device"
    found = probe(plain, policy, space, device, prepare=lambda last: set_layout(policy, last))
    pays = found.gain >= LEAST_GAIN and found.cosine >= LEAST_COSINE
    set_layout(policy, pays)
    way = "last" if pays else "first"
    return f"channels {way}: {found.gain:.2f} times as fast with channels last"


# --- compiling ------------------------------------------------------------------------------------


def _why_not(asked: Compile, device: torch.device, *, has_hooks: bool) -> str | None:
    """Return why nothing is compiled, or None."""
    if asked == "off":
        return "learner.compile is off"
    if asked == "auto" and device.type != "cuda":
        return f"not tried on {device.type}"
    if has_hooks:
        return "learner.survival_coef reads the network from within"
    return _missing_compiler(device)


def _probe_compiled(
    asked: Compile, evaluate: Evaluate, timed: Callable[[Evaluate], Probe]
) -> tuple[Evaluate | None, str]:
    """Return the compiled code if it computes the same and pays, or is asked for; and a clause."""
    try:
        compiled = cast(Evaluate, torch.compile(evaluate, dynamic=False))
        found = timed(compiled)
    except Exception as error:  # whatever a compiler raises: training goes on without it
        log.debug("the update cannot be compiled", exc_info=True)
        return None, f"not compiled: {type(error).__name__}: {first_line(error)}"
    times = f"{found.gain:.2f} times as fast, cosine of the gradients {found.cosine:.5f}"
    if found.cosine < LEAST_COSINE or (asked == "auto" and found.gain < LEAST_GAIN):
        return None, f"not compiled: {times}"
    return compiled, f"compiled: {times}"


def _missing_compiler(device: torch.device) -> str | None:
    """Return what is not there that compiling for a device needs, or None."""
    if device.type == "cuda":
        return None if find_spec("triton") else "no package triton"
    return None if any(map(shutil.which, _COMPILERS)) else "no C++ compiler"
