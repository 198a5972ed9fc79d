"""A PostgreSQL server crashes under a daemon that lives on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from db import queries
from db.migrate import upgrade
from db.session import open_writer, read_transaction, write_transaction
from league.members import admission
from tests.db.postgresql_server import NoServerError, PostgresqlServer
from tests.league.daemon.rated import matches, rated_matches, season
from tests.league.daemon.scripted import League, ScriptedArena, new_league


@pytest.fixture
def server() -> Iterator[PostgresqlServer]:
    """A server of this test alone: it crashes."""
    try:
        made = PostgresqlServer()
    except NoServerError as error:
        pytest.skip(str(error))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def league(tmp_path: Path, server: PostgresqlServer) -> Iterator[League]:
    """A league on the server, which takes 10 s to write a commit that need not be durable."""
    engine = open_writer(server.url)
    try:
        upgrade(engine)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ALTER SYSTEM SET wal_writer_delay = '10s'"))
            connection.execute(text("SELECT pg_reload_conf()"))
        with new_league(tmp_path / "league") as made:
            found = League(made.folder, made.config, engine)
            with write_transaction(engine) as session:
                scripted = made.config.rating.scripted_members
                admission.admit_scripted(session, scripted, season(found))
            yield found
    finally:
        engine.dispose()


def test_matches_in_play_are_recorded_after_a_crash_of_the_server(
    league: League, server: PostgresqlServer
) -> None:
    arena = ScriptedArena()
    rated = rated_matches(league, arena)
    rated.turn(0.0)
    playing = [job_id for job_id, _, _ in arena.submitted]
    server.restart("immediate")
    assert [match.id for match in matches(league, "running")] == playing
    arena.finish(*playing)
    rated.turn(0.0)  # the pool finds its connection broken, and opens another
    assert [match.id for match in matches(league, "finished")] == playing
    with read_transaction(league.engine) as session:
        assert not [e for e in queries.list_events(session) if e.level == "alarm"]
