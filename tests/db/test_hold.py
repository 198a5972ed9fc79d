"""A league on a server is held there by one daemon at a time."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from db.errors import DatabaseHeldError, DatabaseUnreachableError
from db.hold import DatabaseHold
from db.session import open_writer


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def end_backend(engine: Engine, name: str) -> None:
    """Kill the server's process of a hold, and wait until it is gone."""
    with engine.connect() as connection:
        ended = connection.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE application_name = :name"
            ),
            {"name": name},
        ).scalars()
        assert list(ended) == [True]


def test_a_second_daemon_is_refused_and_told_who_holds_it(
    fresh_postgresql: Engine, postgresql_url: str
) -> None:
    first = DatabaseHold(fresh_postgresql)
    other = open_writer(f"{postgresql_url}&password=hush")
    try:
        with pytest.raises(DatabaseHeldError, match="held in postgresql") as refused:
            DatabaseHold(other)
        assert first.name in str(refused.value) and "hush" not in str(refused.value)
        first.close()
        DatabaseHold(other).close()
    finally:
        other.dispose()


def test_a_lost_connection_is_noticed_and_the_league_taken_again(fresh_postgresql: Engine) -> None:
    clock = Clock()
    hold = DatabaseHold(fresh_postgresql, clock=clock)
    end_backend(fresh_postgresql, hold.name)
    hold.check()  # within 2 s of the last question
    clock.now = 2.0
    with pytest.raises(DatabaseUnreachableError, match="was lost"):
        hold.check()
    hold.check()
    with pytest.raises(DatabaseHeldError):
        DatabaseHold(fresh_postgresql)
    hold.close()


def test_who_lost_the_league_to_another_daemon_is_told(
    fresh_postgresql: Engine, postgresql_url: str
) -> None:
    clock = Clock()
    hold = DatabaseHold(fresh_postgresql, clock=clock)
    end_backend(fresh_postgresql, hold.name)
    other = open_writer(postgresql_url)
    try:
        taken = DatabaseHold(other)
        clock.now = 2.0
        with pytest.raises(DatabaseUnreachableError):
            hold.check()
        with pytest.raises(DatabaseHeldError):
            hold.check()
        taken.close()
    finally:
        other.dispose()


def test_a_former_connection_that_the_server_still_keeps_is_ended(
    fresh_postgresql: Engine, postgresql_url: str
) -> None:
    clock = Clock()
    hold = DatabaseHold(fresh_postgresql, clock=clock)
    unreachable, hold._connection = hold._connection, None  # a network that broke
    with pytest.raises(DatabaseUnreachableError, match="still keeps"):
        hold.check()
    for _ in range(100):  # the server ends it within milliseconds
        try:
            hold.check()
            break
        except DatabaseUnreachableError:
            pass
    with pytest.raises(DatabaseHeldError):
        DatabaseHold(fresh_postgresql)
    hold.close()
    assert unreachable is not None
    unreachable.invalidate()


def test_leagues_in_two_schemas_of_one_database_do_not_meet(
    fresh_postgresql: Engine, postgresql_url: str
) -> None:
    hold = DatabaseHold(fresh_postgresql)
    with fresh_postgresql.begin() as connection:
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS second"))
    other = open_writer(f"{postgresql_url}&options=-csearch_path%3Dsecond")
    try:
        DatabaseHold(other).close()
    finally:
        hold.close()
        other.dispose()


def test_a_sqlite_league_needs_no_server(sqlite_writer: Engine) -> None:
    hold = DatabaseHold(sqlite_writer)
    hold.check()
    hold.close()
