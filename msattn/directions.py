"""DirectionScores: one small network that scores all eight directions alike.

The scalars end in a block per compass direction, and the first 40 actions are direction *
intensity. A plain linear head must learn eight times, from the experience of each direction, that a
weak neighbour is worth attacking; shared weights learn it once.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from msattn.config import N_DIRECTIONS

N_INTENSITIES = 5
N_SCORES = N_DIRECTIONS * N_INTENSITIES
N_WAITS = N_INTENSITIES  # actions after those with a score; they are one
# First actions of the kinds that go to a direction, where there are boats and alliances.
BOAT, ALLY, BREAK = 47, 55, 63
N_PACT_ORDERS = 2  # to a neighbour: ask for an alliance, break it


class DirectionScores(nn.Module):
    """Scores per direction and intensity, from that direction's scalars and the whole position.

    hidden_d = relu(A scalars_d + B features), scores_d = C hidden_d, with A, B and C shared by the
    directions: rotating the board rotates the scores with it.

    Args:
        direction_scalars: scalars per direction; the scalar vector ends in 8 blocks of them.
        features: width of the features of the whole position.
        hidden: width of the hidden layer.
    """

    def __init__(self, *, direction_scalars: int, features: int, hidden: int) -> None:
        super().__init__()
        self.direction_scalars = direction_scalars
        self.local = nn.Linear(direction_scalars, hidden)
        # No bias: `local` has one.
        self.context = nn.Linear(features, hidden, bias=False)
        self.score = nn.Linear(hidden, N_INTENSITIES)

    def forward(self, scalars: Tensor, features: Tensor) -> Tensor:
        """Return float32[n, 40], direction by direction.

        Args:
            scalars: float32[n, F].
            features: float32[n, features].
        """
        n = scalars.shape[0]
        blocks = scalars[:, -N_DIRECTIONS * self.direction_scalars :]
        local = self.local(blocks.reshape(n, N_DIRECTIONS, self.direction_scalars))
        hidden = F.relu(local + self.context(features)[:, None, :])
        scores: Tensor = self.score(hidden)
        return scores.reshape(n, N_SCORES)


def pass_scores_through(action_net: nn.Linear, actions: Sequence[int]) -> None:
    """Initialise a policy head so that the scores are the logits of their actions.

    Args:
        action_net: reads the features followed by the scores.
        actions: the action of each score.
    """
    n_scores = len(actions)
    with torch.no_grad():
        action_net.weight[:, -n_scores:] = 0.0
        action_net.weight[list(actions), -n_scores:] = torch.eye(n_scores)
