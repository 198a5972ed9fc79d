"""Results of unfinished matches: found, and healed where nobody's rating changes."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from db import queries
from db.session import read_transaction, write_transaction
from tests.db.conftest import RULES
from tests.db.hand_made import admit, finish, plan


@pytest.fixture
def played(writer: Engine) -> tuple[int, int]:
    """A finished match and a planned one, between the same two members."""
    with write_transaction(writer) as session:
        ids = admit(session, "tribe", "random")
        first, second = (queries.plan_match(session, plan(ids)) for _ in range(2))
        finish(session, first, 1, 2)
    return first, second


def damage(writer: Engine, *statements: str) -> None:
    with write_transaction(writer) as session:
        for statement in statements:
            session.execute(text(statement))


def heal(writer: Engine) -> list[queries.UnfinishedResult]:
    with write_transaction(writer) as session:
        return queries.heal_unfinished_results(session)


def found(writer: Engine) -> list[queries.UnfinishedResult]:
    with read_transaction(writer) as session:
        return queries.find_unfinished_results(session)


def test_a_sound_league_needs_no_healing(writer: Engine, played: tuple[int, int]) -> None:
    assert found(writer) == heal(writer) == []


@pytest.mark.parametrize("status", ["planned", "running", "failed"])
def test_a_whole_result_of_an_unfinished_match_is_finished_again(
    writer: Engine, played: tuple[int, int], status: str
) -> None:
    first, second = played
    with read_transaction(writer) as session:
        before = queries.get_match(session, first)
        log = queries.rating_log(session, RULES)
    damage(writer, f"UPDATE matches SET status = '{status}', error = 'x' WHERE id = {first}")
    (one,) = found(writer)
    # two seats of two, and a rating for each
    assert (one.match_id, one.status, one.n_seats, one.n_ratings) == (first, status, 2, 2)
    assert one.cure == "finish" and "counts as finished" in str(one)
    assert heal(writer) == [one]
    assert found(writer) == []
    with read_transaction(writer) as session:
        assert queries.get_match(session, first) == before
        assert queries.rating_log(session, RULES) == log
        assert queries.get_match(session, second).status == "planned"


def test_seats_that_rated_nobody_are_removed_and_the_match_is_played_again(
    writer: Engine, played: tuple[int, int]
) -> None:
    first, _ = played
    damage(
        writer,
        f"UPDATE matches SET status = 'failed' WHERE id = {first}",
        f"DELETE FROM ratings WHERE match_id = {first}",
    )
    assert [one.cure for one in heal(writer)] == ["clear"]
    with write_transaction(writer) as session:
        assert queries.get_match(session, first).status == "planned"
        assert queries.match_seats(session, first) == []
        assert finish(session, first, 2, 1)  # nothing is in its way


def test_ratings_without_a_whole_result_are_left_and_named(
    writer: Engine, played: tuple[int, int]
) -> None:
    first, _ = played
    damage(
        writer,
        f"UPDATE matches SET status = 'planned' WHERE id = {first}",
        f"DELETE FROM seats WHERE match_id = {first} AND seat = 1",
    )
    (one,) = heal(writer)
    assert one.cure == "none" and "restore a backup" in str(one)
    assert found(writer) == [one]  # unchanged
