"""Owns which neighbours a seat has, by name, and how much of its attention each of them gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from arena.territory.engine.actions import DIRECTIONS
from arena.territory.observation.views import N_NEIGHBOUR_MEMBERSHIP, NEIGHBOUR_FACTS

if TYPE_CHECKING:
    from msattn.inspect import AttentionRecord

_FACTS = [name for name, _ in NEIGHBOUR_FACTS]


@dataclass(frozen=True)
class Neighbour:
    """A row of `neighbours` that is in use.

    Attributes:
        row: its number.
        directions: those that point at it, such as ("N", "NE").
        kind: "neutral" (unowned land) or "rival".
    """

    row: int
    directions: tuple[str, ...]
    kind: str

    @property
    def name(self) -> str:
        """Return what to call it, such as "N NE rival"."""
        return f"{' '.join(self.directions)} {self.kind}"


def find_neighbours(rows: NDArray[np.float32]) -> list[Neighbour]:
    """Return the neighbours of a seat, in the order of the rows.

    Args:
        rows: float32[R, 8 + T], as observed (arena.territory.observation.views).
    """
    facts = rows[:, N_NEIGHBOUR_MEMBERSHIP:]
    used, neutral = facts[:, _FACTS.index("used")], facts[:, _FACTS.index("is_neutral")]
    return [
        Neighbour(
            row=int(row),
            directions=tuple(DIRECTIONS[d] for d in np.flatnonzero(rows[row, :8])),
            kind="neutral" if neutral[row] else "rival",
        )
        for row in np.flatnonzero(used)
    ]


def rows_of(observation: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
    """Return the rows that a network with tokens read, float32[8, 8 + T].

    Without `neighbours` its tokens are the directions (msattn.tokens.directions_as_rows), whose
    facts begin with the contact; the columns of the names are filled in here.
    """
    if "neighbours" in observation:
        rows: NDArray[np.float32] = observation["neighbours"]
        return rows
    blocks = observation["scalars"][16:].reshape(8, -1)
    rows = np.zeros((8, N_NEIGHBOUR_MEMBERSHIP + len(_FACTS)), np.float32)
    rows[:, :8] = np.diag(blocks.any(axis=1))
    rows[:, 8 + _FACTS.index("used")] = blocks.any(axis=1)
    rows[:, 8 + _FACTS.index("is_neutral")] = blocks[:, 1]
    return rows


def measure_neighbours(
    observation: dict[str, NDArray[Any]], record: AttentionRecord
) -> dict[str, Any] | None:
    """Return how much of the attention each neighbour gets, as plain JSON; None without tokens.

    `seat` is the mean over the heads of the seat's own attention; `by_head` has the heads.
    `looks_at` are the shares of each neighbour's attention (mean over the heads), by the names of
    those it looks at, and `scales` those on the three views, where it looks at them. `evenness` is
    the entropy of the seat's heads as a share of the maximum: 1 is evenly.
    """
    if record.token_weights is None:
        return None
    found = find_neighbours(rows_of(observation))
    shares = record.token_weights[0].astype(np.float64)  # [heads, 1 + R, R]
    means = shares.mean(axis=0)
    entropy = record.token_entropy()[0]
    numbers = []
    for each in found:
        entry: dict[str, Any] = {
            "row": each.row,
            "directions": list(each.directions),
            "kind": each.kind,
            "name": each.name,
            "seat": float(means[0, each.row]),
            "by_head": shares[:, 0, each.row].tolist(),
            "looks_at": {other.name: float(means[1 + each.row, other.row]) for other in found},
        }
        if record.token_scales is not None:
            on_scales = record.token_scales[0, :, each.row].mean(axis=0)
            entry["scales"] = dict(zip(record.scales, map(float, on_scales), strict=True))
        numbers.append(entry)
    return {
        "neighbours": numbers,
        "evenness": None if np.isnan(entropy).any() else float(entropy.mean()),
    }
