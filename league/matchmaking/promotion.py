"""When a learner's weights become a new member, and which weights it continues from.

Pure functions of numbers and an explicit numpy.random.Generator: no I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.random import Generator

from league.statistics.betting import SequentialTest

P_LEAGUE_EXPLOITER_RESET = 0.25
LAST_CALL_S = 60.0  # before a league stops: time for its last snapshots to play rated matches
LAST_CALL_SHARE = 0.25  # of a run that is too short for that
_LEAST_SHARE_OF_STEP = 0.25  # of the way between two marks, that a snapshot is worth
_WORTH_A_LAST_CALL = 0.25  # of the decisions after which the next snapshot is due


# How often the gate opens at all, however often one looks, for a learner that is not above the bar
# against each of its required opponents. "> 0.7 over 30 games" opened in 24 % at a true 0.6.
GATE_ALPHA = 0.05


@dataclass(frozen=True)
class RequiredFoe:
    """Matches of the learner since its newest snapshot against an opponent that it must beat.

    Attributes:
        scores: per match, oldest first, the share of (learner's seat, opponent's seat) pairs with
            the learner's above, ties half. A match is one value: its pairs are not independent.
    """

    name: str
    scores: Sequence[float]

    def is_beaten(self, win_rate: float, min_games: int) -> bool:
        """Return whether the mean score is shown to be above `win_rate` (`GATE_ALPHA`)."""
        if len(self.scores) < min_games or win_rate >= 1.0:
            return False
        if win_rate <= 0.0:
            return sum(self.scores) > 0.0
        return SequentialTest(win_rate, GATE_ALPHA, values=self.scores).passed


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

    They should if it is shown to beat each required opponent (its parent, the champion, the best
    anchor) at a rate above `win_rate`, by a test that may be looked at after every match and from
    `min_games` matches on, or after `snapshot_every` trained decisions, or at the last call of a
    run; but not while its policy hardly differs from its parent's.

    Args:
        snapshot_every: of `decisions_to_snapshot`.
        is_last_call: of `last_call`.
        kl: mean KL divergence (nats) from the parent on a fixed observation set; None without a
            parent or before it is measured.
    """
    unbeaten = [foe for foe in required if not foe.is_beaten(win_rate, min_games)]
    beaten = bool(required) and not unbeaten
    if not beaten and decisions_since < snapshot_every and not is_last_call:
        waiting = [f"{foe.name} {sum(foe.scores):.4g}/{len(foe.scores)}" for foe in unbeaten]
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

    A young lineage learns fast, and somebody waits for its first picture: snapshots are due at
    marks that double (10, 20, 40, 80, 160 thousand), until they are `every` decisions apart. The
    marks are the same for all lineages, whatever else each of them has earned in between: so
    there are snapshots of equal decisions to compare. One that would come in less than a quarter
    of the step between two marks is left out.

    Args:
        trained: decisions of the lineage at its newest snapshot, 0 for the untrained start.
        first: decisions of the first trained snapshot; None for `every` from the beginning.
        every: the most decisions between two marks.
    """
    mark = step = every if first is None else min(first, every)
    while mark - trained < _LEAST_SHARE_OF_STEP * step:
        step = min(mark, every)
        mark += step
    return mark - trained


@dataclass(frozen=True)
class RunLength:
    """What a learner knows of the end of the run (`league start --for`).

    Attributes:
        in_all_s: seconds from the learner's first word of it to the end.
        left_s: seconds left now.
        update_s: seconds that one more update will take.
        was_called: whether a last call has been answered by a snapshot in this run.
    """

    in_all_s: float
    left_s: float
    update_s: float
    was_called: bool = False


def last_call(run: RunLength, trained: int, decisions_since: int, due: int) -> bool:
    """Return whether a snapshot must be taken now, because the run ends before the next chance.

    It shall still play rated matches: the last minute of the run (a quarter of a short one) is left
    for them. There is one last call in a run. A lineage without a trained snapshot is always heard;
    another one if it has learned a quarter of what makes its next snapshot due.

    Args:
        trained: decisions of the lineage at its newest snapshot.
        decisions_since: decisions since then.
        due: decisions after which a snapshot is due (`decisions_to_snapshot`).
    """
    is_worth_it = trained == 0 or decisions_since >= _WORTH_A_LAST_CALL * due
    if run.was_called or decisions_since <= 0 or not is_worth_it:
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
