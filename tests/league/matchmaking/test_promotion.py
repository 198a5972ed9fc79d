"""When a learner is frozen into a new member: whom it must have beaten, how often, and the KL."""

from __future__ import annotations

import numpy as np
import pytest

from league.matchmaking.promotion import (
    RequiredFoe,
    RunLength,
    SnapshotDecision,
    decisions_to_snapshot,
    last_call,
    snapshot_decision,
)

NAMES = ("parent", "champion", "tribe")


def _decide(
    required: list[RequiredFoe], decisions: int = 10, kl: float | None = None
) -> SnapshotDecision:
    return snapshot_decision(
        required,
        decisions,
        snapshot_every=1_000,
        kl=kl,
        min_kl=0.01,
        win_rate=0.7,
        min_games=30,
    )


def _beaten(*names: str) -> list[RequiredFoe]:
    return [RequiredFoe(name, [0.9] * 40) for name in names]


def test_all_required_foes_beaten_is_a_snapshot() -> None:
    decision = _decide(_beaten(*NAMES))
    assert decision.take and decision.reason == "beats parent, champion, tribe above 0.7"


@pytest.mark.parametrize("unbeaten", NAMES)
@pytest.mark.parametrize(
    ("scores", "text"),
    [([1.0] * 29, "29/29"), ([0.8, 0.7] * 15, "22.5/30"), ([0.0, 1.0] * 50, "50/100"), ([], "0/0")],
    ids=["too few matches", "not shown yet", "even", "never met"],
)
def test_one_required_foe_that_is_not_beaten_prevents_a_snapshot(
    unbeaten: str, scores: list[float], text: str
) -> None:
    # 29 is below min_games; 0.75 is above 0.7, but 30 matches do not show it.
    required = [
        RequiredFoe(unbeaten, scores) if foe.name == unbeaten else foe for foe in _beaten(*NAMES)
    ]
    decision = _decide(required)
    assert not decision.take
    assert decision.reason == f"10 of 1000 decisions; not beaten yet: {unbeaten} {text}"


def test_what_is_shown_once_stays_shown_and_is_not_shown_by_looking_often() -> None:
    # 60 wins: (1 + b (1/0.7 - 1))^60 with b = 0.98 is 0.42^60 > 20 long before; then 10 losses.
    assert _decide([RequiredFoe("tribe", [1.0] * 60 + [0.0] * 10)]).take
    rng = np.random.default_rng(0)
    opened = 0
    for _ in range(400):  # at a true 0.6, after each of 200 matches; it opened in 24 %
        wins = (rng.random(200) < 0.6).astype(float).tolist()
        opened += _decide([RequiredFoe("tribe", wins)]).take
    assert opened <= 0.05 * 400


@pytest.mark.parametrize(("win_rate", "take"), [(0.0, True), (1.0, False)])
def test_a_bar_at_the_end_of_the_range_is_no_error(win_rate: float, take: bool) -> None:
    required = [RequiredFoe("tribe", [1.0] * 40)]
    found = snapshot_decision(required, 10, snapshot_every=1_000, win_rate=win_rate)
    assert found.take is take


@pytest.mark.parametrize(("decisions", "take"), [(999, False), (1_000, True)])
def test_enough_decisions_are_a_snapshot_without_a_beaten_foe(decisions: int, take: bool) -> None:
    assert _decide([RequiredFoe("tribe", [0.0] * 40)], decisions).take is take


@pytest.mark.parametrize(("kl", "take"), [(0.0099, False), (0.01, True), (None, True)])
def test_a_policy_that_hardly_differs_is_not_taken_whatever_it_beats(
    kl: float | None, take: bool
) -> None:
    assert _decide(_beaten(*NAMES), kl=kl).take is take
    assert _decide([], decisions=1_000, kl=kl).take is take


def test_a_difference_alone_is_not_a_reason() -> None:
    assert not _decide([RequiredFoe("tribe", [0.0] * 40)], kl=5.0).take


def _due_at(first: int | None, every: int, n: int) -> list[int]:
    """Decisions at which the first `n` trained snapshots are due, if none is earned earlier."""
    at = [0]
    for _ in range(n):
        at.append(at[-1] + decisions_to_snapshot(at[-1], first=first, every=every))
    return at[1:]


def test_snapshots_come_at_twice_the_decisions_until_they_are_far_enough_apart() -> None:
    # 160 -> 320 would be 160 apart, more than 120: 160 + 120 = 280
    thousands = [at // 1_000 for at in _due_at(10_000, 120_000, 7)]
    assert thousands == [10, 20, 40, 80, 160, 280, 400]
    assert _due_at(None, 120_000, 2) == [120_000, 240_000]
    assert _due_at(10_000, 300, 3) == [300, 600, 900]  # the shorter of the two


@pytest.mark.parametrize(
    ("trained", "next_at"),
    [(3_000, 10_000), (12_300, 20_000), (27_000, 40_000), (290_000, 400_000)],
)
def test_lineages_have_snapshots_at_the_same_decisions_whatever_they_earned_before(
    trained: int, next_at: int
) -> None:
    assert trained + decisions_to_snapshot(trained, first=10_000, every=120_000) == next_at


def test_a_mark_that_would_come_at_once_is_left_out() -> None:
    assert 36_000 + decisions_to_snapshot(36_000, first=10_000, every=120_000) == 80_000


@pytest.mark.parametrize(
    ("in_all_s", "left_s", "take"),
    [(300.0, 81.0, False), (300.0, 79.0, True), (60.0, 36.0, False), (60.0, 34.0, True)],
)
def test_the_last_call_leaves_time_for_rated_matches(
    in_all_s: float, left_s: float, take: bool
) -> None:
    # Updates take 20 s. Of 300 s, the last 60 are left: the next update would end in them from
    # 80 s before the end on. Of 60 s, the last 15: from 35 s on.
    run = RunLength(in_all_s, left_s, update_s=20.0)
    assert last_call(run, trained=0, decisions_since=4_096, due=10_000) is take


def test_the_last_call_is_not_for_a_lineage_that_has_learned_little_since() -> None:
    run = RunLength(300.0, 30.0, update_s=20.0)
    assert not last_call(run, trained=0, decisions_since=0, due=10_000)
    assert last_call(run, trained=0, decisions_since=1, due=10_000)
    assert not last_call(run, trained=40_000, decisions_since=9_999, due=40_000)
    assert last_call(run, trained=40_000, decisions_since=10_000, due=40_000)


def test_there_is_one_last_call_in_a_run() -> None:
    assert last_call(RunLength(300.0, 70.0, 20.0), 40_000, decisions_since=20_000, due=40_000)
    called = RunLength(300.0, 30.0, 20.0, was_called=True)
    assert not last_call(called, 60_000, decisions_since=20_000, due=20_000)


def test_a_last_call_is_a_reason_unless_the_policy_hardly_differs() -> None:
    def decide(kl: float) -> SnapshotDecision:
        return snapshot_decision([], 10, snapshot_every=1_000, is_last_call=True, kl=kl)

    assert decide(0.5) == SnapshotDecision(
        True, "the league stops soon; 10 decisions since the last snapshot"
    )
    assert not decide(0.001).take
