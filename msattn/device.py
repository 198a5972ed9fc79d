"""Choose the device that a network runs on: CUDA, else MPS, else the CPU.

Stable-Baselines3's "auto" never picks MPS, so the choice is made here. MPS has silently computed
wrong results before (pytorch#181133), so it is compared with the CPU before it is used.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from msattn.actor_critic import ActorCritic, orthogonal_init
from msattn.config import NEIGHBOURS, SCALARS, SCALES, TorsoConfig
from msattn.errors import DeviceError

CHOICES = ("auto", "cpu", "cuda", "mps")

# float32 sums in another order differ by about 1e-6 of the largest value, TF32 by 1e-3; a wrong
# kernel differs by the value itself.
_TOLERANCE = 0.02


def _is_there(kind: str) -> bool:
    if kind == "cuda":
        return torch.cuda.is_available()
    if kind == "mps":
        return torch.backends.mps.is_available()
    return kind == "cpu"


def choose_device(choice: str = "auto") -> torch.device:
    """Return the device for "auto", "cpu", "cuda" or "mps".

    "auto" takes CUDA, else MPS if it agrees with the CPU, else the CPU.

    Raises:
        DeviceError: an unknown choice, a named device that is missing, or a named MPS that
            disagrees with the CPU.
    """
    if choice not in CHOICES:
        raise DeviceError(f"the device must be one of {CHOICES}, found {choice!r}")
    if choice == "auto":
        if _is_there("cuda"):
            return torch.device("cuda")
        if _is_there("mps") and disagreement(torch.device("mps")) is None:
            return torch.device("mps")
        return torch.device("cpu")
    if not _is_there(choice):
        raise DeviceError(
            f"the device {choice!r} was asked for, but torch {torch.__version__} finds none "
            "here; use device = 'auto' or 'cpu'"
        )
    device = torch.device(choice)
    if choice == "mps":
        found = disagreement(device)
        if found is not None:
            raise DeviceError(
                f"{found}; torch {torch.__version__} computes wrong results on MPS here: use "
                "device = 'cpu', or another version of torch"
            )
    return device


def _forward_backward(net: nn.Module, observation: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return logits, values and every gradient of a fixed loss, on the CPU."""
    logits, values = net(observation)
    (logits.square().mean() + values.square().mean()).backward()
    found = {"logits": logits, "values": values}
    found |= {
        f"the gradient of {name}": weight.grad
        for name, weight in net.named_parameters()
        if weight.grad is not None
    }
    return {name: tensor.detach().to("cpu") for name, tensor in found.items()}


def disagreement(device: torch.device) -> str | None:
    """Compare one forward and backward pass of a small attention network with the CPU's.

    Returns None if logits, values and all gradients agree, else what differs. Uses its own random
    stream, so that the learner's draws stay the same.
    """
    shapes = {**dict.fromkeys(SCALES, (4, 32, 32)), SCALARS: (104,), NEIGHBOURS: (8, 20)}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(20)
        # Views that are "on", so that errors in them are not hidden by closed gates.
        net = ActorCritic("attention", shapes, TorsoConfig.preset("small", shapes, views="on"))
        # A policy head of gain 0.01 would hide errors in everything before it.
        orthogonal_init(net.action_net, 1.0)
        observation = {key: torch.rand(3, *shape) for key, shape in shapes.items()}
    expected = _forward_backward(net, observation)
    net.zero_grad(set_to_none=True)
    net.to(device)
    found = _forward_backward(net, {key: x.to(device) for key, x in observation.items()})
    if set(found) != set(expected):
        return f"{device} computes no gradient of {sorted(set(expected) - set(found))}"
    for name, reference in expected.items():
        worst = float((found[name] - reference).abs().max())
        scale = float(reference.abs().max())
        # Written so that NaN is a disagreement.
        if not worst <= _TOLERANCE * scale + 1e-6:
            return f"{name} on {device} is off by {worst:.2g} of {scale:.2g} (CPU's largest)"
    return None
