"""When a learner is frozen into a new member: whom it must have beaten, how often, and the KL."""

from __future__ import annotations

import pytest

from league.matchmaking.promotion import RequiredFoe, SnapshotDecision, snapshot_decision

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
    return [RequiredFoe(name, 40, 29.0) for name in names]  # 29 / 40 = 0.725


def test_all_required_foes_beaten_is_a_snapshot() -> None:
    decision = _decide(_beaten(*NAMES))
    assert decision.take and decision.reason == "beats parent, champion, tribe above 0.7"


@pytest.mark.parametrize("unbeaten", NAMES)
@pytest.mark.parametrize(
    ("games", "beats"),
    [(29, 29.0), (30, 21.0), (0, 0.0)],
    ids=["too few games", "exactly the rate", "never met"],
)
def test_one_required_foe_that_is_not_beaten_prevents_a_snapshot(
    unbeaten: str, games: int, beats: float
) -> None:
    # 29 is below min_games; 21 of 30 is exactly 0.7, which is not above it.
    required = [
        RequiredFoe(unbeaten, games, beats) if foe.name == unbeaten else foe
        for foe in _beaten(*NAMES)
    ]
    decision = _decide(required)
    assert not decision.take
    assert decision.reason == (
        f"10 of 1000 decisions; not beaten yet: {unbeaten} {beats:g}/{games}"
    )


def test_the_first_count_that_is_enough_is_enough() -> None:
    assert _decide([RequiredFoe("tribe", 30, 21.5)]).take  # 21.5 / 30 = 0.717


@pytest.mark.parametrize(("decisions", "take"), [(999, False), (1_000, True)])
def test_enough_decisions_are_a_snapshot_without_a_beaten_foe(decisions: int, take: bool) -> None:
    assert _decide([RequiredFoe("tribe", 40, 0.0)], decisions).take is take


@pytest.mark.parametrize(("kl", "take"), [(0.0099, False), (0.01, True), (None, True)])
def test_a_policy_that_hardly_differs_is_not_taken_whatever_it_beats(
    kl: float | None, take: bool
) -> None:
    assert _decide(_beaten(*NAMES), kl=kl).take is take
    assert _decide([], decisions=1_000, kl=kl).take is take


def test_a_difference_alone_is_not_a_reason() -> None:
    assert not _decide([RequiredFoe("tribe", 40, 0.0)], kl=5.0).take
