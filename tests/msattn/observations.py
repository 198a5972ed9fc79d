"""Made-up observations with neighbours, in the layout that the networks read."""

from __future__ import annotations

import torch
from torch import Tensor

from msattn.config import SCALES, Shapes

SHAPES: Shapes = {
    "global": (12, 32, 32),
    "local": (12, 32, 32),
    "tactical": (12, 16, 16),
    "scalars": (104,),
    "neighbours": (8, 8 + 13),
}


def neighbours(n: int, generator: torch.Generator, columns: int = 8 + 13) -> Tensor:
    """Return float32[n, 8, columns]: each direction points at one of six rows, or at none."""
    target = torch.randint(-1, 6, (n, 8), generator=generator)
    members = (target[:, None, :] == torch.arange(8)[None, :, None]).float()
    used = members.amax(dim=2, keepdim=True)
    facts = torch.rand(n, 8, columns - 9, generator=generator)
    return torch.cat((members, used, facts * used), dim=2)


def observe(n: int, seed: int = 0, shapes: Shapes = SHAPES) -> dict[str, Tensor]:
    """Return n rows: views uint8, scalars and neighbours float32."""
    generator = torch.Generator().manual_seed(seed)
    seen: dict[str, Tensor] = {}
    for key, shape in shapes.items():
        if key in SCALES:
            seen[key] = torch.randint(0, 256, (n, *shape), dtype=torch.uint8, generator=generator)
        elif key == "neighbours":
            seen[key] = neighbours(n, generator, shape[1])
        else:
            seen[key] = torch.rand(n, *shape, generator=generator)
    return seen
