"""Matches of a checkpoint dealt to other numbers of ranks, matches and seats."""

from __future__ import annotations

from typing import Any

import pytest

from league.learner.dealing import deal


def state(*names: str, k: int = 2, rng: str = "stream") -> dict[str, Any]:
    """A rank with these matches, each with k seats of the learner; the first seat of each lives."""
    return {
        "matches": [{"name": name, "spec": {"agents": ["learner"] * k + ["x"]}} for name in names],
        "active": [seat == 0 for _ in names for seat in range(k)],
        "episode_reward": [float(i) for i in range(len(names) * k)],
        "results": {"x": [2, 1.5]},
        "scores": {"x": [0.5]},
        "rng": {"name": rng},
    }


def names(states: list[dict[str, Any]]) -> list[list[str | None]]:
    return [[None if m is None else m["name"] for m in each["matches"]] for each in states]


def test_as_many_ranks_go_on_with_exactly_what_they_had() -> None:
    saved = [state("a", "b"), state("c", "d", rng="other")]
    dealt = deal(saved, 2, 2, 2)
    assert dealt.states == saved and dealt.said == []


def test_one_rank_takes_over_the_matches_results_and_scores_of_two() -> None:
    (alone,) = (dealt := deal([state("a", "b"), state("c", "d", rng="other")], 1, 4, 2)).states
    assert names([alone]) == [["a", "b", "c", "d"]]
    assert alone["active"] == [True, False] * 4
    assert alone["episode_reward"] == [0.0, 1.0, 2.0, 3.0] * 2
    assert alone["results"] == {"x": [4, 3.0]} and alone["scores"] == {"x": [0.5, 0.5]}
    assert alone["rng"] == {"name": "stream"}
    assert dealt.said == [
        "it was written by 2 ranks and goes on with 1",
        "the random streams of 1 of them end",
    ]


def test_two_ranks_share_the_matches_of_one_and_count_them_once() -> None:
    dealt = deal([state("a", "b", "c", "d")], 2, 2, 2)
    assert names(dealt.states) == [["a", "b"], ["c", "d"]]
    assert [each["rng"] for each in dealt.states] == [{"name": "stream"}, None]
    assert [each["results"] for each in dealt.states] == [{"x": [2, 1.5]}, {}]
    assert dealt.said == [
        "it was written by 1 rank and goes on with 2",
        "random streams begin for 1 of them",
    ]


@pytest.mark.parametrize(
    ("n_matches", "expected", "said"),
    [
        (3, [["a", "b", None]], "1 match begins beside its 2"),
        (4, [["a", "b", None, None]], "2 matches begin beside its 2"),
        (1, [["a"]], "1 of its 2 running matches has no place and is not played on"),
    ],
)
def test_another_number_of_matches_keeps_those_that_have_a_place(
    n_matches: int, expected: list[list[str | None]], said: str
) -> None:
    dealt = deal([state("a", "b")], 1, n_matches, 2)
    assert names(dealt.states) == expected and dealt.said == [said]
    assert len(dealt.states[0]["active"]) == 2 * n_matches
    assert dealt.states[0]["active"][4:] == [True] * (2 * n_matches - 4)


def test_another_number_of_seats_begins_new_matches() -> None:
    dealt = deal([state("a", "b")], 1, 2, 3)
    assert names(dealt.states) == [[None, None]]
    assert dealt.states[0]["active"] == [True] * 6
    assert dealt.said == ["its 2 running matches have other numbers of learner's seats than 3"]
    assert dealt.states[0]["results"] == {"x": [2, 1.5]}  # what was played counts
