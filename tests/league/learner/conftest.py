"""One torch thread, as everywhere in the tests."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
