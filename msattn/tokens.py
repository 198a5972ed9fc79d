"""Neighbours as tokens: one shared layer for every row of `neighbours`, and scores per row.

A row of `neighbours` is one owner whose land touches mine (neutral land is one): columns 0..7 say
which of the 8 directions point at it, column 8 is 1 when the row is in use, the others are facts
about it. The directions of a row are never an input of a layer: they only say to which actions a
row's scores go. So turning the board turns the scores, and the order of the rows changes nothing.
An unused row is all zero; its hidden state is zero, and it is attended to by nobody.

Both families have the same tokens and the same layers for each of them. `baseline` pools them
(`pooled`); in `attention` the seat and the neighbours look at the neighbours (`TokenAttention`).
"""

from __future__ import annotations

from math import sqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from msattn.attention import cosines
from msattn.config import N_DIRECTIONS
from msattn.directions import N_INTENSITIES

USED = N_DIRECTIONS
"""The column that says whether a row is in use."""

# The least sum of weights: its square, in the gradient, is still a number.
_LEAST = 1e-18


def directions_as_rows(scalars: Tensor, direction_scalars: int) -> Tensor:
    """Return rows for an observation without `neighbours`: one for each direction with a target.

    Args:
        scalars: float32[n, F], which end in 8 blocks of `direction_scalars`.

    Returns:
        float32[n, 8, 9 + direction_scalars], in the layout of `neighbours`.
    """
    n = scalars.shape[0]
    blocks = scalars[:, -N_DIRECTIONS * direction_scalars :].to(torch.float32)
    blocks = blocks.reshape(n, N_DIRECTIONS, direction_scalars)
    used = (blocks != 0).any(dim=2, keepdim=True).to(torch.float32)
    directions = torch.eye(N_DIRECTIONS, device=scalars.device).expand(n, -1, -1)
    return torch.cat((directions * used, used, blocks), dim=2)


def used_rows(rows: Tensor) -> Tensor:
    """Return which rows are in use, bool[n, R], for rows float32[n, R, 8 + T]."""
    return rows[:, :, USED] > 0.5


class Tokens(nn.Module):
    """Hidden states of the rows: two layers that all rows share, with the seat's own facts.

    Args:
        facts: columns of a row after the one that says whether it is in use.
        own: the seat's own scalars.
        width: of the hidden states.
    """

    def __init__(self, *, facts: int, own: int, width: int) -> None:
        super().__init__()
        self.local = nn.Linear(facts, width)
        # No bias: `local` has one.
        self.context = nn.Linear(own, width, bias=False)
        self.second = nn.Linear(width, width)

    def forward(self, facts: Tensor, own: Tensor, used: Tensor) -> Tensor:
        """Return float32[n, R, width], zero where a row is not in use.

        Args:
            facts: float32[n, R, facts], centred.
            own: float32[n, own], centred.
            used: bool[n, R].
        """
        hidden = F.relu(self.local(facts) + self.context(own)[:, None, :])
        return F.relu(self.second(hidden)) * used[:, :, None]


def pooled(tokens: Tensor, used: Tensor) -> Tensor:
    """Return the mean and the maximum over the rows in use, float32[n, 2 * width], 0 if none is.

    Args:
        tokens: float32[n, R, width], not negative, zero where a row is not in use.
        used: bool[n, R].
    """
    n_used = used.sum(dim=1, keepdim=True).clamp(min=1).to(tokens.dtype)
    return torch.cat((tokens.sum(dim=1) / n_used, tokens.amax(dim=1)), dim=1)


