"""Databases for the tests: real SQLite files, and schemas of the server of tests/conftest.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from db.migrate import upgrade
from tests.db.migrated import new_database

RULES = "a" * 64
MAP = "b" * 64
STATE = "c" * 64


@pytest.fixture(params=["sqlite", "postgresql"])
def writer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A migrated league database, once per kind of database."""
    if request.param == "sqlite":
        engine = new_database(tmp_path / "league.db")
    else:
        engine = request.getfixturevalue("fresh_postgresql")
        upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite_writer(tmp_path: Path) -> Iterator[Engine]:
    """A migrated SQLite league."""
    engine = new_database(tmp_path / "league.db")
    yield engine
    engine.dispose()
