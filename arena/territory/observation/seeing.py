"""What a decision needs of a board, of whichever edition: facts, then observations.

The compiled functions of edition 2025 serve both; those of 2026 add to them, and a league of 2025
never compiles them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arena.territory.engine.state import EDITION, State
from arena.territory.observation.buffers import Facts, Scratch, SeatViews
from arena.territory.observation.facts_2026 import observe_facts_2026
from arena.territory.observation.observation import observe, observe_facts, observe_scalars
from arena.territory.observation.observe_2026 import observe_2026

IntArray = NDArray[np.int64]


def see_facts(s: State, w: Scratch, rows: IntArray, max_ticks: int, facts: Facts) -> None:
    """Write masks and facts of all players with a row; arguments as `observe_facts`.

    Args:
        facts: buffers of the match's edition (`empty_facts`).
    """
    observe_facts(s, w, rows, max_ticks, facts)
    if s.clock[EDITION]:
        observe_facts_2026(s, w, rows, facts)


def see(
    s: State,
    w: Scratch,
    rows: IntArray,
    max_ticks: int,
    mask: NDArray[np.int8],
    views: SeatViews,
    *,
    with_views: bool = True,
) -> None:
    """Write observations of all players with a row, after `see_facts`; arguments as `observe`.

    Args:
        views: buffers of a version of the match's edition (`empty_views`).
        with_views: False leaves the three views as they are, for networks that read none.
    """
    write = observe if with_views else observe_scalars
    write(s, w, rows, max_ticks, mask, views)
    if s.clock[EDITION]:
        observe_2026(s, w, rows, mask, views, with_views)
