"""Migrations arrive at the models' schema, and refuse a database from the future."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from db import queries
from db.errors import RevisionError
from db.migrate import (
    MIGRATIONS,
    check_revision,
    current_revision,
    head_revision,
    known_revisions,
    upgrade,
)
from db.models import Base
from db.session import open_reader, open_writer, read_transaction, write_transaction


def schema(engine: Engine) -> dict[str, list[str]]:
    """Every table and index of a SQLite file, as the sorted lines of its SQL.

    Views are no part of the models (tests/db/test_views.py).
    """
    query = text(
        "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'alembic%' AND sql IS NOT NULL "
        "AND type <> 'view'"
    )
    with engine.connect() as connection:
        return {
            name: sorted(re.sub(r"\s+", " ", line).strip(" ,") for line in sql.splitlines())
            for name, sql in connection.execute(query)
        }


@pytest.mark.parametrize("start", [None, *known_revisions()])
def test_upgrading_every_old_revision_gives_the_fresh_schema(
    start: str | None, tmp_path: Path
) -> None:
    migrated, fresh = open_writer(tmp_path / "migrated.db"), open_writer(tmp_path / "fresh.db")
    if start is not None:
        upgrade(migrated, start)
    assert upgrade(migrated) == head_revision()
    Base.metadata.create_all(fresh)
    assert schema(migrated) == schema(fresh)
    migrated.dispose()
    fresh.dispose()


def test_alembic_sees_no_difference_to_the_models(writer: Engine) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with writer.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_the_revisions_of_the_file_names_are_alembics() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_current_head() == head_revision()
    assert sorted(s.revision for s in scripts.walk_revisions()) == known_revisions()


def test_an_unknown_revision_says_update_the_program(sqlite_writer: Engine) -> None:
    with sqlite_writer.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(RevisionError, match=r"9999.*update the program"):
        check_revision(sqlite_writer)
    with pytest.raises(RevisionError, match="update the program"):
        upgrade(sqlite_writer)


def test_an_empty_database_says_start_the_league(tmp_path: Path) -> None:
    engine = open_writer(tmp_path / "league.db")
    assert current_revision(engine) is None
    with pytest.raises(RevisionError, match="league start"):
        check_revision(engine)
    engine.dispose()


def test_a_reader_can_check_the_revision(sqlite_writer: Engine, tmp_path: Path) -> None:
    reader = open_reader(tmp_path / "league.db")
    assert check_revision(reader) == head_revision()
    reader.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def old_league(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database of revision 0001 with a learner, as releases before 0.2.0 left it."""
    if request.param == "sqlite":
        engine = open_writer(tmp_path / "league.db")
    else:
        engine = request.getfixturevalue("fresh_postgresql")
    upgrade(engine, "0001")
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO learners (id, name, family, role, status, generation, "
                "trained_decisions, progress, started_at, heartbeat_at) VALUES (3, 'attention', "
                "'attention', 'main', 'stopped', 2, 640, '{\"kl\": 0.5}', "
                "'2026-01-02 03:04:05', '2026-01-02 03:04:05')"
            )
        )
    yield engine
    engine.dispose()


def test_a_league_of_revision_1_keeps_its_learners_and_gets_their_updates(
    old_league: Engine,
) -> None:
    with pytest.raises(RevisionError, match=r"revision 0001.*`league start` makes a backup"):
        check_revision(old_league)
    assert upgrade(old_league) == head_revision()
    with write_transaction(old_league) as session:
        (learner,) = queries.list_learners(session)
        assert (learner.name, learner.generation, learner.progress) == ("attention", 2, {"kl": 0.5})
        assert queries.list_updates(session, learner.id) == []
        assert queries.add_update(session, learner.id, 1_280, {"kl": 0.25}) == 1
    with read_transaction(old_league) as session:
        (update,) = queries.list_updates(session, 3)
        assert (update.trained_decisions, update.numbers) == (1_280, {"kl": 0.25})


def test_upgrading_on_postgresql_gives_the_tables_of_the_models(
    fresh_postgresql: Engine,
) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    for revision in known_revisions():
        assert upgrade(fresh_postgresql, revision) == revision
    with fresh_postgresql.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_upgrading_twice_changes_nothing(writer: Engine) -> None:
    assert upgrade(writer) == head_revision()


def test_a_failing_upgrade_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_writer(tmp_path / "league.db")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE seats (id INTEGER)"))  # stands in the way
    with pytest.raises(Exception, match="seats"):
        upgrade(engine)
    assert current_revision(engine) is None
    assert list(schema(engine)) == ["seats"]
    engine.dispose()
