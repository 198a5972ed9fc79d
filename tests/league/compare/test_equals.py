"""Which snapshots stand for both lineages at equal training."""

from __future__ import annotations

import pytest

from league.compare.equals import find_equals
from league.compare.leagues import SeedLeague, Snapshot
from league.errors import CompareError
from league.folder.layout import LeagueFolder


def chain(family: str, *amounts: tuple[int, float]) -> tuple[Snapshot, ...]:
    return tuple(Snapshot(f"{family}-{i}", *amount) for i, amount in enumerate(amounts, start=1))


def league(
    seed: int, a: tuple[Snapshot, ...], b: tuple[Snapshot, ...], name: str = ""
) -> SeedLeague:
    return SeedLeague(LeagueFolder.at("nowhere"), name or f"seed-{seed}", seed, a, b, {})


FIRST = league(
    1,
    chain("a", (120, 2.0), (240, 4.0), (360, 6.0)),
    chain("b", (121, 1.8), (241, 3.5), (362, 5.2), (480, 7.0)),
)
SECOND = league(2, chain("a", (125, 2.1), (250, 4.1)), chain("b", (118, 1.7), (244, 3.6)))


def test_the_level_is_the_most_that_every_lineage_of_every_league_reached() -> None:
    equals = find_equals([FIRST, SECOND], "decisions")
    assert equals.level == 244  # second b; first a 360, first b 480, second a 250
    assert [(p.a.name, p.b.name) for p in equals.pairings] == [("a-2", "b-2"), ("a-2", "b-2")]
    assert equals.unequal == ()


def test_a_level_a_little_lower_is_taken_where_the_members_are_more_equal() -> None:
    # At 455, the highest that both reached, 400 or 520 would meet 455: 12 % apart.
    one = league(
        1, chain("a", (280, 2), (400, 3), (520, 4)), chain("b", (280, 2), (400, 3), (455, 4))
    )
    equals = find_equals([one], "decisions")
    assert equals.level == 400
    assert [(p.a.name, p.b.name) for p in equals.pairings] == [("a-2", "b-2")]


def test_no_level_below_three_quarters_of_the_highest_is_taken() -> None:
    # At 280 they would be equal, but 0.75 * 455 = 341; at 455, a's 520 is nearest.
    one = league(1, chain("a", (280, 2), (520, 4)), chain("b", (280, 2), (455, 4)))
    equals = find_equals([one], "decisions")
    assert equals.level == 455
    assert [(p.a.name, p.b.name) for p in equals.unequal] == [("a-2", "b-2")]  # 65 > 45.5


def test_equal_minutes_take_the_snapshot_nearest_to_the_time() -> None:
    equals = find_equals([FIRST], "minutes")
    assert equals.level == 6.0  # a's newest; b's snapshots at 5.2 and 7.0
    assert [(p.a.name, p.b.name) for p in equals.pairings] == [("a-3", "b-3")]


def test_a_given_level_is_taken_and_members_that_are_far_apart_are_named() -> None:
    equals = find_equals([FIRST], "decisions", 420)
    # a: 360 is nearest; b: 362 is 58 away, 480 is 60 away
    assert [(p.a.name, p.b.name) for p in equals.pairings] == [("a-3", "b-3")]
    far = find_equals([FIRST], "decisions", 480)  # 360 against 480: 120 > 48
    assert [p.league.name for p in far.unequal] == ["seed-1"]


def test_a_lineage_without_a_trained_snapshot_cannot_be_compared() -> None:
    with pytest.raises(CompareError, match=r"seed-3: .* found 1 and 0"):
        find_equals([FIRST, league(3, chain("a", (120, 2.0)), ())], "decisions")
