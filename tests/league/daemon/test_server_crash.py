"""A PostgreSQL server crashes or restarts under a daemon that lives on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Literal

import pytest
from sqlalchemy import text

from db import queries
from db.errors import DatabaseError
from db.hold import DatabaseHold
from db.migrate import upgrade
from db.session import open_writer, read_transaction, write_transaction
from league.daemon import trouble
from league.daemon.manager import Manager
from league.folder.rerate import rerate
from league.members import admission
from tests.db.postgresql_server import PostgresqlServer, server_or_skip
from tests.league.daemon.rated import matches, rated_matches, season
from tests.league.daemon.scripted import (
    League,
    PlayingArena,
    ScriptedArena,
    new_league,
    new_league_on_server,
)


@pytest.fixture
def server() -> Iterator[PostgresqlServer]:
    """A server of this test alone: it crashes."""
    made = server_or_skip()
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


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_server_that_restarts_amid_a_managers_writes_costs_and_doubles_no_match(
    mode: Literal["fast", "immediate"],
    server: PostgresqlServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trouble, "FIRST_PAUSE_S", 0.1)
    said: list[str] = []
    with new_league_on_server(tmp_path / "league", server.url, "learners=[]") as league:
        hold = DatabaseHold(league.engine)
        hold.claim()
        arena = PlayingArena()
        manager = Manager(league.folder, league.config, league.engine, arena=arena)
        pauses = trouble.Pauses(
            manager,
            trouble.Patience(60.0),
            say=said.append,
            show=lambda trouble: None,
            must_stop=lambda: False,
            sign=lambda: None,
        )
        restart = Thread(target=server.restart, args=(mode,))
        over = False  # the latest round succeeded, and began after the restart
        while len(arena.ended) < 60 or not said or not over:
            restarted = restart.ident is not None and not restart.is_alive()
            try:
                hold.check()
                manager.turn(0.0)
                pauses.end()
                over = restarted
            except DatabaseError as error:
                over = False  # the hold looks at its connection every two seconds alone
                pauses.wait(error)
            if len(arena.ended) >= 20 and restart.ident is None:
                restart.start()
        hold.close()
        manager.close(1.0)
        finished = matches(league, "finished")
        n_rated = sum(match.purpose == "rating" for match in finished)  # the others are canaries
        with read_transaction(league.engine) as session:
            events = [event.kind for event in queries.list_events(session)]
            n_members = len(queries.list_members(session))
        ratings = rerate(league.folder)
    assert "the league goes on after" in said[-1] and "trouble_passed" in events
    assert sorted(set(arena.ended)) == [
        match.id for match in finished
    ]  # a match whose commit was lost ended twice
    assert ratings.first_difference_seq is None
    assert ratings.n_changes == n_members + 4 * n_rated  # each once
