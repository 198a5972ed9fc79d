"""Databases for the tests: real SQLite files, and a temporary PostgreSQL server where installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from db.migrate import upgrade
from db.session import open_writer
from tests.db.postgresql_server import NoServerError, PostgresqlServer

RULES = "a" * 64
MAP = "b" * 64
STATE = "c" * 64


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """URL of a server that lives for this test session, on a socket of its own."""
    try:
        server = PostgresqlServer()
    except NoServerError as error:
        pytest.skip(str(error))
    try:
        yield server.url
    finally:
        server.close()


@pytest.fixture
def fresh_postgresql(postgresql_url: str) -> Iterator[Engine]:
    """A writer on an empty PostgreSQL schema."""
    engine = open_writer(postgresql_url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def writer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A migrated league database, once per kind of database."""
    if request.param == "sqlite":
        engine = open_writer(tmp_path / "league.db")
    else:
        engine = request.getfixturevalue("fresh_postgresql")
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite_writer(tmp_path: Path) -> Iterator[Engine]:
    """A migrated SQLite league."""
    engine = open_writer(tmp_path / "league.db")
    upgrade(engine)
    yield engine
    engine.dispose()
