"""LandingScores: one small layer that scores a boat in each of the eight directions alike.

A row of `landings` says what a boat in one direction would meet. An order for a boat goes to a
direction, and not to a neighbour: what lies across water is none. So its scores come from these
rows, with weights that the directions share: turning the board turns them.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class LandingScores(nn.Module):
    """A score per direction, from its row of `landings` and the whole position.

    Args:
        facts: columns of a row.
        features: width of the features of the whole position.
        hidden: width of the hidden layer.
    """

    def __init__(self, *, facts: int, features: int, hidden: int) -> None:
        super().__init__()
        self.local = nn.Linear(facts, hidden)
        # No bias: `local` has one.
        self.context = nn.Linear(features, hidden, bias=False)
        self.score = nn.Linear(hidden, 1)

    def forward(self, landings: Tensor, features: Tensor) -> Tensor:
        """Return float32[n, 8].

        Args:
            landings: float32[n, 8, facts], centred.
            features: float32[n, features].
        """
        hidden = F.relu(self.local(landings) + self.context(features)[:, None, :])
        scores: Tensor = self.score(hidden)
        return scores[:, :, 0]
