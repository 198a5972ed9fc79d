"""The updates of learners: stored in order, thinned evenly, and told from lost ones."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, insert
from sqlalchemy.orm import Session

from db import queries
from db.errors import DatabaseError
from db.models import LearnerUpdate
from db.queries import updates
from db.records import UpdateRecord
from db.session import read_transaction, write_transaction

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def learner(session: Session, name: str = "attention") -> int:
    return queries.upsert_learner(session, name=name, family="attention", role="main")


def fill(session: Session, learner_id: int, first: int, last: int) -> None:
    rows = [
        {
            "learner_id": learner_id,
            "number": number,
            "trained_decisions": 10 * number,
            "at": NOW,
            "numbers": {},
            "opponents": {},
        }
        for number in range(first, last + 1)
    ]
    session.execute(insert(LearnerUpdate), rows)


def numbers(session: Session, learner_id: int) -> list[int]:
    return [row.number for row in queries.list_updates(session, learner_id)]


def test_every_update_is_a_row_of_its_learner_in_the_order_of_time(writer: Engine) -> None:
    with write_transaction(writer) as session:
        one, other = learner(session), learner(session, "baseline")
        queries.add_update(session, one, 640, {"kl": 0.0123456789}, {7: (3, 1.5)}, at=NOW)
        queries.add_update(session, other, 640, {"kl": 0.5})
        queries.add_update(session, one, 1_280, {"kl": 0.25})
    with read_transaction(writer) as session:
        first, second = queries.list_updates(session, one)
        assert first == UpdateRecord(one, 1, 640, NOW, {"kl": 0.0123457}, {"7": [3, 1.5]})
        assert (second.number, second.trained_decisions) == (2, 1_280)
        assert queries.list_updates(session, one, after=1) == [second]
        assert queries.list_updates(session, one, limit=1) == [second]
        assert [row.number for row in queries.list_updates(session, other)] == [1]


def test_numbers_that_are_not_finite_are_left_out(writer: Engine) -> None:
    with write_transaction(writer) as session:
        one = learner(session)
        queries.add_update(session, one, 1, {"loss": math.nan, "kl": math.inf, "lr": 0.5})
    with read_transaction(writer) as session:
        assert queries.list_updates(session, one)[0].numbers == {"lr": 0.5}


def test_an_update_of_an_unknown_learner_is_refused(writer: Engine) -> None:
    with pytest.raises(DatabaseError), write_transaction(writer) as session:
        queries.add_update(session, 99, 1, {})


def test_the_stride_doubles_when_more_rows_would_stay_than_may() -> None:
    # 20,000 newest of at most 100,000: 80,000 older ones. 180,000 - 20,000 = 2 x 80,000.
    assert [updates.stride(n) for n in (100_000, 100_001, 180_001, 180_002)] == [1, 2, 2, 4]
    assert updates.stride(10_000_000) == 128  # 9,980,000 / 128 = 77,968 rows


def test_old_updates_are_thinned_evenly_and_the_newest_all_stay(writer: Engine) -> None:
    with write_transaction(writer) as session:
        one, other = learner(session), learner(session, "baseline")
        fill(session, one, 1, 40)
        fill(session, other, 1, 40)

        def thin(newest: int, at_once: int = 1_000) -> int:
            return queries.thin_updates(session, one, newest, most=30, kept=10, at_once=at_once)

        # 40 > 30: of 1 .. 30 every second one stays, 15 of at most 20.
        assert thin(40, at_once=4) == 4  # in pieces, the oldest first
        assert numbers(session, one)[:6] == [2, 4, 6, 8, 9, 10]
        assert thin(40) == 11 and thin(40) == 0
        assert numbers(session, one) == [*range(2, 31, 2), *range(31, 41)]
        fill(session, one, 41, 60)
        thin(60)  # (60 - 10) / 2 = 25 > 20: every fourth of 1 .. 50
        assert numbers(session, one) == [*range(4, 51, 4), *range(51, 61)]
        assert len(numbers(session, other)) == 40
        assert queries.thin_updates(session, other, 40) == 0  # far from 100,000


def test_a_learner_never_has_many_more_rows_than_it_may(
    sqlite_writer: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(updates, "THIN_EVERY", 5)
    thin = updates.thin_updates
    monkeypatch.setattr(updates, "thin_updates", lambda *a: thin(*a, most=30, kept=10, at_once=20))
    with write_transaction(sqlite_writer) as session:
        one = learner(session)
        most = 0
        for n in range(300):
            queries.add_update(session, one, n, {})
            most = max(most, len(numbers(session, one)))
        assert most <= 34  # 30, and the four since the last look
        assert numbers(session, one)[-10:] == [*range(291, 301)]
        assert queries.add_update(session, one, 300, {}) == 301  # numbers are never used again


def test_updates_that_were_lost_with_a_killed_learner_are_told_from_lasting_ones() -> None:
    found = [
        UpdateRecord(1, number, decisions, NOW, {})
        for number, decisions in enumerate((100, 200, 300, 400, 300, 400, 500), start=1)
    ]
    # The checkpoint was at 200: updates 3 and 4 were lost, and trained again as 5 and 6.
    assert [row.number for row in queries.lasting_updates(found)] == [1, 2, 5, 6, 7]
