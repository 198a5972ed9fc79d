"""A league on a server is held there by one daemon at a time."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from db import queries
from db.errors import DatabaseHeldError, DatabaseUnreachableError
from db.hold import DatabaseHold, holder_of
from db.migrate import upgrade
from db.session import open_writer, read_transaction, write_transaction


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


def members(engine: Engine) -> list[str]:
    with read_transaction(engine) as session:
        return [member.name for member in queries.list_members(session)]


def add(engine: Engine, name: str) -> None:
    with write_transaction(engine) as session:
        queries.add_member(
            session, name=name, family="scripted", role="anchor", agent_spec=f"scripted:{name}"
        )


def test_a_daemon_that_lost_the_league_without_knowing_writes_nothing(
    fresh_postgresql: Engine, postgresql_url: str
) -> None:
    upgrade(fresh_postgresql)
    hold = DatabaseHold(fresh_postgresql)
    hold.claim()
    add(fresh_postgresql, "before")
    end_backend(fresh_postgresql, hold.name)
    other = open_writer(postgresql_url)
    beside = open_writer(postgresql_url)  # a pit: it holds nothing, and writes whoever does
    try:
        taken = DatabaseHold(other)
        taken.claim()
        assert holder_of(beside) == taken.name
        with pytest.raises(DatabaseHeldError, match=f"{taken.name} has taken it"):
            add(fresh_postgresql, "after")  # within 2 s of the last check
        add(other, "by the holder")
        add(beside, "by a pit")
        taken.close()
    finally:
        hold.close()
        other.dispose()
        beside.dispose()
    assert members(fresh_postgresql) == ["before", "by the holder", "by a pit"]


def test_a_league_that_another_daemon_had_meanwhile_is_not_taken_again(
    fresh_postgresql: Engine, postgresql_url: str
) -> None:
    clock = Clock()
    upgrade(fresh_postgresql)
    hold = DatabaseHold(fresh_postgresql, clock=clock)
    hold.claim()
    end_backend(fresh_postgresql, hold.name)
    other = open_writer(postgresql_url)
    try:
        taken = DatabaseHold(other)
        taken.claim()
        taken.close()
    finally:
        other.dispose()
    assert holder_of(fresh_postgresql) is None
    clock.now = 2.0
    with pytest.raises(DatabaseUnreachableError, match="was lost"):
        hold.check()
    with pytest.raises(DatabaseHeldError, match=f"{taken.name} took this league"):
        hold.check()
    again = DatabaseHold(fresh_postgresql)  # the next start
    again.claim()
    add(fresh_postgresql, "anew")
    again.close()


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
    hold.claim()
    hold.check()
    assert holder_of(sqlite_writer) is None
    hold.close()
