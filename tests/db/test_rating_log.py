"""The rating log: nothing missing, nothing counted twice, everything that a replay needs."""

from __future__ import annotations

import math

import pytest
from sqlalchemy import Engine, text

from db import queries
from db.errors import DatabaseError
from db.session import read_transaction, write_transaction
from tests.db.conftest import RULES
from tests.db.hand_made import add, admit, finish, plan


@pytest.mark.parametrize("seq", [1, 3, 5])
def test_a_removed_row_is_a_gap_wherever_it_stood(writer: Engine, seq: int) -> None:
    with write_transaction(writer) as session:
        ids = admit(session, "tribe", "random")  # seq 1, 2
        for _ in range(2):
            finish(session, queries.plan_match(session, plan(ids)), 1, 2)  # seq 3, 4 and 5, 6
        assert queries.rating_log_is_gap_free(session)
        session.execute(text(f"DELETE FROM ratings WHERE seq = {seq}"))
        assert not queries.rating_log_is_gap_free(session)


def test_an_empty_log_has_no_gap(writer: Engine) -> None:
    with read_transaction(writer) as session:
        assert queries.rating_log_is_gap_free(session)


def test_seasons_share_one_numbering(writer: Engine) -> None:
    with write_transaction(writer) as session:
        (member_id,) = admit(session, "tribe")
        queries.append_rating(
            session, member_id, 25.0, 8.0, rules_sha256="d" * 64, rating_version="t"
        )
        assert queries.rating_log_is_gap_free(session)
        assert [row.seq for row in queries.rating_log(session, "d" * 64)] == [2]


def test_an_unrated_seat_of_the_same_member_adds_no_row_to_the_log(writer: Engine) -> None:
    with write_transaction(writer) as session:
        a, b = admit(session, "tribe", "random")
        line_up = ((a, False), (a, True), (b, True), (b, False))
        finish(session, queries.plan_match(session, plan([], line_up=line_up)), 4, 1, 3, 2)
        log = queries.rating_log(session, RULES)
    # the placements of the rated seats: a was first with its second seat, b third with its first
    assert [(row.member_id, row.placement) for row in log] == [(a, None), (b, None), (a, 1), (b, 3)]


def test_an_admission_carries_parent_and_allowance(writer: Engine) -> None:
    with write_transaction(writer) as session:
        (parent,) = admit(session, "parent")
        child = add(session, "child", parent_id=parent)
        queries.append_rating(
            session, child, 25.0, 8.3, rules_sha256=RULES, rating_version="t", allowance=4.0
        )
        (_, row) = queries.rating_log(session, RULES)
    assert (row.parent_id, row.allowance, row.match_id, row.placement) == (parent, 4.0, None, None)


def test_the_log_closes_over_the_admission_of_a_removed_member(writer: Engine) -> None:
    with write_transaction(writer) as session:
        a, gone, b = admit(session, "tribe", "typo", "random")  # seq 1, 2, 3
        finish(session, queries.plan_match(session, plan([a, b])), 1, 2)  # seq 4, 5
        queries.remove_member(session, gone)
        assert [(row.seq, row.member_id) for row in queries.rating_log(session, RULES)] == [
            (1, a),
            (2, b),
            (3, a),
            (4, b),
        ]
        assert queries.rating_log_is_gap_free(session)
        assert queries.next_rating_seq(session) == 5


def test_the_columns_of_the_log_are_its_rows(writer: Engine) -> None:
    with write_transaction(writer) as session:
        a, b = admit(session, "tribe", "random")
        child = add(session, "child", parent_id=a)
        queries.append_rating(
            session, child, 25.0, 8.3, rules_sha256=RULES, rating_version="u", allowance=4.0
        )
        queries.append_rating(session, b, 1.0, 1.0, rules_sha256="d" * 64, rating_version="v")
        line_up = ((a, False), (a, True), (b, True), (b, False))
        finish(session, queries.plan_match(session, plan([], line_up=line_up)), 4, 1, 3, 2)
        found = queries.rating_columns(session, RULES)
    assert found.versions == ("t", "u") and found.version.tolist() == [0, 0, 1, 0, 0]
    assert found.seq.tolist() == [1, 2, 3, 5, 6]  # 4 is another season's
    assert found.member_id.tolist() == [a, b, child, a, b]
    assert found.match_id.tolist() == [0, 0, 0, 1, 1]
    assert found.placement.tolist() == [0, 0, 0, 1, 3]
    assert found.parent_id.tolist() == [0, 0, a, 0, 0]
    assert found.allowance[2] == 4.0 and math.isnan(found.allowance[0])
    assert (found.mu[2], found.sigma[2]) == (25.0, 8.3)


def test_a_column_that_holds_text_is_damage(sqlite_writer: Engine) -> None:
    with write_transaction(sqlite_writer) as session:
        admit(session, "tribe")
        session.execute(text("PRAGMA ignore_check_constraints = ON"))
        session.execute(text("UPDATE ratings SET mu = 'much'"))
        with pytest.raises(DatabaseError, match="expected numbers in the columns seq"):
            queries.rating_columns(session, RULES)


def test_replaced_ratings_keep_their_place_in_the_log(writer: Engine) -> None:
    with write_transaction(writer) as session:
        a, b = admit(session, "tribe", "random")
        queries.replace_ratings(session, [2], [31.0], [2.0], "new")
        found = queries.rating_log(session, RULES)
        queries.replace_ratings(session, [], [], [], "none")
    assert [(row.member_id, row.mu, row.rating_version) for row in found] == [
        (a, 25.0, "t"),
        (b, 31.0, "new"),
    ]
