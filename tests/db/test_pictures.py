"""What a report draws of whole seasons."""

from __future__ import annotations

from pathlib import Path

import pytest

from db import queries
from db.migrate import upgrade
from db.session import open_writer, read_transaction, write_transaction
from tests.league.hand_made import NOON
from tests.league.page.known import make_known_league


@pytest.mark.parametrize(("n", "at_most", "expected"), [(10, 20, 10), (10, 10, 10), (10, 4, 4)])
def test_a_sample_of_updates_is_even_and_ends_with_the_newest(
    tmp_path: Path, n: int, at_most: int, expected: int
) -> None:
    engine = open_writer(tmp_path / "league.db")
    upgrade(engine)
    with write_transaction(engine) as session:
        learner = queries.upsert_learner(
            session, name="attention", family="attention", role="main", at=NOON
        )
        for number in range(n):
            queries.add_update(session, learner, 100 * number, {"loss": 0.5}, at=NOON)
        found = queries.sampled_updates(session, learner, at_most)
        nobody = queries.sampled_updates(session, learner + 1, at_most)
    engine.dispose()
    numbers = [update.number for update in found]
    assert len(numbers) == expected and numbers[-1] == n
    assert numbers == sorted(numbers)
    assert nobody == []


def test_seats_matches_and_events_are_those_of_the_season(tmp_path: Path) -> None:
    folder = make_known_league(tmp_path / "league", n_matches=2)
    engine = open_writer(folder.sqlite)
    with read_transaction(engine) as session:
        rules = queries.get_match(session, 1).rules_sha256
        seats = queries.seat_columns(session, rules)
        moments = queries.match_moments(session, rules)
        other = queries.seat_columns(session, "f" * 64)
        counts = {(level, kind): n for level, kind, n in queries.event_counts(session)}
    engine.dispose()
    # Places of the seats 0 to 3 are 2, 3, 1, 4; the last one died at tick 600.
    assert seats["placement"].tolist() == [2, 3, 1, 4] * 2
    assert seats["eliminated_tick"].tolist() == [-1, -1, -1, 600] * 2
    assert seats["match_id"].tolist() == [1] * 4 + [2] * 4
    assert [(m.id, m.map, m.ticks) for m in moments] == [
        (1, "generated:lakes:128x128:1", 1_000),
        (2, "generated:continents:128x128:2", 1_000),
    ]
    assert len(other) == 0 and seats.dtype.names == queries.SEAT_COLUMNS
    assert counts[("alarm", "learner_died")] == 1 and counts[("info", "start")] == 1