class TokenAttention(nn.Module):
    """Which neighbours the seat, and each neighbour, looks at.

    The queries are the scalar features (the seat itself) and the tokens; keys and values are the
    tokens in use. Queries and keys have length 1, for the reason that `attention.ScaleFusion`
    gives; the sharpness starts where the scores of a scaled product of random vectors would be, at
    the root of a head's width.
    """

    def __init__(self, *, scalar_features: int, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.own_query = nn.Linear(scalar_features, width)
        self.query = nn.Linear(width, width)
        # No bias: softmax nearly ignores a constant key.
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        self.sharpness = nn.Parameter(torch.full((heads,), sqrt(width / heads)))

    def _by_head(self, x: Tensor) -> Tensor:
        """Split float32[n, k, width] into float32[n, k, heads, width / heads]."""
        n, k, width = x.shape
        return x.reshape(n, k, self.heads, width // self.heads)

    def shares(self, scalars: Tensor, tokens: Tensor, used: Tensor) -> Tensor:
        """Return how each head of each query divides its attention among the tokens.

        Args:
            scalars: float32[n, scalar_features].
            tokens: float32[n, R, width].
            used: bool[n, R].

        Returns:
            float32[n, heads, 1 + R, R], the seat's own query first. Over the rows in use the shares
            add up to 1; all are 0 if none is.
        """
        asking = torch.cat((self.own_query(scalars)[:, None], self.query(tokens)), dim=1)
        sharpness = self.sharpness[:, None, None]
        scores = cosines(self._by_head(asking), self._by_head(self.key(tokens))) * sharpness
        # A softmax, written out: torch's takes longer over eight numbers, and it needs a special
        # case where no row is in use. No score exceeds the sharpness.
        weights = torch.exp(scores - sharpness.abs()) * used[:, None, None, :]
        return weights * torch.reciprocal(weights.sum(dim=3, keepdim=True).clamp(min=_LEAST))

    def _answer(self, shares: Tensor, tokens: Tensor) -> Tensor:
        mixed = (shares @ self._by_head(self.value(tokens)).transpose(1, 2)).transpose(1, 2)
        answer: Tensor = self.out(mixed.reshape(*mixed.shape[:2], -1))
        return answer

    def evenly(self, scalars: Tensor, tokens: Tensor, used: Tensor) -> Tensor:
        """Return what `forward` does, with even shares of the rows in use."""
        even = used / used.sum(dim=1, keepdim=True).clamp(min=1)
        shape = (-1, self.heads, 1 + tokens.shape[1], -1)
        return self._answer(even[:, None, None, :].expand(shape), tokens)

    def forward(self, scalars: Tensor, tokens: Tensor, used: Tensor) -> Tensor:
        """Return float32[n, 1 + R, width]: what the seat found, then each token.

        Arguments as in `shares`.
        """
        return self._answer(self.shares(scalars, tokens, used), tokens)


class TokenScores(nn.Module):
    """Scores per neighbour and order, spread over the neighbour's directions.

    The orders are the intensities of an attack and, where there are alliances, to ask for one and
    to break it.

    hidden = relu(A token + B features), scores = C hidden, with A, B and C shared by the rows; the
    score of a direction is the sum of the scores of the rows that it points at (there is at most
    one). An order goes to an owner, not to a direction.
    """

    def __init__(self, *, width: int, features: int, hidden: int, other_orders: int = 0) -> None:
        super().__init__()
        self.local = nn.Linear(width, hidden)
        # No bias: `local` has one.
        self.context = nn.Linear(features, hidden, bias=False)
        self.score = nn.Linear(hidden, N_INTENSITIES + other_orders)

    def forward(self, tokens: Tensor, features: Tensor, rows: Tensor) -> Tensor:
        """Return float32[n, 40], direction by direction, then 8 for each other order.

        It is 0 where no row has the direction.

        Args:
            tokens: float32[n, R, width].
            features: float32[n, features], of the whole position.
            rows: float32[n, R, 8 + T], the observation's `neighbours`.
        """
        hidden = F.relu(self.local(tokens) + self.context(features)[:, None, :])
        directions = rows[:, :, :N_DIRECTIONS].transpose(1, 2)
        scores: Tensor = directions @ self.score(hidden)
        if scores.shape[2] == N_INTENSITIES:
            return scores.flatten(1)
        others = scores[:, :, N_INTENSITIES:].transpose(1, 2)
        return torch.cat((scores[:, :, :N_INTENSITIES].flatten(1), others.flatten(1)), dim=1)
