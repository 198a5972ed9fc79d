"""When a learner's weights become a new member, and which weights it continues from.

Pure functions of numbers and an explicit numpy.random.Generator: no I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.random import Generator

P_LEAGUE_EXPLOITER_RESET = 0.25
LAST_CALL_S = 60.0  # before a league stops: time for its last snapshots to play rated matches
LAST_CALL_SHARE = 0.25  # of a run that is too short for that
_WORTH_A_LAST_CALL = 0.25  # of the decisions after which the next snapshot is due


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
    is_last_call: bool = False,
    kl: float | None = None,
    min_kl: float = 0.01,
    win_rate: float = 0.7,
    min_games: int = 30,
) -> SnapshotDecision:
    """Decide whether a learner's weights should become a new member now.

    They should if it beats each required opponent (its parent, the champion, the best anchor) at a
    rate above `win_rate` over at least `min_games` games, or after `snapshot_every` trained
    decisions, or at the last call of a run; but not while its policy hardly differs from its
    parent's.

    Args:
        snapshot_every: of `decisions_to_snapshot`.
        is_last_call: of `last_call`.
        kl: mean KL divergence (nats) from the parent on a fixed observation set; None without a
            parent or before it is measured.
    """
    beaten = bool(required) and all(
        foe.games >= min_games and foe.beats > win_rate * foe.games for foe in required
    )
    if not beaten and decisions_since < snapshot_every and not is_last_call:
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
    since = f"{decisions_since} decisions since the last snapshot"
    return SnapshotDecision(
        True, since if decisions_since >= snapshot_every else f"the league stops soon; {since}"
    )


def decisions_to_snapshot(trained: int, *, first: int | None, every: int) -> int:
    """Return after how many more decisions the next snapshot of a lineage is due at the latest.

    A young lineage learns fast, and somebody waits for its first picture: each snapshot comes at
    twice the decisions of the one before it (10, 20, 40, 80, 160 thousand), until they are `every`
    decisions apart.

    Args:
        trained: decisions of the lineage at its newest snapshot, 0 for the untrained start.
        first: decisions of the first trained snapshot; None for `every` from the beginning.
        every: the most decisions between two snapshots.
    """
    if first is None:
        return every
    return min(max(first, 2 * trained) - trained, every)


@dataclass(frozen=True)
class RunLength:
    """What a learner knows of the end of the run (`league start --for`).

    Attributes:
        in_all_s: seconds from the learner's first word of it to the end.
        left_s: seconds left now.
        update_s: seconds that one more update will take.
    """

    in_all_s: float
    left_s: float
    update_s: float


def last_call(run: RunLength, trained: int, decisions_since: int, due: int) -> bool:
    """Return whether a snapshot must be taken now, because the run ends before the next chance.

    It shall still play rated matches: the last minute of the run (a quarter of a short one) is left
    for them. A lineage without a trained snapshot is always heard; another one if it has learned a
    quarter of what makes its next snapshot due.

    Args:
        trained: decisions of the lineage at its newest snapshot.
        decisions_since: decisions since then.
        due: decisions after which a snapshot is due (`decisions_to_snapshot`).
    """
    if decisions_since <= 0 or (trained > 0 and decisions_since < _WORTH_A_LAST_CALL * due):
        return False
    return run.left_s - run.update_s < min(LAST_CALL_S, LAST_CALL_SHARE * run.in_all_s)


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
