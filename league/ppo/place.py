"""Where a process stands among the ranks of its learner: plain values, without torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RankPlace:
    """Where a process stands among the ranks of its learner.

    Attributes:
        rank: 0 is the first, which speaks for all.
        size: number of ranks.
        meeting: path of a file that only these processes know; it need not exist. None for ranks on
            several machines: the first says where they meet (league.ppo.meeting).
    """

    rank: int
    size: int
    meeting: str | None
