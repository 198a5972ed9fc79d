"""The held-out score: a share of the held-out members, by match, with an interval of clusters."""

from __future__ import annotations

import pytest

from league.course import held_out as subject
from league.course.held_out import held_out_names, held_out_scores
from league.course.stages import share_above
from league.rating.columns import MatchColumns

SECRET, OTHER = 8, 9  # held out


def test_the_score_is_the_mean_share_of_held_out_members_placed_above() -> None:
    columns = MatchColumns.of_matches(
        [
            ((1, 2, SECRET), (1, 3, 2)),  # 1 above, 2 below
            ((1, SECRET, OTHER), (2, 1, 3)),  # 1 is above one of two
            ((1, 2, OTHER), (2, 1, 2)),  # 1 is equal: half
            ((1, 2, 3), (3, 2, 1)),  # nobody is held out: says nothing
        ]
    )
    found = held_out_scores(columns, [SECRET, OTHER], [1, 2, 3, SECRET])
    assert {i: row.n_matches for i, row in found.items()} == {1: 3, 2: 2}
    # Held-out members count, not matches: one, one of two, half of one.
    assert found[1].score == pytest.approx((1.0 + 1.0 + 0.5) / 4)
    assert found[2].score == pytest.approx((0.0 + 1.0) / 2)
    assert 0.0 <= found[1].low < found[1].score < found[1].high <= 1.0


def test_it_is_the_share_that_the_watch_over_courses_uses() -> None:
    places = (4, 2, 4, 6)
    columns = MatchColumns.of_matches([((1, 7, SECRET, OTHER), places)])
    found = held_out_scores(columns, [SECRET, OTHER], [1])
    assert found[1].score == share_above(4, [4, 6]) == 0.75  # half of one, and the other


def test_matches_of_one_company_count_together() -> None:
    same = [((1, SECRET), (1, 2))] * 20
    columns = MatchColumns.of_matches([*same, ((1, 2, SECRET), (3, 1, 2))])
    found = held_out_scores(columns, [SECRET], [1])[1]
    # Two line-ups, which disagree: 21 values that were independent would have +-0.1.
    assert found.score == pytest.approx(20 / 21) and found.high - found.low > 0.4


def test_parts_of_many_matches_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [((1, 2, 3, SECRET), (n % 4 + 1, (n + 1) % 4 + 1, 3, 2)) for n in range(25)]
    columns = MatchColumns.of_matches(rows)
    whole = held_out_scores(columns, [SECRET], [1, 2, 3])
    monkeypatch.setattr(subject, "_AT_ONCE", 7)
    assert held_out_scores(columns, [SECRET], [1, 2, 3]) == whole


def test_without_held_out_members_or_matches_there_is_nothing() -> None:
    assert held_out_scores(MatchColumns.empty(), [SECRET], [1]) == {}
    assert held_out_scores(MatchColumns.of_matches([((1, 2), (1, 2))]), [SECRET], [1]) == {}
    assert held_out_names(None) == () == held_out_names({"rating": {}})
    assert held_out_names({"rating": {"held_out": ["a"]}}) == ("a",)
