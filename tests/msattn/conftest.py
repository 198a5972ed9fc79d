"""One torch thread: two beside other work on two cores are several times slower."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
