"""What the probes of a device share: when another way of computing pays, and how to time it.

Promises: a time begins and ends only once the device has computed all that it was given.
"""

from __future__ import annotations

import torch

LEAST_GAIN = 1.1
"""A way is taken only if it was measured to be so many times as fast."""


def wait_for(device: torch.device) -> None:
    """Let the host wait until a device has computed everything."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
