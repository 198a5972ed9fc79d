"""When a learner's weights become a new member, and which weights it continues from.

Pure functions of numbers and an explicit numpy.random.Generator: no I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.random import Generator

P_LEAGUE_EXPLOITER_RESET = 0.25


@dataclass(frozen=True)
class RequiredFoe:
    """Games of the learner's current weights against an opponent that it must beat."""

    name: str
    games: int
    beats: float


@dataclass(frozen=True)
class SnapshotDecision:
    """Whether to take a snapshot now, and the reason for the journal."""

    take: bool
    reason: str


def snapshot_decision(
    required: Sequence[RequiredFoe],
    decisions_since: int,
    *,
    snapshot_every: int,
    kl: float | None = None,
    min_kl: float = 0.01,
    win_rate: float = 0.7,
    min_games: int = 30,
) -> SnapshotDecision:
    """Decide whether a learner's weights should become a new member now.

    They should if it beats each required opponent (its parent, the champion, the best anchor) at a
    rate above `win_rate` over at least `min_games` games, or after `snapshot_every` trained
    decisions; but not while its policy hardly differs from its parent's.

    Args:
        kl: mean KL divergence (nats) from the parent on a fixed observation set; None without a
            parent or before it is measured.
    """
    beaten = bool(required) and all(
        foe.games >= min_games and foe.beats > win_rate * foe.games for foe in required
    )
    if not beaten and decisions_since < snapshot_every:
        waiting = [
            f"{foe.name} {foe.beats:g}/{foe.games}"
            for foe in required
            if foe.games < min_games or foe.beats <= win_rate * foe.games
        ]
        reason = f"{decisions_since} of {snapshot_every} decisions; not beaten yet: "
        return SnapshotDecision(False, reason + (", ".join(waiting) or "no required opponent"))
    if kl is not None and kl < min_kl:
        return SnapshotDecision(
            False, f"the policy hardly differs from its parent's (KL {kl:.4f} below {min_kl:g})"
        )
    if beaten:
        names = ", ".join(foe.name for foe in required)
        return SnapshotDecision(True, f"beats {names} above {win_rate:g}")
    return SnapshotDecision(True, f"{decisions_since} decisions since the last snapshot")


def reset_after_snapshot(role: str, rng: Generator) -> str:
    """Draw what a learner continues from after a snapshot: "keep", "fresh" or "early_ancestor".

    A main keeps its weights; a main exploiter always starts afresh, so that it finds new
    weaknesses; a league exploiter does so one time in four.
    """
    if role == "main_exploiter":
        return "fresh" if rng.random() < 0.5 else "early_ancestor"
    if role == "league_exploiter" and rng.random() < P_LEAGUE_EXPLOITER_RESET:
        return "fresh"
    return "keep"
