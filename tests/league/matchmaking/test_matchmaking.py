"""Opponents and snapshot decisions keep what their docstrings promise."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from league.errors import MatchmakingError
from league.matchmaking.opponents import (
    P_SELF_PLAY,
    Foe,
    chance_of_first,
    draw_opponents,
    draw_shares,
    probabilities,
    weights_capped_linear,
    weights_hard,
    weights_variance,
)
from league.matchmaking.promotion import RequiredFoe, reset_after_snapshot, snapshot_decision


def test_the_weights_are_those_of_the_design() -> None:
    x = np.array([0.0, 0.05, 0.5, 1.0])
    assert weights_hard(x).tolist() == pytest.approx([1.0, 0.9025, 0.25, 0.0])
    # below 0.05 the variance weight is held: 0.05 * 0.95 = 0.0475
    assert weights_variance(x).tolist() == pytest.approx([0.0475, 0.0475, 0.25, 0.0])
    assert weights_capped_linear(x).tolist() == pytest.approx([0.5, 0.5, 0.5, 0.0])


@pytest.mark.parametrize("weights", [weights_hard, weights_variance, weights_capped_linear])
def test_a_learner_that_beats_everybody_draws_uniformly(weights) -> None:  # type: ignore[no-untyped-def]
    assert probabilities(weights(np.ones(4))).tolist() == [0.25] * 4
    assert probabilities(np.array([np.nan, 1.0])).tolist() == [0.5, 0.5]


def shares(role: str, foes: list[Foe], n: int = 4000) -> dict[int | None, float]:
    drawn = Counter(draw_opponents(role, foes, n, np.random.default_rng(3)))
    return {member_id: count / n for member_id, count in drawn.items()}


CAST = [
    Foe(1, 0.3, role="anchor"),
    Foe(2, 0.6, role="anchor"),
    Foe(3, 0.5, own_ancestor=True),
    Foe(4, 0.05, role="main", current_main=True),
    Foe(5, 0.4, role="main", main_ancestor=True),
    Foe(6, 0.9),
]


@pytest.mark.parametrize("role", ["main", "main_exploiter", "league_exploiter"])
@pytest.mark.parametrize(
    "foes",
    [
        CAST,
        CAST[2:],  # no anchors
        [*CAST, Foe(7, 0.2, role="main_exploiter")],  # a tormentor
        [*CAST, Foe(8, 0.5, current_main=True)],  # a main in reach
        [*CAST, Foe(9, 0.9, role="anchor", is_rung=True)],
        CAST[:2],  # neither mains nor ancestors
        [],
    ],
)
@pytest.mark.parametrize("p_self_play", [P_SELF_PLAY, 0.0])
@pytest.mark.parametrize(("p_ring", "p_rung"), [(0.0, 0.0), (0.4, 0.0), (0.4, 0.3)])
def test_the_shares_that_are_shown_are_those_of_the_draws(
    role: str, foes: list[Foe], p_self_play: float, p_ring: float, p_rung: float
) -> None:
    n, rng = 2_000, np.random.default_rng(5)
    p = {"p_self_play": p_self_play, "p_ring": p_ring, "p_rung": p_rung}
    drawn = Counter(draw_opponents(role, foes, n, rng, **p))
    said = draw_shares(role, foes, **p)
    assert sum(said.values()) <= 1 + 1e-12
    for foe in foes:
        share = said.get(foe.member_id, 0.0)
        # five standard deviations of a share of n draws
        assert abs(drawn[foe.member_id] / n - share) <= 5 * (share * (1 - share) / n) ** 0.5


def test_a_ring_is_the_twelve_newest_snapshots_of_a_main_each_as_often() -> None:
    own = [Foe(i, 1.0, own_ancestor=True) for i in range(2, 22)]  # 20 that it beats: never drawn
    foes = [Foe(1, 0.5, role="anchor"), *reversed(own)]
    said = draw_shares("main", foes, p_self_play=0.0, p_ring=0.6)
    assert {i: said[i] for i in range(10, 22)} == dict.fromkeys(range(10, 22), pytest.approx(0.05))
    assert all(said.get(i, 0.0) == 0.0 for i in range(2, 10))
    # what is left, 0.4, is as without a ring: ten in thirteen among the hard
    assert said[1] == pytest.approx(0.4 * 10 / 13)
    assert draw_shares("main", foes[:1], p_ring=0.6) == draw_shares("main", foes[:1])


def test_the_chance_of_the_first_place_is_that_of_ten_normal_performances() -> None:
    x = np.array([0.5, 0.9, 0.99])
    leads = 2**0.5 * np.array([0.0, 1.2815515655, 2.3263478740])  # quantiles of x
    rng = np.random.default_rng(1)
    best = rng.standard_normal((100_000, 9)).max(axis=1)
    own = rng.standard_normal(100_000)
    drawn = [float((own + lead > best).mean()) for lead in leads]
    assert chance_of_first(x) == pytest.approx(drawn, abs=0.01)  # 6 standard errors
    assert chance_of_first(x)[0] == pytest.approx(0.1, abs=0.002)  # one of ten equals


def test_the_rungs_of_a_ladder_get_their_share_and_the_even_one_most_of_it() -> None:
    rungs = [Foe(i, x, role="anchor", is_rung=True) for i, x in ((11, 0.999), (12, 0.9), (13, 0.2))]
    said = draw_shares("main", [*CAST, *rungs], p_self_play=0.0, p_rung=0.75)
    among = {i: said[i] for i in (11, 12, 13)}
    assert sum(among.values()) >= 0.75  # they are drawn as anchors too
    # nine of the second are passed in about half of the matches, nine of the others always, never
    assert among[12] > 2 * max(among[11], among[13]) and min(among.values()) > 0.0
    without = draw_shares("main", CAST, p_self_play=0.0, p_rung=0.75)
    assert without == draw_shares("main", CAST, p_self_play=0.0)


def test_nobody_but_a_learner_has_shares() -> None:
    with pytest.raises(MatchmakingError, match="role of a learner"):
        draw_shares("anchor", CAST)


def test_a_main_plays_itself_the_hard_ones_and_its_tormentors() -> None:
    foes = [Foe(1, 1.0), Foe(2, 0.2, role="main_exploiter"), Foe(3, 1.0, own_ancestor=True)]
    found = shares("main", foes)
    # only member 2 has weight: 50 % hard + 15 % verification (x = 0.2 < 0.3); the rest is self-play
    assert found[None] == pytest.approx(0.35, abs=0.03)
    assert found[2] == pytest.approx(0.65, abs=0.03)


def test_a_main_verifies_forgotten_ancestors_else_plays_itself() -> None:
    foes = [Foe(1, 0.9), Foe(3, 0.6, own_ancestor=True)]
    # hard: 0.01 against 0.16, so member 3 gets 0.5 * 0.16/0.17 + 0.15 = 0.62
    assert shares("main", foes)[3] == pytest.approx(0.62, abs=0.03)
    known = [Foe(1, 0.9), Foe(3, 0.8, own_ancestor=True)]
    assert shares("main", known)[None] == pytest.approx(0.50, abs=0.03)  # 0.35 + 0.15


def test_most_of_a_mains_hard_draws_are_among_the_anchors() -> None:
    snapshots = [Foe(i, 0.5) for i in range(1, 31)]
    anchor = Foe(99, 0.5, role="anchor")
    found = shares("main", [*snapshots, anchor])
    # hard draws are 0.5: three quarters of them the only anchor, the others one in 31
    assert found[99] == pytest.approx(0.375 + 0.125 / 31, abs=0.03)


def test_a_main_exploiter_plays_the_main_while_it_can_and_its_ancestors_else() -> None:
    ancestors = [Foe(2, 0.5, main_ancestor=True), Foe(3, 0.02, main_ancestor=True)]
    assert shares("main_exploiter", [Foe(1, 0.11, current_main=True), *ancestors]) == {1: 1.0}
    found = shares("main_exploiter", [Foe(1, 0.1, current_main=True), Foe(9, 0.5), *ancestors])
    # variance: 0.25 against the held 0.0475
    assert set(found) == {2, 3}
    assert found[2] == pytest.approx(0.25 / 0.2975, abs=0.03)
    assert shares("main_exploiter", [Foe(1, 0.0, current_main=True)]) == {1: 1.0}


def test_a_league_exploiter_draws_capped_linear_over_the_league() -> None:
    found = shares("league_exploiter", [Foe(1, 0.0), Foe(2, 0.5), Foe(3, 1.0)])
    assert found == {1: pytest.approx(0.5, abs=0.03), 2: pytest.approx(0.5, abs=0.03)}


def test_without_foes_everything_is_self_play_and_anchors_do_not_train() -> None:
    assert draw_opponents("main", [], 3, np.random.default_rng(0)) == [None] * 3
    with pytest.raises(MatchmakingError, match="found anchor"):
        draw_opponents("anchor", [], 3, np.random.default_rng(0))


def decide(required: list[RequiredFoe], decisions: int = 10, kl: float | None = None):  # type: ignore[no-untyped-def]
    return snapshot_decision(required, decisions, snapshot_every=1000, kl=kl)


def test_a_snapshot_comes_anyway_after_enough_decisions_unless_nothing_changed() -> None:
    assert decide([], decisions=1000).take
    same = decide([], decisions=1000, kl=0.001)
    assert not same.take and "hardly differs" in same.reason
    assert decide([], decisions=1000, kl=0.5).take


def test_resets_follow_the_roles() -> None:
    rng = np.random.default_rng(0)
    n = 2000
    found = {
        role: Counter(reset_after_snapshot(role, rng) for _ in range(n))
        for role in ("main", "main_exploiter", "league_exploiter")
    }
    assert found["main"] == {"keep": n}
    assert set(found["main_exploiter"]) == {"fresh", "early_ancestor"}
    assert found["league_exploiter"]["fresh"] / n == pytest.approx(0.25, abs=0.04)
