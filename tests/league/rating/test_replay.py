"""Replays: each change by the version beside it, on logs of rows and of columns alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from league.errors import RatingError
from league.rating.engines import CHAIN_VERSION, rate_by_chain, rate_function
from league.rating.replay import as_columns, replay, replay_changes, replay_columns
from league.rating.trueskill import MU, RATING_VERSION, SIGMA, Gaussian, child_rating, rate_match
from tests.league.rating.test_ratings import Row, log_of, random_matches

NEW = (MU, SIGMA)
BOTH = (CHAIN_VERSION, RATING_VERSION)


def of_version(rows: Sequence[Row], version: str) -> list[Row]:
    return [replace(row, rating_version=version) for row in rows]


@pytest.mark.parametrize("version", BOTH)
def test_a_replay_gives_what_was_rated_live_match_by_match(version: str) -> None:
    matches = random_matches(8, 40, seed=6)
    matches += [[(1, 1), (2, 1), (3, 1)], [(4, 2), (5, 1), (6, 1), (7, 4)]]  # ties too
    current: dict[int, Gaussian] = dict.fromkeys(range(1, 9), NEW)
    live = [NEW] * 8
    for match in matches:
        after = rate_function(version)([current[m] for m, _ in match], [p for _, p in match])
        current.update(zip([m for m, _ in match], after, strict=True))
        live += after
    rows = of_version(log_of(8, matches), version)
    assert replay_changes(rows) == live  # to the last bit
    assert replay(rows) == current


def test_a_log_of_two_versions_is_replayed_by_each_in_turn() -> None:
    first, second, third = [(1, 1), (2, 2)], [(2, 1), (1, 2)], [(1, 1), (2, 1)]
    rows = log_of(2, [first, second, third])
    rows[4:6] = of_version(rows[4:6], CHAIN_VERSION)
    one = rate_match([NEW, NEW], [1, 2])
    two = rate_by_chain([one[1], one[0]], [1, 2])
    last = rate_match([two[1], two[0]], [1, 1])
    assert replay(rows) == {1: last[0], 2: last[1]}
    # a version that is given rates all of them
    columns = as_columns(rows)
    mu, _ = replay_columns(columns, version=CHAIN_VERSION)
    assert mu.tolist() == [m for m, _ in replay_changes(of_version(rows, CHAIN_VERSION))]


def test_an_admission_between_matches_starts_from_the_parent_of_that_moment() -> None:
    rows = log_of(2, [[(1, 1), (2, 2)]])
    rows.append(Row(5, 3, mu=0.0, sigma=1.0, parent_id=1, allowance=2.0))
    rows += [Row(6, 1, 2, placement=2), Row(7, 3, 2, placement=1), Row(8, 9, mu=1.0, sigma=2.0)]
    rows = of_version(rows, CHAIN_VERSION)
    before = rate_by_chain([NEW, NEW], [1, 2])
    child = child_rating(*before[0], 2.0)
    after = rate_by_chain([before[0], child], [2, 1])
    assert replay(rows) == {1: after[0], 2: before[1], 3: after[1], 9: (1.0, 2.0)}


def test_a_parent_that_joins_later_gives_its_child_nothing() -> None:
    rows = [Row(1, 1, mu=20.0, sigma=3.0, parent_id=2, allowance=2.0), Row(2, 2)]
    assert replay(rows) == {1: (20.0, 3.0), 2: NEW}


@pytest.mark.parametrize(
    ("row", "change", "says"),
    [
        (2, {"rating_version": "elo-7"}, "found 'elo-7'"),
        (3, {"placement": None}, "expected a placement at seq 4"),
        (3, {"match_id": 2}, "two or more rated seats of match 1 at seq 3"),
        (3, {"seq": 3}, "out of order at seq 3"),
    ],
)
def test_a_log_that_cannot_be_replayed_is_refused(
    row: int, change: dict[str, object], says: str
) -> None:
    rows = log_of(2, [[(1, 1), (2, 2)]])
    rows[row] = replace(rows[row], **change)  # type: ignore[arg-type]
    with pytest.raises(RatingError, match=says):
        replay(rows)


def test_a_start_that_is_no_rating_is_refused() -> None:
    with pytest.raises(RatingError, match="restore a backup"):
        replay([Row(1, 1, mu=1e80)])


def test_an_empty_log_has_no_ratings() -> None:
    assert replay([]) == {} and replay_changes([]) == []
    assert all(part.dtype == np.float64 for part in replay_columns(as_columns([])))
