"""What of an observation must be computed where the match is, when a device draws the views.

The views are functions of the board and of a few numbers per seat: what the owners look like to it,
where its windows are, which of its tiles are fronts. `observe_outlines` writes those numbers;
agents.device_views keeps a copy of the board on the device and draws the views there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from arena.territory.engine import rules
from arena.territory.engine.compiled import compiled
from arena.territory.engine.state import State
from arena.territory.observation.buffers import Scratch
from arena.territory.observation.facts import sum_attacks
from arena.territory.observation.fronts import place_windows
from arena.territory.observation.observation import pack_channels

N_OWNERS = rules.MAX_SEATS + 1


class Outlines(NamedTuple):
    """Buffers of n rows; `empty_outlines` makes them."""

    packed: NDArray[np.uint64]  # [n, N_OWNERS] eight channels of each owner, as the seat sees it
    origin: NDArray[np.int64]  # [n, 4] local x, y, tactical x, y of the windows' corners
    n_fronts: NDArray[np.int64]  # [n] front tiles of each row
    fronts: NDArray[
        np.int32
    ]  # [k] those of one call, row by row in the players' order: y << 16 | x


def empty_outlines(n: int) -> Outlines:
    """Return zeroed buffers for n rows; `fronts` has no room yet."""
    return Outlines(
        np.zeros((n, N_OWNERS), np.uint64),
        np.zeros((n, 4), np.int64),
        np.zeros(n, np.int64),
        np.zeros(0, np.int32),
    )


@compiled()
def observe_outlines(
    s: State, w: Scratch, rows: np.ndarray, local: int, tactical: int, o: Outlines
) -> int:
    """Write outlines of all players with a row, who must live; return how many front tiles.

    Args:
        rows: int64[P], row of each spawn index in the buffers, -1 to leave it out.
        local, tactical: cells per side of these views.
        o: the buffers, with room for all front tiles (the sum of `border_size`).
    """
    sum_attacks(s, w)
    end = 0
    for i in range(rows.shape[0]):
        row = rows[i]
        if row < 0:
            continue
        p = i + 1
        pack_channels(s, w, p)
        n = place_windows(s, w, p, local, tactical)
        for q in range(s.tiles.shape[0]):
            o.packed[row, q] = w.packed[q]
        for k in range(4):
            o.origin[row, k] = w.origin[p, k]
        o.n_fronts[row] = n
        for k in range(n):
            o.fronts[end + k] = s.scratch[k]
        end += n
    return end
